//! Things to store.

use bytes::Bytes;
use uuid::Uuid;
use vidne::{
    domain::{
        catalogue::{Category, EventType},
        filter::EventFilter,
        id::{EventId, TenantId},
        query::Order,
        tenant::TenantSettings,
        time::Timestamp,
    },
    store::{
        Store,
        contract::{NewEvent, NewTenant, ScanRequest, StoredEvent},
    },
};

pub use crate::support::random::Random;

pub fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub fn id(n: u128) -> EventId {
    EventId::from(Uuid::from_u128(n))
}

pub fn tenant(text: &str) -> TenantId {
    TenantId::parse(text).expect("a tenant id")
}

pub fn event_type(name: &str) -> EventType {
    EventType::from_name(name).expect("a type")
}

/// A data access event of `default` with this id; its content is made of the id.
pub fn event(n: u128) -> NewEvent {
    event_in("default", n)
}

pub fn event_in(log: &str, n: u128) -> NewEvent {
    let mut fingerprint = [7; 32];
    fingerprint[..16].copy_from_slice(&n.to_be_bytes());
    NewEvent {
        tenant: tenant(log),
        id: id(n),
        event_type: event_type("RECORD_READ"),
        occurred: at(5),
        switch: Some(Category::DataAccess),
        content: Bytes::from(format!("content of {n}")),
        fingerprint,
        fingerprint_version: 1,
        personal: None,
    }
}

/// One of vidne's own, in `default`.
pub fn witness(n: u128) -> NewEvent {
    NewEvent { event_type: EventType::TENANT_CREATED, switch: None, ..event(n) }
}

pub async fn add_tenant(store: &dyn Store, log: &str) {
    let id = tenant(log);
    let settings = TenantSettings::default();
    let new = NewTenant { id, display_name: String::new(), settings, created: at(1) };
    store.create_tenant(new, witness(Uuid::new_v4().as_u128())).await.expect("create a tenant");
}

/// The whole log, in order.
pub async fn all(store: &dyn Store, log: &str) -> Vec<StoredEvent> {
    let tenant = tenant(log);
    let head = store.head(&tenant).await.expect("head").sequence;
    collect(store, &tenant, &EventFilter::default(), Order::Ascending, (1, head), (10_000, usize::MAX)).await
}

/// Steps through a range until all of it has been looked at, holding each step to the contract, whatever a store is
/// told of how much matches.
pub async fn collect(
    store: &dyn Store,
    tenant: &TenantId,
    filter: &EventFilter,
    order: Order,
    (from, through): (u64, u64),
    (max_events, max_bytes): (usize, usize),
) -> Vec<StoredEvent> {
    let mut found = Vec::new();
    let mut next = from;
    let mut told = [0, u64::MAX, 2_500, 7_000].into_iter().cycle();
    let left = |next| match order {
        Order::Ascending => next <= through,
        Order::Descending => next >= through && next > 0,
    };
    while left(next) {
        let request = ScanRequest {
            tenant,
            order,
            from: next,
            through,
            filter,
            max_events,
            max_bytes,
            with_personal: true,
            full_after: told.next().unwrap_or_default(),
        };
        let page = store.scan(request).await.expect("scan");
        assert!(page.events.len() <= max_events);
        let before_last = page.events.iter().rev().skip(1);
        assert!(before_last.map(|event| event.payload.len()).sum::<usize>() < max_bytes.max(1));
        let (low, high) = (next.min(page.scanned), next.max(page.scanned));
        assert!(page.events.iter().all(|event| (low..=high).contains(&event.sequence)));
        next = match order {
            Order::Ascending => {
                assert!(page.scanned >= next && page.scanned <= through, "gets on, and not too far");
                page.scanned + 1
            }
            Order::Descending => {
                assert!(page.scanned <= next && page.scanned >= through, "gets on, and not too far");
                page.scanned - 1
            }
        };
        found.extend(page.events);
    }
    found
}
