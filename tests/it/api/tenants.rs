//! Tenants over gRPC.

use prost_types::FieldMask;
use tonic::Code;
use vidne::codec::proto::v1;

use super::{Server, event, expect, fields};

fn named(tenant_id: &str) -> v1::Tenant {
    v1::Tenant { tenant_id: tenant_id.to_owned(), ..Default::default() }
}

fn create(tenant_id: &str) -> v1::CreateTenantRequest {
    v1::CreateTenantRequest { tenant: Some(named(tenant_id)) }
}

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() })
}

#[tokio::test]
async fn an_update_changes_what_its_mask_names_and_nothing_else() {
    let server = Server::start().await;
    let settings = v1::TenantSettings {
        security_events_enabled: Some(true),
        custom_events_enabled: Some(false),
        ..Default::default()
    };
    let tenant =
        v1::Tenant { settings: Some(settings), display_name: "ignored".to_owned(), ..named("default") };
    let request = v1::UpdateTenantRequest {
        tenant: Some(tenant),
        update_mask: mask(&["settings.security_events_enabled"]),
        revision: 1,
    };
    let tenant = server.tenants().update_tenant(request).await.unwrap().into_inner().tenant.unwrap();
    let settings = tenant.settings.unwrap();
    assert_eq!(settings.security_events_enabled, Some(true));
    assert_eq!(settings.custom_events_enabled, Some(true));
    assert_eq!((tenant.display_name.as_str(), tenant.revision), ("", 2));
    // The switch is an event itself.
    assert_eq!(tenant.head_sequence, 1);
}

#[tokio::test]
async fn an_update_of_an_old_revision_is_aborted_with_the_present_one() {
    let server = Server::start().await;
    let update = |revision, of_tenant| v1::UpdateTenantRequest {
        tenant: Some(v1::Tenant { revision: of_tenant, display_name: "x".to_owned(), ..named("default") }),
        update_mask: mask(&["display_name"]),
        revision,
    };
    // Either place will do for the revision.
    server.tenants().update_tenant(update(1, 0)).await.unwrap();
    server.tenants().update_tenant(update(0, 2)).await.unwrap();
    let status = server.tenants().update_tenant(update(2, 3)).await.unwrap_err();
    let details = expect(&status, Code::Aborted, "REVISION_MISMATCH");
    assert_eq!(details.error_info().unwrap().metadata["revision"], "3");
    let status = server.tenants().update_tenant(update(0, 0)).await.unwrap_err();
    assert_eq!(fields(&expect(&status, Code::InvalidArgument, "INVALID_FIELDS")), ["revision"]);
}

#[tokio::test]
async fn a_mask_that_names_what_cannot_be_changed_is_answered_with_the_path() {
    let server = Server::start().await;
    for (paths, field) in [(&["display_name", "tenant_id"][..], "update_mask.paths[1]"), (&[], "update_mask")]
    {
        let request =
            v1::UpdateTenantRequest { tenant: Some(named("default")), update_mask: mask(paths), revision: 1 };
        let status = server.tenants().update_tenant(request).await.unwrap_err();
        assert_eq!(fields(&expect(&status, Code::InvalidArgument, "INVALID_FIELDS")), [field]);
    }
}

#[tokio::test]
async fn a_deleted_tenant_is_closed_and_its_id_is_never_used_again() {
    let server = Server::start().await;
    server.tenants().create_tenant(create("kommune")).await.unwrap();
    let status = server.tenants().create_tenant(create("kommune")).await.unwrap_err();
    expect(&status, Code::AlreadyExists, "TENANT_EXISTS");
    let delete = |tenant: &str| v1::DeleteTenantRequest { tenant_id: tenant.to_owned() };
    server.tenants().delete_tenant(delete("kommune")).await.unwrap();
    let status = server.record(v1::Event { tenant_id: "kommune".to_owned(), ..event() }).await.unwrap_err();
    expect(&status, Code::FailedPrecondition, "TENANT_CLOSED");
    let status = server.tenants().create_tenant(create("kommune")).await.unwrap_err();
    expect(&status, Code::AlreadyExists, "TENANT_EXISTS");
    let status = server.tenants().delete_tenant(delete("default")).await.unwrap_err();
    expect(&status, Code::FailedPrecondition, "TENANT_PROTECTED");
    let status = server.tenants().delete_tenant(delete("nobody")).await.unwrap_err();
    expect(&status, Code::NotFound, "TENANT_NOT_FOUND");
    let status = server.tenants().delete_tenant(delete("")).await.unwrap_err();
    assert_eq!(fields(&expect(&status, Code::InvalidArgument, "INVALID_FIELDS")), ["tenant_id"]);
}

#[tokio::test]
async fn pages_go_through_all_tenants_once() {
    let server = Server::start().await;
    for id in ["a", "b", "c", "z"] {
        server.tenants().create_tenant(create(id)).await.unwrap();
    }
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListTenantsRequest { page_size: 2, page_token };
        let page = server.tenants().list_tenants(request).await.unwrap().into_inner();
        seen.extend(page.tenants.into_iter().map(|tenant| tenant.tenant_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["a", "b", "c", "default", "z"]);
    let request = v1::ListTenantsRequest { page_size: 1_001, page_token: String::new() };
    let status = server.tenants().list_tenants(request).await.unwrap_err();
    assert_eq!(fields(&expect(&status, Code::InvalidArgument, "INVALID_FIELDS")), ["page_size"]);
}
