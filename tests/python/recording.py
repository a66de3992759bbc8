"""Recording: switches, receipts, retries and refusals."""

import uuid

import grpc
from google.protobuf import field_mask_pb2

import samples
from client import DEADLINE, details_of, refused, same
from contract import audit, event as pb, tenant

INVALID, EXISTS = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ALREADY_EXISTS


def default_tenant(client) -> tenant.Tenant:
    return client.tenants.GetTenant(tenant.GetTenantRequest(), timeout=DEADLINE).tenant


def security_switch(on: bool, revision: int) -> tenant.UpdateTenantRequest:
    settings = tenant.TenantSettings(security_events_enabled=on)
    return tenant.UpdateTenantRequest(
        tenant=tenant.Tenant(tenant_id="default", settings=settings),
        update_mask=field_mask_pb2.FieldMask(paths=["settings.security_events_enabled"]),
        revision=revision,
    )


def security_events_are_off_at_first(client):
    head = default_tenant(client).head_sequence
    receipt = client.record(samples.security(0))
    same(receipt.disposition, pb.DISPOSITION_NOT_RECORDED, "disposition")
    same((receipt.sequence, receipt.leaf_hash), (0, b""), "sequence and leaf hash of what is not recorded")
    assert not receipt.HasField("recorded_time"), "a recorded time of what is not recorded"
    same(default_tenant(client).head_sequence, head, "the head")


def switching_them_on_is_itself_recorded(client):
    before = default_tenant(client)
    same(before.settings.security_events_enabled, False, "the switch at first")
    request = security_switch(True, before.revision)
    after = client.tenants.UpdateTenant(request, timeout=DEADLINE).tenant
    same(after.settings.security_events_enabled, True, "the switch")
    same(after.settings.data_access_events_enabled, True, "a switch that the mask does not name")
    same(after.revision, before.revision + 1, "the revision")
    same(after.head_sequence, before.head_sequence + 1, "the head")
    key = audit.GetEventRequest(sequence=after.head_sequence)
    event = client.audit.GetEvent(key, timeout=DEADLINE).event
    same(event.type, pb.EVENT_TYPE_AUDITING_CONFIGURATION_CHANGED, "the type of what vidne recorded")
    same((event.type_code, event.type_name), (26, "AuditingConfigurationChanged"), "its code and name")

    stale = security_switch(False, before.revision)
    details = refused(
        lambda: client.tenants.UpdateTenant(stale, timeout=DEADLINE), grpc.StatusCode.ABORTED, "REVISION_MISMATCH"
    )
    same(details["ErrorInfo"].metadata["revision"], str(after.revision), "the current revision")


def both_catalogues_are_recorded_without_holes(client):
    head = default_tenant(client).head_sequence
    receipts = [client.record(samples.data_access(index)) for index in range(len(samples.DATA_ACCESS))]
    batch = [samples.security(code) for code in range(len(samples.SECURITY))] + [samples.custom()]
    results = client.record_batch(batch)
    assert all(result.WhichOneof("kind") == "receipt" for result in results), results
    receipts += [result.receipt for result in results]
    same([r.sequence for r in receipts], list(range(head + 1, head + 1 + len(receipts))), "sequences")
    for receipt in receipts:
        same(receipt.disposition, pb.DISPOSITION_RECORDED, "disposition")
        same(receipt.tenant_id, "default", "tenant")
        same(len(receipt.leaf_hash), 32, "bytes of the leaf hash")
    times = [receipt.recorded_time.ToNanoseconds() for receipt in receipts]
    same(times, sorted(times), "recorded times")
    assert all(time % 1000 == 0 for time in times), "recorded times are in microseconds"


def the_same_event_again_is_a_duplicate(client):
    for event, first in list(client.recorded.values()):
        expected = pb.Receipt()
        expected.CopyFrom(first)
        expected.disposition = pb.DISPOSITION_DUPLICATE
        same(client.record(event), expected, "the receipt of a duplicate")
        # The same content, spelled otherwise.
        again = pb.Event()
        again.CopyFrom(event)
        again.event_id = event.event_id.upper()
        again.tenant_id = "default"
        again.occurred_time.nanos += 999
        again.sequence, again.recorded_by, again.type_name = 77, "somebody", "ignored"
        same(client.record(again), expected, "the receipt of the same in another spelling")
    same(default_tenant(client).head_sequence, max(r.sequence for _, r in client.recorded.values()), "the head")


def a_retry_without_a_time_is_a_duplicate(client):
    event = pb.Event(event_id=str(uuid.uuid4()), type=pb.EVENT_TYPE_RECORD_READ)
    first, second = client.record(event), client.record(event)
    same((first.disposition, second.disposition), (pb.DISPOSITION_RECORDED, pb.DISPOSITION_DUPLICATE), "dispositions")
    same((second.sequence, second.leaf_hash), (first.sequence, first.leaf_hash), "the receipt")
    client.recorded.pop(first.event_id)


def other_content_under_a_used_id_is_refused(client):
    event, _ = next(iter(client.recorded.values()))
    for change in ("description", "personal"):
        other = pb.Event()
        other.CopyFrom(event)
        if change == "description":
            other.description += "!"
        else:
            other.personal.actor_national_id = "311299-0000"
        refused(lambda: client.record(other), EXISTS, "EVENT_ID_REUSED")


def a_batch_answers_each_event_for_itself(client):
    head = default_tenant(client).head_sequence
    known, _ = next(iter(client.recorded.values()))
    reused = pb.Event()
    reused.CopyFrom(known)
    reused.description = "something else"
    fresh = [samples.data_access(1), samples.data_access(2)]
    batch = [fresh[0], known, reused, pb.Event(event_id="not a uuid"), fresh[1]]
    results = client.record_batch(batch)
    same([r.WhichOneof("kind") for r in results], ["receipt", "receipt", "error", "error", "receipt"], "kinds")
    same([results[0].receipt.sequence, results[4].receipt.sequence], [head + 1, head + 2], "sequences")
    same(results[1].receipt.disposition, pb.DISPOSITION_DUPLICATE, "the known one")
    same(results[2].error.code, EXISTS.value[0], "the code of the reused id")
    same(details_of(results[2].error)["ErrorInfo"].reason, "EVENT_ID_REUSED", "its reason")
    same(results[3].error.code, INVALID.value[0], "the code of the invalid one")
    same(details_of(results[3].error)["ErrorInfo"].reason, "INVALID_FIELDS", "its reason")


def an_invalid_event_is_refused_with_every_violation(client):
    event = pb.Event(event_id="not a uuid", custom_type="Not Dotted", labels={"Bad Key": "x"})
    event.occurred_time.seconds = -86400
    event.personal.actor_national_id = "9" * 65
    details = refused(lambda: client.record(event), INVALID, "INVALID_FIELDS")
    violations = details["BadRequest"].field_violations
    for name in ("event_id", "type", "labels", "occurred_time", "actor_national_id"):
        assert any(name in violation.field for violation in violations), f"no violation names {name}: {violations}"
    assert all(violation.description for violation in violations), violations
    assert "9" * 65 not in str(violations), "a national id in an error"
    service = pb.Event(type=pb.EVENT_TYPE_SERVICE_EXPORT_JOB_CREATED)
    refused(lambda: client.record(service), INVALID, "INVALID_FIELDS")


def an_event_that_is_too_large_is_refused_in_plain_words(client):
    large = samples.custom()
    # Texts would be cut; names of details cannot be.
    for number in range(8_000):
        large.details[f"member_{number}"] = number
    details = refused(lambda: client.record(large), INVALID, "EVENT_TOO_LARGE")
    same(details["ErrorInfo"].metadata["limit_bytes"], str(64 * 1024), "the limit")
    large.details.Clear()
    large.details["padding"] = "x" * (5 * 1024 * 1024)
    details = refused(lambda: client.record(large), INVALID, "REQUEST_TOO_LARGE")
    same(details["ErrorInfo"].metadata["limit_bytes"], str(4 * 1024 * 1024), "the limit")


def over_long_text_is_cut_with_a_mark_and_never_refused(client):
    event = samples.data_access(0)
    event.description = "å" * 10_000
    receipt = client.record(event)
    same(receipt.disposition, pb.DISPOSITION_RECORDED, "disposition")
    client.recorded.pop(receipt.event_id)
    stored = client.audit.GetEvent(audit.GetEventRequest(event_id=receipt.event_id), timeout=DEADLINE).event
    same(list(stored.truncated_fields), ["description"], "the mark")
    size = len(stored.description.encode())
    assert 16_000 <= size <= 16_384, f"{size} bytes are left of the description"


def defaults_and_the_callers_trace_are_filled_in(client):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    event = pb.Event(type=pb.EVENT_TYPE_RECORD_READ, actor=pb.Actor(name="x"), targets=[pb.Target(id="y")])
    receipt = client.record(event, metadata=[("traceparent", trace)])
    client.recorded.pop(receipt.event_id)
    stored = client.audit.GetEvent(audit.GetEventRequest(event_id=receipt.event_id), timeout=DEADLINE).event
    same(uuid.UUID(stored.event_id).version, 7, "the version of an id that vidne made")
    same(stored.severity, pb.SEVERITY_INFORMATION, "severity")
    same(stored.outcome, pb.OUTCOME_SUCCESS, "outcome")
    same(stored.actor.type, pb.ACTOR_TYPE_USER, "the actor's type")
    same(stored.targets[0].role, pb.TARGET_ROLE_OBJECT, "the target's role")
    same(stored.targets[0].type, pb.TARGET_TYPE_OTHER, "the target's type")
    same(stored.trace.split("-")[1], trace.split("-")[1], "the trace id")
    assert stored.HasField("occurred_time"), "no time"
    assert stored.occurred_time.ToNanoseconds() <= stored.recorded_time.ToNanoseconds(), "recorded before it happened"


CHECKS = [
    security_events_are_off_at_first,
    switching_them_on_is_itself_recorded,
    both_catalogues_are_recorded_without_holes,
    the_same_event_again_is_a_duplicate,
    a_retry_without_a_time_is_a_duplicate,
    other_content_under_a_used_id_is_refused,
    a_batch_answers_each_event_for_itself,
    an_invalid_event_is_refused_with_every_violation,
    an_event_that_is_too_large_is_refused_in_plain_words,
    over_long_text_is_cut_with_a_mark_and_never_refused,
    defaults_and_the_callers_trace_are_filled_in,
]
