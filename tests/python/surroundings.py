"""What stands around the service: reflection, health and the catalogue."""

import grpc
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection_pb2

from client import DEADLINE, same
from contract import audit, event as pb, export, tenant
from samples import DATA_ACCESS, NAMES, SECURITY, event_type

SERVICES = {"AuditService": audit, "TenantService": tenant, "ExportService": export}


def reflect(client, **request):
    """One question to server reflection v1, whose messages are those of v1alpha on the wire."""
    ask = client.channel.stream_stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    return next(ask(iter([reflection_pb2.ServerReflectionRequest(**request)]), timeout=DEADLINE))


def reflection_lists_the_services(client):
    listed = {service.name for service in reflect(client, list_services="*").list_services_response.service}
    expected = {f"vidne.v1.{name}" for name in SERVICES} | {"grpc.health.v1.Health"}
    assert expected <= listed, f"missing in reflection: {expected - listed}"


def reflection_describes_the_same_methods(client):
    for name, module in SERVICES.items():
        answer = reflect(client, file_containing_symbol=f"vidne.v1.{name}").file_descriptor_response
        assert answer.file_descriptor_proto, f"reflection does not know {name}"
        files = [descriptor_pb2.FileDescriptorProto.FromString(file) for file in answer.file_descriptor_proto]
        methods = {m.name for f in files for s in f.service if s.name == name for m in s.method}
        same(methods, {m.name for m in module.DESCRIPTOR.services_by_name[name].methods}, f"methods of {name}")


def health_says_serving(client):
    check = client.channel.unary_unary("/grpc.health.v1.Health/Check")
    # HealthCheckResponse{status: SERVING}, for an empty request: the server as a whole.
    same(check(b"", timeout=DEADLINE), b"\x08\x01", "health")


def an_unknown_method_is_said_so(client):
    call = client.channel.unary_unary("/vidne.v1.AuditService/NoSuchMethod")
    try:
        call(b"", timeout=DEADLINE)
    except grpc.RpcError as error:
        same(error.code(), grpc.StatusCode.UNIMPLEMENTED, "the code")
        return
    raise AssertionError("a method that does not exist was answered")


def the_catalogue_is_listed_whole(client):
    entries = client.audit.ListEventTypes(audit.ListEventTypesRequest(), timeout=DEADLINE).event_types
    by_type = {entry.type: entry for entry in entries}
    same(len(by_type), len(entries), "each type once")
    same([entry.type for entry in entries], sorted(by_type), "by number")
    for name in DATA_ACCESS + [name for name, _ in SECURITY]:
        entry, (code, original) = by_type[event_type(name)], NAMES[event_type(name)]
        same(entry.name, name, "name")
        same(entry.type_name, original, f"original name of {name}")
        same(entry.type_code if entry.HasField("type_code") else None, code, f"code of {name}")
        data_access = name in DATA_ACCESS
        category = pb.EVENT_CATEGORY_DATA_ACCESS if data_access else pb.EVENT_CATEGORY_SECURITY_ADMINISTRATION
        same(entry.category, category, f"category of {name}")
        assert entry.meaning, f"{name} has no meaning"
    same(by_type[pb.EVENT_TYPE_CUSTOM].category, pb.EVENT_CATEGORY_CUSTOM, "category of CUSTOM")


CHECKS = [
    reflection_lists_the_services,
    reflection_describes_the_same_methods,
    health_says_serving,
    an_unknown_method_is_said_so,
    the_catalogue_is_listed_whole,
]
