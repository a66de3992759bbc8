"""What the checks share: the connection, refusals with their details, and streams with their tokens."""

import difflib
import itertools

import grpc
from google.protobuf import text_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from contract import audit, audit_grpc, event as pb, tenant_grpc

# Seconds after which a call counts as hanging.
DEADLINE = 30


class Client:
    """The services of one server, and what has been recorded there: id -> (event as sent, receipt)."""

    def __init__(self, endpoint: str):
        # A proxy of the machine's environment has no business between us and the server.
        self.channel = grpc.insecure_channel(endpoint, options=[("grpc.enable_http_proxy", 0)])
        grpc.channel_ready_future(self.channel).result(timeout=DEADLINE)
        self.audit = audit_grpc.AuditServiceStub(self.channel)
        self.tenants = tenant_grpc.TenantServiceStub(self.channel)
        self.recorded = {}

    def record(self, event: pb.Event, **options) -> pb.Receipt:
        """Records one event and remembers it."""
        request = audit.RecordEventRequest(event=event)
        receipt = self.audit.RecordEvent(request, timeout=DEADLINE, **options).receipt
        if receipt.disposition == pb.DISPOSITION_RECORDED:
            self.recorded[receipt.event_id] = (event, receipt)
        return receipt

    def record_batch(self, events) -> list:
        """Records several and remembers those that were recorded; one result per event."""
        request = audit.BatchRecordEventsRequest(events=events)
        results = self.audit.BatchRecordEvents(request, timeout=DEADLINE).results
        same(len(results), len(events), "one result per event")
        for event, result in zip(events, results):
            if result.receipt.disposition == pb.DISPOSITION_RECORDED:
                self.recorded[result.receipt.event_id] = (event, result.receipt)
        return results

    def query(self, **request):
        """Reads a query to its end: the events, and its last message."""
        stream = Stream(self, **request)
        events = []
        while not stream.ended:
            events += stream.next_events()
        try:
            extra = next(stream.call)
        except StopIteration:
            return events, stream.last
        raise AssertionError(f"a message after the end: {extra}")

    def head(self) -> int:
        """The position of the newest event of `default`."""
        events, _ = self.query(order=audit.QUERY_ORDER_DESCENDING, limit=1)
        return events[0].sequence if events else 0


class Stream:
    """One QueryEvents call; `token` is that of the last message that was read."""

    def __init__(self, client: Client, **request):
        self.call = client.audit.QueryEvents(audit.QueryEventsRequest(**request), timeout=DEADLINE)
        self.token = request.get("resume_token", b"")
        self.last = None
        self.ended = False

    def next_message(self):
        """The next message, whatever it is."""
        self.last = next(self.call, None)
        assert self.last is not None, "the stream ended without End"
        assert self.last.resume_token, "a message without a resume token"
        self.token = self.last.resume_token
        self.ended = self.last.WhichOneof("kind") == "end"
        return self.last

    def next_events(self) -> list:
        """The events of the next message; none if it holds none."""
        message = self.next_message()
        events = list(message.batch.events)
        assert events or message.WhichOneof("kind") != "batch", "an empty batch"
        return events

    def until_caught_up(self) -> list:
        """All events up to CaughtUp."""
        events = []
        while True:
            events += self.next_events()
            if self.last.WhichOneof("kind") == "caught_up":
                return events

    def until_count(self, count: int) -> list:
        """At least so many events, without a second CaughtUp."""
        events = []
        while len(events) < count:
            events += self.next_events()
            assert self.last.WhichOneof("kind") in ("batch", "progress"), f"unexpected: {self.last}"
        return events

    def cancel(self):
        self.call.cancel()


def same(actual, expected, what: str):
    """Two values are equal; messages are shown as a difference, lists around the first one."""
    if actual == expected:
        return
    if hasattr(expected, "DESCRIPTOR"):
        texts = [text_format.MessageToString(side, as_utf8=True).splitlines() for side in (expected, actual)]
        shown = "\n".join(difflib.unified_diff(*texts, "expected", "actual", lineterm=""))
    elif isinstance(expected, list) and isinstance(actual, list):
        pairs = enumerate(itertools.zip_longest(expected, actual))
        first = next(index for index, (left, right) in pairs if left != right)
        around = slice(max(first - 3, 0), first + 4)
        shown = (
            f"at [{first}] of {len(expected)}: expected ... {expected[around]} ...\n"
            f"actual ({len(actual)} of them) ... {actual[around]} ..."
        )
    else:
        shown = f"expected {expected!r}\nactual   {actual!r}"
    raise AssertionError(f"{what}:\n{shown}")


def details_of(status) -> dict:
    """google.rpc.Status -> its ErrorInfo and BadRequest by name; exactly one ErrorInfo, of vidne."""
    found = {}
    for packed in status.details:
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo):
            message = kind()
            if packed.Unpack(message):
                assert kind.__name__ not in found, f"two {kind.__name__} in one error"
                found[kind.__name__] = message
    assert "ErrorInfo" in found, f"an error without ErrorInfo: {status}"
    same(found["ErrorInfo"].domain, "vidne", "the ErrorInfo's domain")
    return found


def refused(call, code: grpc.StatusCode, reason: str) -> dict:
    """The call fails with this code and reason; returns the details."""
    try:
        answer = call()
    except grpc.RpcError as error:
        same(error.code(), code, f"the code of the refusal ({error.details()})")
        status = rpc_status.from_call(error)
        assert status is not None, f"an error without details: {error}"
        details = details_of(status)
        same(details["ErrorInfo"].reason, reason, "the reason")
        assert error.details(), "an error without a message"
        return details
    raise AssertionError(f"expected {code.name} ({reason}), but it was answered: {answer}")
