//! Subscriptions: their positions, and who holds them.

use std::time::Duration;

use uuid::Uuid;
use vidne::{
    domain::{
        filter::EventFilter,
        subscription::{Consumer, Subscription},
    },
    store::{
        Store, StoreError,
        contract::{Holding, NewEvent, NewSubscription, SubscriptionRef, SubscriptionStart},
    },
};

use super::{
    bed::Bed,
    on_every_store,
    sample::{add_tenant, all, at, event, event_in, tenant, witness},
};

on_every_store! {
    a_subscription_is_made_once_with_its_witness,
    a_subscription_begins_where_it_is_told,
    subscriptions_are_listed_by_name_within_their_tenant,
    a_deleted_subscription_is_gone_with_its_position,
    a_closed_tenants_subscriptions_are_used_and_deleted_but_not_made,
    only_one_holds_a_subscription,
    of_many_that_take_at_once_one_does,
    a_lease_that_ended_can_be_taken_over,
    a_holder_that_was_replaced_writes_nothing,
    a_lease_that_ended_and_was_not_taken_is_still_held,
    a_renewed_lease_lasts,
    a_position_only_moves_forward,
    giving_up_frees_at_once,
}

const TERM: Duration = Duration::from_secs(3_600);

fn of(log: &str, name: &str) -> SubscriptionRef {
    SubscriptionRef { tenant: tenant(log), name: name.to_owned() }
}

fn new(log: &str, name: &str) -> NewSubscription {
    let filter = EventFilter { text: "blanket".to_owned(), ..EventFilter::default() };
    let start = SubscriptionStart::After(0);
    NewSubscription { at: of(log, name), filter, show_personal: true, start, created: at(70) }
}

fn told(n: u128) -> NewEvent {
    witness(Uuid::new_v4().as_u128().wrapping_add(n))
}

async fn make(store: &dyn Store, name: &str) -> Subscription {
    store.create_subscription(new("default", name), told(0)).await.unwrap()
}

async fn get(store: &dyn Store, name: &str) -> Subscription {
    store.subscription(&of("default", name)).await.unwrap().expect("a subscription")
}

fn holder(n: u128, name: &str) -> Holding {
    Holding { of: of("default", name), holder: Uuid::from_u128(n) }
}

async fn a_subscription_is_made_once_with_its_witness(bed: &Bed) {
    let store = bed.store();
    let made = store.create_subscription(new("default", "siem"), witness(1)).await.unwrap();
    assert_eq!((made.name.as_str(), made.show_personal, made.created), ("siem", true, at(70)));
    assert_eq!((made.acknowledged_sequence, made.acknowledged, made.consumer.clone()), (0, None, None));
    assert_eq!(made.filter, new("default", "siem").filter);
    assert_eq!(get(&*store, "siem").await, made);
    assert_eq!(all(&*store, "default").await.len(), 1);

    let again = store.create_subscription(new("default", "siem"), witness(2)).await;
    assert!(matches!(again, Err(StoreError::SubscriptionExists)));
    let nowhere = store.create_subscription(new("nobody", "siem"), witness(3)).await;
    assert!(matches!(nowhere, Err(StoreError::TenantNotFound)));
    let untold = store.create_subscription(new("default", "other"), event_in("nobody", 4)).await;
    assert!(matches!(untold, Err(StoreError::TenantNotFound)));
    assert_eq!(store.subscription(&of("default", "other")).await.unwrap(), None);
    assert!(matches!(store.subscription(&of("nobody", "siem")).await, Err(StoreError::TenantNotFound)));
    assert_eq!(all(&*store, "default").await.len(), 1, "what failed tells nothing");
}

async fn a_subscription_begins_where_it_is_told(bed: &Bed) {
    let store = bed.store();
    store.append(&[event(1), event(2), event(3)], at(5)).await.unwrap();
    for (name, start, expected) in [
        ("later", SubscriptionStart::After(2), 2),
        // 4 told of the one before, 5 tells of this one.
        ("now", SubscriptionStart::Head, 5),
    ] {
        let new = NewSubscription { start, ..new("default", name) };
        let made = store.create_subscription(new, told(0)).await.unwrap();
        assert_eq!(made.acknowledged_sequence, expected, "{name}");
        assert_eq!(get(&*store, name).await, made);
    }
}

async fn subscriptions_are_listed_by_name_within_their_tenant(bed: &Bed) {
    let store = bed.store();
    add_tenant(&*store, "other").await;
    // A locale would put these in another order than their bytes.
    for name in ["a_b", "a-c", "a0", "zz", "9"] {
        make(&*store, name).await;
    }
    store.create_subscription(new("other", "b"), event_in("other", 7)).await.unwrap();
    let names = async |log: &str, after, limit| {
        let found = store.subscriptions(&tenant(log), after, limit).await.unwrap();
        found.into_iter().map(|found| found.name).collect::<Vec<_>>()
    };
    assert_eq!(names("default", None, 100).await, ["9", "a-c", "a0", "a_b", "zz"]);
    assert_eq!(names("default", Some("a-c"), 2).await, ["a0", "a_b"]);
    assert_eq!(names("other", None, 100).await, ["b"]);
    assert_eq!(store.subscription(&of("other", "zz")).await.unwrap(), None);
    assert!(matches!(store.subscriptions(&tenant("no"), None, 1).await, Err(StoreError::TenantNotFound)));
}

async fn a_deleted_subscription_is_gone_with_its_position(bed: &Bed) {
    let store = bed.store();
    make(&*store, "siem").await;
    let mine = holder(1, "siem");
    store.take_subscription(&mine, "me", TERM).await.unwrap();
    store.acknowledge(&mine, 7, at(80)).await.unwrap();
    store.delete_subscription(&of("default", "siem"), witness(9)).await.unwrap();
    assert_eq!(store.subscription(&of("default", "siem")).await.unwrap(), None);
    assert_eq!(all(&*store, "default").await.len(), 2, "told of");
    for gone in [
        store.acknowledge(&mine, 8, at(81)).await,
        store.renew_subscription(&mine, TERM).await,
        store.take_subscription(&mine, "me", TERM).await.map(drop),
        store.delete_subscription(&of("default", "siem"), told(0)).await,
    ] {
        assert!(matches!(gone, Err(StoreError::SubscriptionNotFound)), "{gone:?}");
    }
    store.release_subscription(&mine).await.unwrap();
    // Another one of the same name is another one.
    assert_eq!(make(&*store, "siem").await.acknowledged_sequence, 0);
    assert!(matches!(store.acknowledge(&mine, 8, at(82)).await, Err(StoreError::SubscriptionLost)));
}

async fn a_closed_tenants_subscriptions_are_used_and_deleted_but_not_made(bed: &Bed) {
    let store = bed.store();
    add_tenant(&*store, "k").await;
    store.create_subscription(new("k", "siem"), event_in("k", 1)).await.unwrap();
    store.close_tenant(&tenant("k"), at(90), told(0)).await.unwrap();
    let refused = store.create_subscription(new("k", "late"), event_in("k", 2)).await;
    assert!(matches!(refused, Err(StoreError::TenantClosed)));
    let mine = Holding { of: of("k", "siem"), holder: Uuid::from_u128(1) };
    store.take_subscription(&mine, "me", TERM).await.unwrap();
    store.acknowledge(&mine, 1, at(91)).await.unwrap();
    store.delete_subscription(&of("k", "siem"), event_in("k", 3)).await.unwrap();
    assert_eq!(store.subscription(&of("k", "siem")).await.unwrap(), None);
    assert_eq!(all(&*store, "k").await.len(), 1, "a closed log takes no event");
}

async fn only_one_holds_a_subscription(bed: &Bed) {
    let (store, other) = (bed.store(), bed.another_server().await);
    let made = make(&*store, "siem").await;
    let taken = store.take_subscription(&holder(1, "siem"), "first", TERM).await.unwrap();
    assert_eq!((taken.acknowledged_sequence, taken.show_personal), (0, true));
    assert_eq!(taken.filter, made.filter);
    let busy = other.take_subscription(&holder(2, "siem"), "second", TERM).await;
    let Err(StoreError::SubscriptionBusy { left }) = busy else { panic!("{busy:?}") };
    assert!(left <= TERM && left > TERM / 2, "{left:?}");
    let shown: Option<Consumer> = get(&*other, "siem").await.consumer;
    assert_eq!(shown.unwrap().name, "first");
    // An answer that got lost is asked for again.
    store.take_subscription(&holder(1, "siem"), "first", TERM).await.unwrap();
}

async fn of_many_that_take_at_once_one_does(bed: &Bed) {
    make(&*bed.store(), "siem").await;
    let mut takers = Vec::new();
    for n in 1..=8 {
        let store = bed.another_server().await;
        takers
            .push(tokio::spawn(async move { store.take_subscription(&holder(n, "siem"), "x", TERM).await }));
    }
    let mut taken = 0;
    for taker in takers {
        match taker.await.unwrap() {
            Ok(_) => taken += 1,
            Err(StoreError::SubscriptionBusy { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(taken, 1);
}

async fn a_lease_that_ended_can_be_taken_over(bed: &Bed) {
    let (store, other) = (bed.store(), bed.another_server().await);
    make(&*store, "siem").await;
    store.take_subscription(&holder(1, "siem"), "first", TERM).await.unwrap();
    store.acknowledge(&holder(1, "siem"), 5, at(80)).await.unwrap();
    bed.expire_leases().await;
    assert_eq!(get(&*store, "siem").await.consumer, None, "an ended lease is nobody's");
    let taken = other.take_subscription(&holder(2, "siem"), "second", TERM).await.unwrap();
    assert_eq!(taken.acknowledged_sequence, 5);
}

async fn a_holder_that_was_replaced_writes_nothing(bed: &Bed) {
    let (store, other) = (bed.store(), bed.another_server().await);
    make(&*store, "siem").await;
    let (old, new) = (holder(1, "siem"), holder(2, "siem"));
    store.take_subscription(&old, "first", TERM).await.unwrap();
    bed.expire_leases().await;
    other.take_subscription(&new, "second", TERM).await.unwrap();
    for lost in [store.acknowledge(&old, 9, at(80)).await, store.renew_subscription(&old, TERM).await] {
        assert!(matches!(lost, Err(StoreError::SubscriptionLost)), "{lost:?}");
    }
    // Giving up what is not ours any more gives nothing up.
    store.release_subscription(&old).await.unwrap();
    let now = get(&*store, "siem").await;
    assert_eq!((now.acknowledged_sequence, now.consumer.unwrap().name.as_str()), (0, "second"));
    // Also when the other one has gone again.
    other.release_subscription(&new).await.unwrap();
    assert!(matches!(store.acknowledge(&old, 9, at(81)).await, Err(StoreError::SubscriptionLost)));
    assert_eq!(get(&*store, "siem").await.acknowledged_sequence, 0);
}

async fn a_lease_that_ended_and_was_not_taken_is_still_held(bed: &Bed) {
    let store = bed.store();
    make(&*store, "siem").await;
    let mine = holder(1, "siem");
    store.take_subscription(&mine, "me", TERM).await.unwrap();
    bed.expire_leases().await;
    store.acknowledge(&mine, 3, at(80)).await.unwrap();
    store.renew_subscription(&mine, TERM).await.unwrap();
    assert_eq!(get(&*store, "siem").await.acknowledged_sequence, 3);
    let busy = store.take_subscription(&holder(2, "siem"), "other", TERM).await;
    assert!(matches!(busy, Err(StoreError::SubscriptionBusy { .. })));
}

async fn a_renewed_lease_lasts(bed: &Bed) {
    let store = bed.store();
    make(&*store, "siem").await;
    let mine = holder(1, "siem");
    store.take_subscription(&mine, "me", TERM).await.unwrap();
    let first = get(&*store, "siem").await.consumer.unwrap().lease_until;
    store.renew_subscription(&mine, TERM * 2).await.unwrap();
    let renewed = get(&*store, "siem").await.consumer.unwrap();
    assert_eq!(renewed.name, "me");
    let longer = renewed.lease_until.micros() - first.micros();
    let term = TERM.as_micros() as i64;
    assert!((term..term + term / 2).contains(&longer), "{longer}");
}

async fn a_position_only_moves_forward(bed: &Bed) {
    let store = bed.store();
    make(&*store, "siem").await;
    let mine = holder(1, "siem");
    store.take_subscription(&mine, "me", TERM).await.unwrap();
    store.acknowledge(&mine, 7, at(80)).await.unwrap();
    for lower in [7, 3, 0] {
        store.acknowledge(&mine, lower, at(90)).await.unwrap();
    }
    let now = get(&*store, "siem").await;
    assert_eq!((now.acknowledged_sequence, now.acknowledged), (7, Some(at(80))));
}

async fn giving_up_frees_at_once(bed: &Bed) {
    let (store, other) = (bed.store(), bed.another_server().await);
    make(&*store, "siem").await;
    let mine = holder(1, "siem");
    store.take_subscription(&mine, "me", TERM).await.unwrap();
    store.acknowledge(&mine, 4, at(80)).await.unwrap();
    store.release_subscription(&mine).await.unwrap();
    store.release_subscription(&mine).await.unwrap();
    assert_eq!(get(&*store, "siem").await.consumer, None);
    let taken = other.take_subscription(&holder(2, "siem"), "", TERM).await.unwrap();
    assert_eq!(taken.acknowledged_sequence, 4);
}
