//! Tenants, their witnesses and the installation.

use uuid::Uuid;
use vidne::{
    domain::{
        id::TenantId,
        tenant::{Tenant, TenantSettings},
    },
    store::{
        Store, StoreError,
        contract::{Installation, NewEvent, NewTenant, TenantUpdate},
    },
};

use super::{
    bed::Bed,
    on_every_store,
    sample::{add_tenant, all, at, event_in, id, tenant, witness},
};

on_every_store! {
    the_first_proposal_becomes_the_installation,
    default_exists_from_the_beginning,
    a_tenant_is_made_once_with_its_witness,
    tenants_are_listed_in_the_order_of_their_ids,
    a_change_needs_the_revision_it_was_made_from,
    a_change_and_its_witness_are_there_together_or_not_at_all,
    changes_at_the_same_time_do_not_overwrite_each_other,
    closing_twice_changes_nothing_the_second_time,
}

fn nobodys() -> NewEvent {
    event_in("nobody", 1)
}

async fn default_tenant(store: &dyn Store) -> Tenant {
    store.tenant(&TenantId::default_tenant()).await.unwrap().expect("default")
}

fn new_tenant(log: &str) -> NewTenant {
    let settings = TenantSettings { security_events_enabled: true, ..TenantSettings::default() };
    NewTenant { id: tenant(log), display_name: "A tenant".to_owned(), settings, created: at(70) }
}

fn rename(old: &Tenant, name: &str) -> TenantUpdate {
    TenantUpdate {
        id: old.id.clone(),
        expected_revision: old.revision,
        display_name: name.to_owned(),
        settings: TenantSettings { custom_events_enabled: false, ..old.settings },
        updated: at(80),
    }
}

async fn the_first_proposal_becomes_the_installation(bed: &Bed) {
    let mine = Installation { id: Uuid::from_u128(1), key_check: [1; 32] };
    let other = Installation { id: Uuid::from_u128(2), key_check: [2; 32] };
    assert_eq!(bed.store().installation(mine).await.unwrap(), mine);
    assert_eq!(bed.another_server().await.installation(other).await.unwrap(), mine);
}

async fn default_exists_from_the_beginning(bed: &Bed) {
    let store = bed.store();
    let default = default_tenant(&*store).await;
    assert_eq!((default.revision, default.head_sequence, default.closed), (1, 0, false));
    assert_eq!(default.settings, TenantSettings::default());
    assert_eq!(store.head(&default.id).await.unwrap(), Default::default());
    assert_eq!(store.tenant(&tenant("nobody")).await.unwrap(), None);
}

async fn a_tenant_is_made_once_with_its_witness(bed: &Bed) {
    let store = bed.store();
    let made = store.create_tenant(new_tenant("a"), witness(1)).await.unwrap();
    assert_eq!((made.revision, made.created, made.updated, made.head_sequence), (1, at(70), at(70), 0));
    assert_eq!((made.display_name.as_str(), made.settings.security_events_enabled), ("A tenant", true));
    assert_eq!(store.tenant(&made.id).await.unwrap(), Some(made.clone()));
    let told = store.event_by_id(&tenant("default"), id(1)).await.unwrap().expect("the witness");
    assert_eq!((told.sequence, told.recorded), (1, at(70)));

    let again = store.create_tenant(new_tenant("a"), witness(2)).await;
    assert!(matches!(again, Err(StoreError::TenantExists)));
    let unseen = store.create_tenant(new_tenant("b"), nobodys()).await;
    assert!(matches!(unseen, Err(StoreError::TenantNotFound)));
    let seen_before = store.create_tenant(new_tenant("b"), witness(1)).await;
    assert!(seen_before.is_err(), "an event that is there already is no witness");
    assert_eq!(store.tenant(&tenant("b")).await.unwrap(), None);
    assert_eq!(default_tenant(&*store).await.head_sequence, 1);

    // What failed has left nothing behind, not even in what the store remembers.
    store.create_tenant(new_tenant("c"), event_in("c", 3)).await.unwrap();
    store.create_tenant(new_tenant("b"), witness(4)).await.unwrap();
    assert_eq!((all(&*store, "b").await.len(), all(&*store, "c").await.len()), (0, 1));
}

async fn tenants_are_listed_in_the_order_of_their_ids(bed: &Bed) {
    let store = bed.store();
    // A locale would put these in another order than their bytes.
    for log in ["a_b", "a-c", "a0", "zz", "9"] {
        add_tenant(&*store, log).await;
    }
    let ids =
        |tenants: Vec<Tenant>| tenants.into_iter().map(|tenant| tenant.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(store.tenants(None, 100).await.unwrap()), ["9", "a-c", "a0", "a_b", "default", "zz"]);
    assert_eq!(ids(store.tenants(Some(&tenant("a-c")), 2).await.unwrap()), ["a0", "a_b"]);
    assert_eq!(ids(store.tenants(Some(&tenant("b")), 100).await.unwrap()), ["default", "zz"]);
    let default = store.tenants(Some(&tenant("b")), 1).await.unwrap().remove(0);
    assert_eq!(default.head_sequence, 5);
}

async fn a_change_needs_the_revision_it_was_made_from(bed: &Bed) {
    let store = bed.store();
    let old = default_tenant(&*store).await;
    let changed = store.update_tenant(rename(&old, "New"), Some(witness(1))).await.unwrap();
    assert_eq!((changed.revision, changed.display_name.as_str(), changed.updated), (2, "New", at(80)));
    assert!(!changed.settings.custom_events_enabled && changed.settings.data_access_events_enabled);
    assert_eq!((changed.created, changed.head_sequence), (old.created, 1));
    assert_eq!(default_tenant(&*store).await, changed);

    let late = store.update_tenant(rename(&old, "Late"), Some(witness(2))).await;
    assert!(matches!(late, Err(StoreError::RevisionMismatch { current: 2 })));
    let nobody = TenantUpdate { id: tenant("nobody"), ..rename(&old, "Nobody") };
    assert!(matches!(store.update_tenant(nobody, None).await, Err(StoreError::TenantNotFound)));
    assert_eq!(default_tenant(&*store).await, changed);
    assert_eq!(all(&*store, "default").await.len(), 1);
}

async fn a_change_and_its_witness_are_there_together_or_not_at_all(bed: &Bed) {
    let store = bed.store();
    let old = default_tenant(&*store).await;
    let unseen = store.update_tenant(rename(&old, "New"), Some(nobodys())).await;
    assert!(matches!(unseen, Err(StoreError::TenantNotFound)));
    // The witness of this change is of a kind that is off: it would be silence about a change.
    let off =
        NewEvent { switch: Some(vidne::domain::catalogue::Category::SecurityAdministration), ..witness(1) };
    assert!(store.update_tenant(rename(&old, "New"), Some(off)).await.is_err());
    assert_eq!(default_tenant(&*store).await, old);
    assert!(matches!(store.close_tenant(&old.id, at(90), nobodys()).await, Err(StoreError::TenantNotFound)));
    assert_eq!(default_tenant(&*store).await, old);
    assert_eq!(all(&*store, "default").await.len(), 0);
}

async fn changes_at_the_same_time_do_not_overwrite_each_other(bed: &Bed) {
    let old = default_tenant(&*bed.store()).await;
    let mut changes = Vec::new();
    for n in 0..8 {
        let store = bed.another_server().await;
        let update = rename(&old, &format!("by {n}"));
        changes.push(tokio::spawn(async move { store.update_tenant(update, Some(witness(n))).await }));
    }
    let mut done = Vec::new();
    for change in changes {
        match change.await.unwrap() {
            Ok(tenant) => done.push(tenant),
            Err(StoreError::RevisionMismatch { current: 2 }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(done.len(), 1);
    assert_eq!(default_tenant(&*bed.store()).await, done[0]);
    assert_eq!(done[0].head_sequence, 1);
}

async fn closing_twice_changes_nothing_the_second_time(bed: &Bed) {
    let store = bed.store();
    let made = store.create_tenant(new_tenant("a"), witness(1)).await.unwrap();
    let closed = store.close_tenant(&made.id, at(90), witness(2)).await.unwrap();
    assert_eq!((closed.closed, closed.revision, closed.updated), (true, 2, at(90)));
    let again = store.close_tenant(&made.id, at(95), witness(3)).await.unwrap();
    assert_eq!(again, closed);
    assert_eq!(all(&*store, "default").await.len(), 2, "and tells nothing");
    assert!(matches!(store.update_tenant(rename(&closed, "New"), None).await, Err(StoreError::TenantClosed)));
    assert!(matches!(store.create_tenant(new_tenant("a"), witness(4)).await, Err(StoreError::TenantExists)));
    assert!(matches!(
        store.close_tenant(&tenant("nobody"), at(90), witness(5)).await,
        Err(StoreError::TenantNotFound)
    ));
}
