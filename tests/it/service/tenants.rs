use vidne::{
    domain::{
        catalogue::EventType,
        id::TenantId,
        query::Query,
        tenant::{TenantChange, TenantSettings},
    },
    service::ServiceError,
    store::StoreError,
};

use super::{Services, default_query, events};

fn tenant(id: &str) -> TenantId {
    TenantId::parse(id).unwrap()
}

async fn create(services: &Services, id: &str) {
    let settings = TenantSettings::default();
    services.tenants.create(tenant(id), format!("Tenant {id}"), settings, "anonymous").await.unwrap();
}

#[tokio::test]
async fn the_default_tenant_exists_with_security_events_off() {
    let found = Services::new().tenants.get(&TenantId::default_tenant()).await.unwrap();
    assert!(!found.settings.security_events_enabled && found.settings.data_access_events_enabled);
    assert_eq!((found.revision, found.closed, found.head_sequence), (1, false, 0));
}

#[tokio::test]
async fn creating_and_deleting_a_tenant_is_witnessed_in_the_log_of_default() {
    let services = Services::new();
    create(&services, "kommune").await;
    services.tenants.close(&tenant("kommune"), "anonymous").await.unwrap();
    // Closing it again changes nothing.
    assert!(services.tenants.close(&tenant("kommune"), "anonymous").await.unwrap().closed);
    let found = events(&services.all(default_query()).await);
    let codes: Vec<_> = found.iter().map(|e| e.event.event_type.info().code).collect();
    assert_eq!(codes, [Some(11), Some(12)]);
    assert!(found.iter().all(|e| e.event.targets[0].id == "kommune" && e.event.recorded_by == "vidne"));
}

#[tokio::test]
async fn an_id_is_never_used_again() {
    let services = Services::new();
    create(&services, "once").await;
    services.tenants.close(&tenant("once"), "anonymous").await.unwrap();
    let again =
        services.tenants.create(tenant("once"), String::new(), TenantSettings::default(), "anonymous").await;
    assert!(matches!(again, Err(ServiceError::Store(StoreError::TenantExists))));
}

#[tokio::test]
async fn the_default_tenant_cannot_be_closed() {
    let refused = Services::new().tenants.close(&TenantId::default_tenant(), "anonymous").await;
    assert!(matches!(refused, Err(ServiceError::TenantProtected)));
}

#[tokio::test]
async fn switching_is_witnessed_in_the_tenants_own_log_also_when_it_switches_off() {
    let services = Services::new();
    create(&services, "kommune").await;
    let switch = |on| TenantChange { security_events_enabled: Some(on), ..TenantChange::default() };
    let updated = services.tenants.update(&tenant("kommune"), 1, switch(true), "anonymous").await.unwrap();
    assert!(updated.settings.security_events_enabled);
    assert_eq!(updated.revision, 2);
    services.tenants.update(&tenant("kommune"), 2, switch(false), "anonymous").await.unwrap();
    let found = events(&services.all(Query { tenant: tenant("kommune"), ..default_query() }).await);
    assert_eq!(found.len(), 2);
    for (event, (old, new)) in found.iter().zip([("false", "true"), ("true", "false")]) {
        assert_eq!(event.event.event_type, EventType::AUDITING_CONFIGURATION_CHANGED);
        let change = &event.event.changes[0];
        assert_eq!(change.field, "settings.security_events_enabled");
        assert_eq!((change.old_value.as_str(), change.new_value.as_str()), (old, new));
    }
}

#[tokio::test]
async fn a_change_that_switches_nothing_is_not_witnessed() {
    let services = Services::new();
    let change = TenantChange { display_name: Some("Default".to_owned()), ..TenantChange::default() };
    let updated = services.tenants.update(&TenantId::default_tenant(), 1, change, "anonymous").await.unwrap();
    assert_eq!((updated.display_name.as_str(), updated.head_sequence), ("Default", 0));
}

#[tokio::test]
async fn a_stale_revision_is_refused_and_changes_nothing() {
    let services = Services::new();
    let switch = TenantChange { security_events_enabled: Some(true), ..TenantChange::default() };
    let id = TenantId::default_tenant();
    services.tenants.update(&id, 1, switch.clone(), "anonymous").await.unwrap();
    let off = TenantChange { security_events_enabled: Some(false), ..TenantChange::default() };
    let refused = services.tenants.update(&id, 1, off, "anonymous").await;
    assert!(matches!(refused, Err(ServiceError::Store(StoreError::RevisionMismatch { current: 2 }))));
    assert!(services.tenants.get(&id).await.unwrap().settings.security_events_enabled);
    assert_eq!(services.store.head(&id).await.unwrap().sequence, 1);
}

#[tokio::test]
async fn tenants_are_listed_by_id_page_by_page() {
    let services = Services::new();
    for id in ["c", "a", "b"] {
        create(&services, id).await;
    }
    let first = services.tenants.list(None, 2).await.unwrap();
    let second = services.tenants.list(Some(&first[1].id), 10).await.unwrap();
    let ids: Vec<_> = first.iter().chain(&second).map(|t| t.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c", "default"]);
}
