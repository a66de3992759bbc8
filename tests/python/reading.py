"""Reading: every field comes back, filters, both orders, limits and resume tokens."""

import ipaddress

import grpc
from google.protobuf import timestamp_pb2

import samples
from client import DEADLINE, refused, same
from contract import audit, event as pb, filters

INVALID = grpc.StatusCode.INVALID_ARGUMENT
DESCENDING = audit.QUERY_ORDER_DESCENDING


def as_stored(sent: pb.Event, receipt: pb.Receipt, stored: pb.Event) -> pb.Event:
    """What must come back for an event that was sent; what only vidne can know is taken from `stored`."""
    expected = pb.Event()
    expected.CopyFrom(sent)
    expected.tenant_id = "default"
    expected.sequence = receipt.sequence
    expected.recorded_time.CopyFrom(receipt.recorded_time)
    code, name = samples.NAMES.get(sent.type, (None, sent.custom_type))
    expected.type_name = name
    if code is not None:
        expected.type_code = code
    expected.recorded_by = stored.recorded_by
    expected.personal_commitment = stored.personal_commitment
    assert stored.recorded_by, "nobody recorded it"
    same(len(stored.personal_commitment), 32 if sent.HasField("personal") else 0, "bytes of the commitment")
    return expected


def every_field_comes_back(client):
    events, last = client.query(show_personal=True)
    same(last.end.reason, audit.END_REASON_EXHAUSTED, "why it ended")
    same([event.sequence for event in events], list(range(1, client.head() + 1)), "sequences")
    stored = {event.event_id: event for event in events}
    for event_id, (sent, receipt) in client.recorded.items():
        same(stored[event_id], as_stored(sent, receipt, stored[event_id]), f"event {event_id}")
    types = {event.type for event in events}
    assert set(samples.NAMES) <= types, "a type of the catalogues is missing"


def national_ids_come_only_on_request(client):
    for event in client.query()[0]:
        assert not event.HasField("personal"), "a national id that nobody asked for"
        assert samples.ACTOR_NATIONAL_ID.encode() not in event.SerializeToString(), "a national id elsewhere"
    sent, receipt = next(pair for pair in client.recorded.values() if pair[0].HasField("personal"))
    for key in ({"event_id": receipt.event_id}, {"sequence": receipt.sequence}):
        hidden = client.audit.GetEvent(audit.GetEventRequest(**key), timeout=DEADLINE).event
        shown = client.audit.GetEvent(audit.GetEventRequest(show_personal=True, **key), timeout=DEADLINE).event
        same(shown, as_stored(sent, receipt, shown), "the event by its key")
        assert not hidden.HasField("personal"), "a national id that nobody asked for"
        hidden.personal.CopyFrom(sent.personal)
        same(hidden, shown, "the rest of it")


def what_is_not_there_is_not_found(client):
    for key in ({"sequence": 10**9}, {"event_id": "00000000-0000-4000-8000-000000000000"}):
        get = audit.GetEventRequest(**key)
        refused(
            lambda: client.audit.GetEvent(get, timeout=DEADLINE), grpc.StatusCode.NOT_FOUND, "EVENT_NOT_FOUND"
        )
    query = audit.QueryEventsRequest(tenant_id="nowhere")
    refused(
        lambda: list(client.audit.QueryEvents(query, timeout=DEADLINE)),
        grpc.StatusCode.NOT_FOUND,
        "TENANT_NOT_FOUND",
    )


def moment(minutes: int) -> timestamp_pb2.Timestamp:
    result = timestamp_pb2.Timestamp()
    result.FromNanoseconds(round(samples.START.timestamp()) * 10**9 + 123_456_000 + minutes * 60 * 10**9)
    return result


def in_network(text: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(text) in ipaddress.ip_network(network)
    except ValueError:
        return False


def is_security(event: pb.Event) -> bool:
    return 100 <= event.type <= 126


def has_target(event: pb.Event, **fields) -> bool:
    return any(all(getattr(target, name) == value for name, value in fields.items()) for target in event.targets)


def filter_cases(events):
    """(filter, the same in Python); each must match something and leave something out."""
    some = [events[2].event_id.upper(), events[7].event_id]
    read, custom = samples.event_type("RECORD_READ"), "invoice.approved"
    form, principal = pb.TARGET_TYPE_FORM, pb.TARGET_TYPE_USER
    middle = events[len(events) // 2].recorded_time
    return [
        (dict(types=[read, 122]), lambda e: e.type in (read, 122)),
        (dict(types=[read], custom_types=[custom]), lambda e: e.type == read or e.custom_type == custom),
        (dict(categories=[pb.EVENT_CATEGORY_SECURITY_ADMINISTRATION]), is_security),
        (dict(categories=[pb.EVENT_CATEGORY_DATA_ACCESS]), lambda e: e.type <= 5),
        (dict(types=[read, 122], categories=[pb.EVENT_CATEGORY_DATA_ACCESS]), lambda e: e.type == read),
        (dict(actor_user_ids=["471", "w-1"]), lambda e: e.actor.user_id in ("471", "w-1")),
        (dict(actor_emails=["ASE.2@KOMMUNE.example"]), lambda e: e.actor.email.lower() == "ase.2@kommune.example"),
        (dict(actor_tenant_ids=["t-1"]), lambda e: e.actor.tenant_id == "t-1"),
        (dict(organization_ids=["org-0815"]), lambda e: e.actor.organization_id == "org-0815"),
        (
            dict(actor_national_id=samples.ACTOR_NATIONAL_ID),
            lambda e: e.personal.actor_national_id == samples.ACTOR_NATIONAL_ID,
        ),
        (
            dict(subject_national_id=samples.SUBJECT_NATIONAL_ID),
            lambda e: samples.SUBJECT_NATIONAL_ID in e.personal.subject_national_ids,
        ),
        (dict(target_type=form), lambda e: has_target(e, type=form)),
        (dict(target_type=form, target_ids=["2001"]), lambda e: has_target(e, type=form, id="2001")),
        (
            dict(target_type=principal, target_tenant_ids=["t-9"]),
            lambda e: has_target(e, type=principal, tenant_id="t-9"),
        ),
        (dict(source_ips=["2001:DB8:0::7"]), lambda e: e.source.ip_address == "2001:db8::7"),
        (dict(source_ips=["198.51.100.8/30"]), lambda e: in_network(e.source.ip_address, "198.51.100.8/30")),
        (dict(outcomes=[pb.OUTCOME_FAILURE]), lambda e: e.outcome == pb.OUTCOME_FAILURE),
        (dict(minimum_severity=pb.SEVERITY_ERROR), lambda e: e.severity >= pb.SEVERITY_ERROR),
        (
            dict(occurred_from=moment(101), occurred_before=moment(105)),
            lambda e: moment(101).ToNanoseconds() <= e.occurred_time.ToNanoseconds() < moment(105).ToNanoseconds(),
        ),
        (dict(recorded_from=middle), lambda e: e.recorded_time.ToNanoseconds() >= middle.ToNanoseconds()),
        (dict(recorded_before=middle), lambda e: e.recorded_time.ToNanoseconds() < middle.ToNanoseconds()),
        (dict(sequence_from=5, sequence_before=9), lambda e: 5 <= e.sequence < 9),
        (dict(labels={"env": "prod", "empty": ""}), lambda e: e.labels.get("env") == "prod"),
        (dict(text="UDFØRT handlingen"), lambda e: "udført handlingen" in e.description.lower()),
        (dict(event_ids=some), lambda e: e.event_id in [text.lower() for text in some]),
    ]


def each_filter_gives_exactly_what_matches(client):
    everything, _ = client.query(show_personal=True)
    for fields, matches in filter_cases(everything):
        expected = [event.sequence for event in everything if matches(event)]
        assert 0 < len(expected) < len(everything), f"a filter that proves nothing: {fields}"
        request = {"filter": filters.EventFilter(**fields), "show_personal": True}
        found = [event.sequence for event in client.query(**request)[0]]
        same(found, expected, f"the events of {fields}")
        found = [event.sequence for event in client.query(order=DESCENDING, **request)[0]]
        same(found, expected[::-1], f"the events of {fields}, newest first")
    # All `target_*` fields hold for one and the same target.
    split = filters.EventFilter(target_type=pb.TARGET_TYPE_TASK, target_ids=["2001"])
    same(client.query(filter=split)[0], [], "the events of a filter that no one target satisfies")


def pages_of_any_size_join_without_gap_or_repetition(client):
    chosen = filters.EventFilter(types=[t for t in samples.NAMES if t != samples.event_type("RECORD_READ")])
    for order in (audit.QUERY_ORDER_ASCENDING, DESCENDING):
        whole, last = client.query(filter=chosen, order=order)
        same(last.end.reason, audit.END_REASON_EXHAUSTED, "why it ended")
        for limit in (1, 3, len(whole) - 1):
            pages, request = [], {}
            while True:
                page, last = client.query(filter=chosen, order=order, limit=limit, **request)
                pages += page
                if last.end.reason == audit.END_REASON_EXHAUSTED:
                    break
                same(last.end.reason, audit.END_REASON_LIMIT, "why a page ended")
                same(len(page), limit, "events of a page")
                request = {"resume_token": last.resume_token}
            same([e.sequence for e in pages], [e.sequence for e in whole], f"pages of {limit}, order {order}")


def a_position_is_a_start_too(client):
    sequences = [event.sequence for event in client.query()[0]]
    after = [event.sequence for event in client.query(after_sequence=10)[0]]
    same(after, [s for s in sequences if s > 10], "after 10")
    before = [event.sequence for event in client.query(after_sequence=10, order=DESCENDING)[0]]
    same(before, list(range(9, 0, -1)), "before 10, newest first")


def a_query_does_not_chase_writers(client):
    head = client.head()
    first, last = client.query(limit=2)
    client.record(samples.data_access(3))
    rest, _ = client.query(resume_token=last.resume_token)
    same([e.sequence for e in first + rest], list(range(1, head + 1)), "the events up to the pinned head")


def a_token_of_another_query_is_refused(client):
    _, last = client.query(limit=1)
    token = last.resume_token
    damaged = token[:-1] + bytes([token[-1] ^ 1])
    others = [
        dict(resume_token=token, order=DESCENDING),
        dict(resume_token=token, filter=filters.EventFilter(text="x")),
        dict(resume_token=damaged),
        dict(resume_token=b"no token"),
    ]
    for fields in others:
        request = audit.QueryEventsRequest(**fields)
        refused(lambda: list(client.audit.QueryEvents(request, timeout=DEADLINE)), INVALID, "INVALID_RESUME_TOKEN")


def a_query_that_makes_no_sense_is_refused(client):
    for fields in (
        dict(follow=True, order=DESCENDING),
        dict(from_now=True, order=DESCENDING),
        dict(filter=filters.EventFilter(source_ips=["not an address"])),
        dict(filter=filters.EventFilter(event_ids=["not a uuid"])),
    ):
        request = audit.QueryEventsRequest(**fields)
        refused(lambda: list(client.audit.QueryEvents(request, timeout=DEADLINE)), INVALID, "INVALID_FIELDS")


CHECKS = [
    every_field_comes_back,
    national_ids_come_only_on_request,
    what_is_not_there_is_not_found,
    each_filter_gives_exactly_what_matches,
    pages_of_any_size_join_without_gap_or_repetition,
    a_position_is_a_start_too,
    a_query_does_not_chase_writers,
    a_token_of_another_query_is_refused,
    a_query_that_makes_no_sense_is_refused,
]
