//! Named subscriptions, over the model store: G4 with a position that the server keeps, at least once.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use vidne::{
    domain::{
        catalogue::EventType,
        filter::EventFilter,
        id::TenantId,
        tenant::TenantSettings,
        time::{Clock, SystemClock},
    },
    service::{
        ServiceError,
        subscriptions::{NewSubscription, Said, Start, SubscriptionOptions},
        witness::{Testimony, Witness},
    },
    store::{
        EventStore, StoreError,
        contract::NewEvent,
        sql::{Database, PoolOptions, SqlStore, migrate},
    },
};

use super::{
    Services,
    consumer::{Consumer, NAME, Server},
    default_query, events,
};
use crate::support::events::{NOW, bare, limits};

/// A server and a subscription to every event; its position is 1, since 1 tells of it.
async fn subscribed(services: &Services) -> Server {
    let server = another(services);
    server.create(EventFilter::default()).await;
    server
}

/// Another server of the same database.
fn another(services: &Services) -> Server {
    Server::new(services.store.clone(), services.clock.clone(), SubscriptionOptions::default())
}

async fn record(services: &Services, count: usize) {
    for _ in 0..count {
        services.sequence(bare(EventType::CUSTOM)).await;
    }
}

fn after(services: &Services, seconds: i64) {
    services.clock.set(services.clock.now().plus_micros(seconds * 1_000_000));
}

#[tokio::test]
async fn creating_and_deleting_is_witnessed_and_the_lag_is_shown() {
    let services = Services::new();
    let server = subscribed(&services).await;
    let tenant = TenantId::default_tenant();
    let fresh = server.subscriptions.get(&tenant, NAME).await.unwrap();
    assert_eq!((fresh.subscription.acknowledged_sequence, fresh.head, fresh.lag), (1, 1, None));
    record(&services, 2).await;
    after(&services, 90);
    let behind = server.subscriptions.get(&tenant, NAME).await.unwrap();
    assert_eq!((behind.head, behind.lag), (3, Some(Duration::from_secs(90))));
    assert_eq!(server.subscriptions.list(&tenant, None, 10).await.unwrap(), [behind]);
    server.subscriptions.delete(&tenant, NAME, "anonymous").await.unwrap();
    let told: Vec<&str> = events(&services.all(default_query()).await)
        .iter()
        .map(|event| event.event.event_type.info().name)
        .filter(|name| name.starts_with("SERVICE"))
        .collect();
    assert_eq!(told, ["SERVICE_SUBSCRIPTION_CREATED", "SERVICE_SUBSCRIPTION_DELETED"]);
    let gone = server.subscriptions.get(&tenant, NAME).await;
    assert!(matches!(gone, Err(ServiceError::Store(StoreError::SubscriptionNotFound))));
}

#[tokio::test]
async fn what_cannot_be_created_or_consumed_is_refused_with_the_field() {
    let services = Services::new();
    let server = another(&services);
    let new = |name: &str, start| NewSubscription {
        tenant: TenantId::default_tenant(),
        name: name.to_owned(),
        filter: EventFilter::default(),
        show_personal: false,
        start,
    };
    for (new, field) in [
        (new("No Name", Start::Beginning), "subscription.name"),
        (new("ahead", Start::After(1)), "after_sequence"),
    ] {
        let refused = server.subscriptions.create(new, "anonymous").await;
        let Err(ServiceError::Invalid(wrong)) = refused else { panic!("{refused:?}") };
        assert_eq!(wrong.iter().next().unwrap().field, field);
    }
    let missing = server.consume(0).await.err();
    assert!(matches!(missing, Some(ServiceError::Store(StoreError::SubscriptionNotFound))));
    server.create(EventFilter::default()).await;
    let Some(ServiceError::Invalid(wrong)) = server.consume(10_001).await.err() else { panic!("too many") };
    assert_eq!(wrong.iter().next().unwrap().field, "start.max_unacknowledged");
    assert_eq!(server.position().await.1, None, "what was refused holds nothing");
}

#[tokio::test]
async fn events_come_in_order_and_go_on_live_and_acknowledgements_are_kept() {
    let services = Services::new();
    let server = subscribed(&services).await;
    record(&services, 10).await;
    let mut consumer = server.consume(0).await.unwrap();
    assert_eq!(consumer.started, 1);
    assert_eq!(consumer.read(10).await, (2..=11).collect::<Vec<_>>());
    consumer.catch_up().await;
    record(&services, 1).await;
    assert_eq!(consumer.read(11).await.last(), Some(&12));
    consumer.acknowledge(7);
    consumer.kept(7).await;
    assert_eq!(server.position().await, (7, Some("a test".to_owned())));
    consumer.acknowledge(12);
    consumer.kept(12).await;
    // One lower than before changes nothing, and is no error.
    consumer.acknowledge(3);
    consumer.finish();
    assert!(consumer.end().await.is_none());
    assert_eq!(server.position().await, (12, None), "given back at once");
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_after_a_crash() {
    let services = Services::new();
    let crashing = tokio::runtime::Runtime::new().unwrap();
    let server = subscribed(&services).await;
    record(&services, 10).await;
    let (store, clock) = (services.store.clone(), services.clock.clone());
    let read = crashing.spawn(async move {
        let server = Server::new(store, clock, SubscriptionOptions::default());
        let mut consumer = server.consume(0).await.unwrap();
        consumer.read(8).await;
        consumer.acknowledge(5);
        consumer.kept(5).await;
        (server, consumer)
    });
    let held = read.await.unwrap();
    // The process is gone: nothing is written any more, nothing given back.
    crashing.shutdown_background();
    let busy = server.consume(0).await.err();
    assert!(matches!(busy, Some(ServiceError::Store(StoreError::SubscriptionBusy { .. }))));
    after(&services, 31);
    let mut next = server.consume(0).await.unwrap();
    assert_eq!(next.started, 5);
    assert_eq!(next.read(6).await, [6, 7, 8, 9, 10, 11]);
    drop(held);
}

#[tokio::test]
async fn a_second_consumer_is_told_how_long_the_first_holds_it() {
    let services = Services::new();
    let server = subscribed(&services).await;
    let first = server.consume(0).await.unwrap();
    after(&services, 10);
    let busy = another(&services).consume(0).await.err();
    let Some(ServiceError::Store(StoreError::SubscriptionBusy { left })) = busy else { panic!("{busy:?}") };
    assert_eq!(left, Duration::from_secs(20));
    // A stream that is dropped gives it back at once.
    drop(first);
    server.ended().await;
    another(&services).consume(0).await.unwrap();
}

#[tokio::test]
async fn a_paused_holder_that_wakes_up_after_a_take_over_cannot_acknowledge() {
    let services = Services::new();
    let server = subscribed(&services).await;
    record(&services, 5).await;
    let mut paused = server.consume(0).await.unwrap();
    paused.read(5).await;
    after(&services, 31);
    let mut next = another(&services).consume(0).await.unwrap();
    assert_eq!(next.read(2).await[..2], [2, 3]);
    next.acknowledge(3);
    next.kept(3).await;
    paused.acknowledge(6);
    assert!(matches!(paused.end().await, Some(ServiceError::Store(StoreError::SubscriptionLost))));
    server.ended().await;
    assert_eq!(server.position().await, (3, Some("a test".to_owned())), "the other one still has it");
}

#[tokio::test]
async fn an_acknowledgement_beyond_what_was_sent_ends_the_stream_and_keeps_those_before() {
    let services = Services::new();
    let server = subscribed(&services).await;
    record(&services, 5).await;
    let mut consumer = server.consume(2).await.unwrap();
    consumer.read(2).await;
    consumer.acknowledge(2);
    consumer.acknowledge(6);
    let Some(ServiceError::Invalid(wrong)) = consumer.end().await else { panic!("not refused") };
    assert_eq!(wrong.iter().next().unwrap().field, "acknowledge.position");
    assert_eq!(server.position().await, (2, None));
}

#[tokio::test(start_paused = true)]
async fn g10_deliveries_wait_for_acknowledgements_and_say_that_they_are_alive() {
    let services = Services::new();
    let server = subscribed(&services).await;
    record(&services, 9).await;
    let mut consumer = server.consume(3).await.unwrap();
    consumer.read(3).await;
    for _ in 0..3 {
        let before = Instant::now();
        let quiet = consumer.next().await.unwrap().unwrap();
        assert_eq!(quiet.said, Said::Progress { head: 10, scanned: 4 });
        assert_eq!(before.elapsed(), Duration::from_secs(10));
    }
    assert_eq!(consumer.received, [2, 3, 4]);
    consumer.acknowledge(3);
    assert_eq!(consumer.read(5).await, [2, 3, 4, 5, 6]);
    let quiet = consumer.until(|said| matches!(said, Said::Progress { .. })).await;
    assert_eq!(quiet, Said::Progress { head: 10, scanned: 6 });
    assert_eq!(consumer.received.len(), 5, "3 and no more are unacknowledged");
    consumer.acknowledge(6);
    consumer.read(8).await;
    consumer.acknowledge(9);
    consumer.catch_up().await;
    assert_eq!(consumer.received, (2..=10).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_for_as_long_as_the_stream_lives() {
    let services = Services::new();
    let server = subscribed(&services).await;
    let mut consumer = server.consume(0).await.unwrap();
    for _ in 0..10 {
        consumer.until(|said| matches!(said, Said::Progress { .. })).await;
        after(&services, 10);
        let busy = another(&services).consume(0).await.err();
        assert!(matches!(busy, Some(ServiceError::Store(StoreError::SubscriptionBusy { .. }))), "{busy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn g10_a_consumer_that_acknowledges_nothing_for_long_gives_way_to_another_one() {
    let services = Services::new();
    let server = subscribed(&services).await;
    record(&services, 5).await;
    let mut idle = server.consume(0).await.unwrap();
    idle.catch_up().await;
    let begun = Instant::now();
    let stalled = idle.end_within(Duration::from_secs(3_600)).await;
    assert!(matches!(stalled, Some(ServiceError::ConsumerStalled { .. })), "{stalled:?}");
    assert_eq!(begun.elapsed().as_secs(), 600);
    assert_eq!(another(&services).consume(0).await.unwrap().read(5).await, [2, 3, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn g10_a_consumer_that_never_reads_gives_way_to_another_one() {
    let services = Services::new();
    let server = subscribed(&services).await;
    let mut asleep = server.consume(0).await.unwrap();
    record(&services, 5).await;
    tokio::time::sleep(Duration::from_secs(590)).await;
    let busy = another(&services).consume(0).await.err();
    assert!(matches!(busy, Some(ServiceError::Store(StoreError::SubscriptionBusy { .. }))), "{busy:?}");
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(another(&services).consume(0).await.unwrap().read(5).await, [2, 3, 4, 5, 6]);
    assert!(matches!(asleep.end().await, Some(ServiceError::ConsumerStalled { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_at_work_or_has_nothing_to_do_is_not_stalled() {
    let services = Services::new();
    let server = subscribed(&services).await;
    let mut consumer = server.consume(2).await.unwrap();
    consumer.catch_up().await;
    let hour = async |consumer: &mut Consumer, at_work: bool| {
        for _ in 0..360 {
            let quiet = consumer.until(|said| matches!(said, Said::Progress { .. })).await;
            assert!(matches!(quiet, Said::Progress { .. }));
            if at_work {
                // The same again: nothing is done with yet.
                consumer.acknowledge(1);
            }
        }
    };
    let begun = Instant::now();
    hour(&mut consumer, false).await;
    record(&services, 5).await;
    consumer.read(2).await;
    hour(&mut consumer, true).await;
    assert!(begun.elapsed() >= Duration::from_secs(7_190), "{:?}", begun.elapsed());
    consumer.acknowledge(3);
    assert_eq!(consumer.read(4).await, [2, 3, 4, 5]);
    assert_eq!(server.position().await.0, 3);
}

#[tokio::test]
async fn what_does_not_match_is_passed_over_without_acknowledgements() {
    let services = Services::new();
    let server = another(&services);
    server.create(EventFilter { text: "nothing has this".to_owned(), ..EventFilter::default() }).await;
    record(&services, 9).await;
    let mut consumer = server.consume(0).await.unwrap();
    consumer.catch_up().await;
    consumer.finish();
    assert!(consumer.end().await.is_none());
    assert!(consumer.received.is_empty());
    assert_eq!(server.position().await, (10, None));
}

#[tokio::test]
async fn what_does_not_match_behind_an_unacknowledged_event_is_not_passed_over() {
    let services = Services::new();
    let server = another(&services);
    let read = EventType::from_number(2).unwrap();
    server.create(EventFilter { types: vec![read], ..EventFilter::default() }).await;
    services.sequence(bare(read)).await;
    record(&services, 5).await;
    let mut consumer = server.consume(0).await.unwrap();
    consumer.catch_up().await;
    drop(consumer);
    server.ended().await;
    assert_eq!(server.position().await, (1, None));
    let mut again = server.consume(0).await.unwrap();
    again.catch_up().await;
    assert_eq!(again.received, [2]);
    again.acknowledge(2);
    again.kept(2).await;
    assert_eq!(server.position().await.0, 7, "and all behind it that does not match");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_deleted_ends_its_consumer_at_once() {
    let services = Services::new();
    let server = subscribed(&services).await;
    let mut consumer = server.consume(0).await.unwrap();
    consumer.catch_up().await;
    let begun = Instant::now();
    server.subscriptions.delete(&TenantId::default_tenant(), NAME, "anonymous").await.unwrap();
    assert!(matches!(consumer.end().await, Some(ServiceError::Store(StoreError::SubscriptionNotFound))));
    assert!(begun.elapsed() < Duration::from_secs(1), "it waited for a renewal: {:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_another_server_deletes_ends_its_consumer_within_a_third_of_the_lease() {
    let services = Services::new();
    let server = subscribed(&services).await;
    let mut consumer = server.consume(0).await.unwrap();
    consumer.catch_up().await;
    let begun = Instant::now();
    let other = another(&services);
    other.subscriptions.delete(&TenantId::default_tenant(), NAME, "anonymous").await.unwrap();
    assert!(matches!(consumer.end().await, Some(ServiceError::Store(StoreError::SubscriptionNotFound))));
    assert!(begun.elapsed() <= Duration::from_secs(10));
}

#[tokio::test]
async fn a_shutdown_keeps_the_last_acknowledgement_and_gives_the_subscription_back() {
    let services = Services::new();
    let server = subscribed(&services).await;
    record(&services, 5).await;
    let mut consumer = server.consume(0).await.unwrap();
    consumer.read(5).await;
    consumer.acknowledge(4);
    server.shutdown.cancel();
    assert!(matches!(consumer.end().await, Some(ServiceError::ShuttingDown)));
    // The error came after the writes.
    let next = another(&services);
    assert_eq!(next.position().await, (4, None));
    assert!(matches!(server.consume(0).await.err(), Some(ServiceError::ShuttingDown)));
    assert_eq!(next.consume(0).await.unwrap().read(2).await, [5, 6]);
}

#[tokio::test]
async fn a_closed_tenants_log_is_delivered_acknowledged_and_then_ends_with_that() {
    let services = Services::new();
    let server = another(&services);
    let tenant = TenantId::parse("kommune").unwrap();
    let settings = TenantSettings::default();
    services.tenants.create(tenant.clone(), String::new(), settings, "anonymous").await.unwrap();
    let new = NewSubscription {
        tenant: tenant.clone(),
        name: NAME.to_owned(),
        filter: EventFilter::default(),
        show_personal: false,
        start: Start::Beginning,
    };
    server.subscriptions.create(new, "anonymous").await.unwrap();
    services.tenants.close(&tenant, "anonymous").await.unwrap();
    for expected in [vec![1], vec![]] {
        let mut consumer = server.consume_of(tenant.clone(), 0).await.unwrap();
        consumer.catch_up().await;
        assert_eq!(consumer.received, expected);
        if !expected.is_empty() {
            consumer.acknowledge(1);
            consumer.kept(1).await;
        }
        assert!(matches!(consumer.end().await, Some(ServiceError::Store(StoreError::TenantClosed))));
        server.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledgements_that_come_during_a_write_are_written_as_one() {
    const MANY: u64 = 400;
    let services = Services::new();
    let folder = tempfile::TempDir::new().unwrap();
    let database = Database::sqlite(folder.path());
    migrate(&database).await.unwrap();
    let store = Arc::new(SqlStore::open(&database, &PoolOptions::default()).await.unwrap());
    let server = Server::new(store.clone(), services.clock.clone(), SubscriptionOptions::default());
    server.create(EventFilter::default()).await;
    let made: Vec<_> = (0..MANY).map(|_| some_event()).collect();
    store.append(&made, NOW).await.unwrap();
    let mut consumer = server.consume(0).await.unwrap();
    consumer.read(MANY as usize).await;
    for position in 2..=MANY + 1 {
        consumer.acknowledge(position);
    }
    let mut answers = 0;
    loop {
        let said = consumer.until(|said| matches!(said, Said::Acknowledged(_))).await;
        answers += 1;
        if said == Said::Acknowledged(MANY + 1) {
            break;
        }
    }
    assert!(answers <= MANY / 4, "{answers} writes for {MANY} acknowledgements");
    drop(consumer);
    server.ended().await;
    store.close().await.unwrap();
}

/// An event of vidne's own, for a log that no journal writes to.
fn some_event() -> NewEvent {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let witness = Witness::new(clock, super::vault(), Arc::new(limits()));
    witness.event(EventType::TENANT_CREATED, &TenantId::default_tenant(), Testimony::default()).unwrap()
}
