use vidne::{
    domain::{
        catalogue::{Category, EventType},
        event::Detail,
        filter::EventFilter,
        id::TenantId,
        query::Query,
        receipt::Disposition,
        tenant::{TenantChange, TenantSettings},
        time::Timestamp,
    },
    service::ServiceError,
    store::StoreError,
};

use super::{Services, caller, default_query, events};
use crate::support::events::{NOW, bare, full, recordable};

#[tokio::test]
async fn every_type_of_both_catalogues_survives_record_store_and_query() {
    let services = Services::new();
    let on = TenantChange { security_events_enabled: Some(true), ..TenantChange::default() };
    services.tenants.update(&TenantId::default_tenant(), 1, on, "anonymous").await.unwrap();
    let types = recordable();
    for (i, event_type) in types.iter().enumerate() {
        let mut input = full(*event_type);
        input.event_id = uuid::Uuid::from_u128(i as u128).to_string();
        services.sequence(input).await;
    }
    let found = events(&services.all(Query { show_personal: true, ..default_query() }).await);
    // The first event is vidne's own about the switch.
    assert_eq!(found.len(), types.len() + 1);
    for (event, event_type) in found.iter().skip(1).zip(types) {
        assert_eq!(event.event.event_type, event_type);
        assert_eq!(event.event.targets.len(), 4);
        assert_eq!(event.event.personal.as_ref().unwrap().actor_national_id, "0101701234");
    }
}

#[tokio::test]
async fn g3_the_same_event_again_gets_the_same_receipt_and_other_content_is_refused() {
    let services = Services::new();
    let first = services.record(full(EventType::CUSTOM)).await.unwrap();
    let again = services.record(full(EventType::CUSTOM)).await.unwrap();
    let (Disposition::Recorded(one), Disposition::Duplicate(two)) = (first.disposition, again.disposition)
    else {
        panic!("{first:?} {again:?}");
    };
    assert_eq!(one, two);
    let mut other = full(EventType::CUSTOM);
    other.description.push('.');
    assert!(matches!(services.record(other).await, Err(ServiceError::EventIdReused)));
    assert_eq!(services.store.head(&TenantId::default_tenant()).await.unwrap().sequence, 1);
}

#[tokio::test]
async fn g9_a_category_that_is_off_is_answered_not_recorded() {
    let services = Services::new();
    let user_created = bare(EventType::from_name("USER_CREATED").unwrap());
    let receipt = services.record(user_created.clone()).await.unwrap();
    assert_eq!(receipt.disposition, Disposition::NotRecorded);
    let on = TenantChange { security_events_enabled: Some(true), ..TenantChange::default() };
    services.tenants.update(&TenantId::default_tenant(), 1, on, "anonymous").await.unwrap();
    assert!(matches!(services.record(user_created).await.unwrap().disposition, Disposition::Recorded(_)));
}

#[tokio::test]
async fn g3_a_duplicate_is_found_before_the_switch_is_looked_at() {
    let services = Services::new();
    let read = full(EventType::from_name("RECORD_READ").unwrap());
    services.sequence(read.clone()).await;
    let off = TenantChange { data_access_events_enabled: Some(false), ..TenantChange::default() };
    services.tenants.update(&TenantId::default_tenant(), 1, off, "anonymous").await.unwrap();
    assert!(matches!(services.record(read).await.unwrap().disposition, Disposition::Duplicate(_)));
}

#[tokio::test]
async fn valid_events_of_a_batch_are_stored_even_when_others_are_refused() {
    let services = Services::new();
    let mut bad = bare(EventType::CUSTOM);
    bad.custom_type = "Not Dotted".to_owned();
    let mut elsewhere = bare(EventType::CUSTOM);
    elsewhere.tenant_id = "nowhere".to_owned();
    let good = bare(EventType::CUSTOM);
    let batch = vec![good.clone(), bad, elsewhere, good];
    let results = services.recorder.record_batch(batch, &caller()).await.unwrap();
    assert!(
        matches!(&results[0], Ok(r) if matches!(r.disposition, Disposition::Recorded(s) if s.sequence == 1))
    );
    assert!(
        matches!(&results[1], Err(ServiceError::Invalid(v)) if v.iter().all(|v| v.field == "events[1].custom_type"))
    );
    assert!(matches!(&results[2], Err(ServiceError::Store(StoreError::TenantNotFound))));
    assert!(
        matches!(&results[3], Ok(r) if matches!(r.disposition, Disposition::Recorded(s) if s.sequence == 2))
    );
}

#[tokio::test]
async fn a_batch_of_too_many_events_is_refused_whole() {
    let services = Services::new();
    let batch = vec![bare(EventType::CUSTOM); 1_001];
    let refused = services.recorder.record_batch(batch, &caller()).await.unwrap_err();
    assert!(matches!(refused, ServiceError::TooManyEvents { actual: 1_001, limit: 1_000 }));
    assert_eq!(services.store.head(&TenantId::default_tenant()).await.unwrap().sequence, 0);
}

#[tokio::test]
async fn g9_an_event_that_is_too_large_has_its_texts_cut_and_is_kept() {
    let services = Services::new();
    let mut input = full(EventType::CUSTOM);
    // 64 changes of 8 KiB each: half a megabyte of free text.
    input.changes = vec![
        vidne::domain::event::Change {
            field: "body".to_owned(),
            old_value: "ø".repeat(2_000),
            new_value: "å".repeat(2_000),
        };
        64
    ];
    services.sequence(input).await;
    let found = events(&services.all(default_query()).await);
    let event = &found[0].event;
    assert_eq!(event.changes.len(), 64);
    assert!(event.truncated_fields.contains(&"changes[63].new_value".to_owned()));
    assert_eq!(event.actor.user_id, "u-4711");
}

#[tokio::test]
async fn an_event_that_cannot_be_made_to_fit_is_refused_by_its_size() {
    let services = Services::new();
    let mut input = bare(EventType::CUSTOM);
    input.details = (0..8_000).map(|i| (format!("member_{i}"), Detail::Null)).collect();
    assert!(matches!(services.record(input).await, Err(ServiceError::EventTooLarge { .. })));
}

#[tokio::test]
async fn recorded_time_never_runs_backwards() {
    let services = Services::new();
    services.sequence(bare(EventType::CUSTOM)).await;
    services.clock.set(Timestamp::from_micros(NOW.micros() - 60_000_000));
    services.sequence(bare(EventType::CUSTOM)).await;
    let found = events(&services.all(default_query()).await);
    assert_eq!(found[0].recorded, NOW);
    assert_eq!(found[1].recorded, NOW);
}

#[tokio::test]
async fn a_closed_tenant_takes_no_events_and_stays_readable() {
    let services = Services::new();
    let id = TenantId::parse("closing").unwrap();
    services.tenants.create(id.clone(), String::new(), TenantSettings::default(), "anonymous").await.unwrap();
    let mut input = bare(EventType::CUSTOM);
    input.tenant_id = "closing".to_owned();
    services.sequence(input.clone()).await;
    services.tenants.close(&id, "anonymous").await.unwrap();
    let refused = services.record(input).await.unwrap_err();
    assert!(matches!(refused, ServiceError::Store(StoreError::TenantClosed)));
    let found = services.all(Query { tenant: id, ..default_query() }).await;
    assert_eq!(events(&found).len(), 1);
}

#[tokio::test]
async fn national_ids_come_back_only_when_asked_for_and_can_be_searched() {
    let services = Services::new();
    services.sequence(full(EventType::CUSTOM)).await;
    services.sequence(bare(EventType::CUSTOM)).await;
    let hidden = events(&services.all(default_query()).await);
    assert_eq!(hidden[0].event.personal, None);
    assert!(hidden[0].event.personal_commitment.is_some() && hidden[1].event.personal_commitment.is_none());
    let filter = EventFilter { actor_national_id: "0101701234".to_owned(), ..EventFilter::default() };
    let found = events(&services.all(Query { filter, ..default_query() }).await);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].event.personal, None);
}

#[tokio::test]
async fn two_events_with_the_same_national_id_have_different_commitments() {
    let services = Services::new();
    for id in 1..3u128 {
        let mut input = full(EventType::CUSTOM);
        input.event_id = uuid::Uuid::from_u128(id).to_string();
        services.sequence(input).await;
    }
    let found = events(&services.all(default_query()).await);
    assert_ne!(found[0].event.personal_commitment, found[1].event.personal_commitment);
}

#[test]
fn the_categories_have_the_defaults_of_the_contract() {
    let settings = TenantSettings::default();
    assert!(!settings.keeps(Category::SecurityAdministration));
    assert!(
        settings.keeps(Category::DataAccess)
            && settings.keeps(Category::Custom)
            && settings.keeps(Category::Service)
    );
}
