import random, sys, time, uuid
sys.path.insert(0, "stubs")
import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from vidne.v1 import audit_service_pb2 as audit, audit_service_pb2_grpc as services, event_pb2 as events

AGAIN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
}


def asked_delay(error):
    """Seconds that the server asks to wait (RetryInfo); None if it does not."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            return info.retry_delay.ToTimedelta().total_seconds()
    return None


def record(service, event, attempts=60):
    """Records one event, however often that takes, and returns its receipt."""
    if not event.event_id:
        event.event_id = str(uuid.uuid4())  # once, before the first attempt: every attempt sends the same
    request = audit.RecordEventRequest(event=event)
    pause = 0.1
    for attempt in range(attempts):
        try:
            return service.RecordEvent(request, timeout=10).receipt  # RECORDED, or DUPLICATE: done either way
        except grpc.RpcError as error:
            asked = asked_delay(error)
            too_large = error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and asked is None
            if error.code() not in AGAIN or too_large or attempt == attempts - 1:
                raise  # INVALID_ARGUMENT, ALREADY_EXISTS, ...: the same again would fail again
            time.sleep(max(asked or 0, pause * random.uniform(0.5, 1)))
            pause = min(pause * 2, 5)
