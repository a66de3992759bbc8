"""Tenants: logs of their own, closed but never gone."""

import uuid

import grpc

import samples
from client import DEADLINE, refused, same
from contract import audit, event as pb, tenant


def create(client, tenant_id: str) -> tenant.Tenant:
    request = tenant.CreateTenantRequest(tenant=tenant.Tenant(tenant_id=tenant_id, display_name="Århus"))
    return client.tenants.CreateTenant(request, timeout=DEADLINE).tenant


def newest_of_default(client) -> pb.Event:
    return client.query(order=audit.QUERY_ORDER_DESCENDING, limit=1)[0][0]


def a_tenant_is_a_log_of_its_own_and_stays_readable_when_closed(client):
    tenant_id = f"t-{uuid.uuid4()}"
    made = create(client, tenant_id)
    same((made.tenant_id, made.display_name, made.state), (tenant_id, "Århus", tenant.TENANT_STATE_ACTIVE), "it")
    same((newest_of_default(client).type_code, newest_of_default(client).type_name), (11, "TenantCreated"), "11")
    refused(lambda: create(client, tenant_id), grpc.StatusCode.ALREADY_EXISTS, "TENANT_EXISTS")

    # The same id in another tenant is another event.
    event = samples.data_access(0)
    first = client.record(event)
    event.tenant_id = tenant_id
    request = audit.RecordEventRequest(event=event)
    second = client.audit.RecordEvent(request, timeout=DEADLINE).receipt
    same((second.disposition, second.sequence), (pb.DISPOSITION_RECORDED, 1), "the first event of the tenant")
    client.recorded.pop(first.event_id)

    delete = tenant.DeleteTenantRequest(tenant_id=tenant_id)
    closed = client.tenants.DeleteTenant(delete, timeout=DEADLINE).tenant
    same(closed.state, tenant.TENANT_STATE_CLOSED, "the state")
    same((newest_of_default(client).type_code, newest_of_default(client).type_name), (12, "TenantDeleted"), "12")
    late = audit.RecordEventRequest(event=pb.Event(tenant_id=tenant_id, type=pb.EVENT_TYPE_RECORD_READ))
    refused(
        lambda: client.audit.RecordEvent(late, timeout=DEADLINE),
        grpc.StatusCode.FAILED_PRECONDITION,
        "TENANT_CLOSED",
    )
    same([e.sequence for e in client.query(tenant_id=tenant_id)[0]], [1], "its log")
    refused(lambda: create(client, tenant_id), grpc.StatusCode.ALREADY_EXISTS, "TENANT_EXISTS")


def the_default_tenant_cannot_be_closed(client):
    delete = tenant.DeleteTenantRequest(tenant_id="default")
    refused(
        lambda: client.tenants.DeleteTenant(delete, timeout=DEADLINE),
        grpc.StatusCode.FAILED_PRECONDITION,
        "TENANT_PROTECTED",
    )


def tenants_are_listed_page_by_page(client):
    names = [f"page-{uuid.uuid4()}" for _ in range(3)]
    for name in names:
        create(client, name)
    found, token = [], ""
    while True:
        request = tenant.ListTenantsRequest(page_size=2, page_token=token)
        page = client.tenants.ListTenants(request, timeout=DEADLINE)
        assert len(page.tenants) <= 2, "a page that is too large"
        found += [one.tenant_id for one in page.tenants]
        token = page.next_page_token
        if not token:
            break
    same(found, sorted(set(found)), "tenants by id, each once")
    assert set(names) | {"default"} <= set(found), f"missing among {found}"


CHECKS = [
    a_tenant_is_a_log_of_its_own_and_stays_readable_when_closed,
    the_default_tenant_cannot_be_closed,
    tenants_are_listed_page_by_page,
]
