//! Following a log: the shared tail, its window, and what happens when the store or the tenant goes away.

use std::{sync::Arc, time::Duration};

use futures::{Stream, StreamExt};
use vidne::{
    domain::{
        catalogue::EventType,
        filter::EventFilter,
        id::TenantId,
        input::EventInput,
        query::{EndReason, Message, Query, Start},
        tenant::TenantSettings,
    },
    service::{
        ServiceError,
        query::{Item, Queries, QueryOptions},
        token::Tokens,
    },
};

use super::{Services, default_query, sequences, vault, watched::Watched};
use crate::support::events::bare;

/// A vidne whose readers are watched.
struct Bench {
    services: Services,
    store: Arc<Watched>,
    queries: Queries,
}

impl Bench {
    fn new(options: QueryOptions) -> Self {
        let services = Services::new();
        let store = Watched::new(services.store.clone());
        let tokens = Tokens::new(vault());
        let queries = Queries::new(store.clone(), tokens, [1; 16], options, services.shutdown.clone());
        Self { services, store, queries }
    }

    async fn follow(&self, query: Query) -> impl Stream<Item = Result<Item, ServiceError>> + Unpin + use<> {
        Box::pin(self.queries.query(Query { follow: true, ..query }).await.unwrap())
    }

    async fn record(&self, count: usize) {
        for _ in 0..count {
            self.services.sequence(bare(EventType::CUSTOM)).await;
        }
    }
}

async fn message(stream: &mut (impl Stream<Item = Result<Item, ServiceError>> + Unpin)) -> Item {
    let next = tokio::time::timeout(Duration::from_secs(60), stream.next()).await;
    next.expect("a message within a minute").expect("a message").expect("no error")
}

/// The sequences of the next batch; other messages before it are passed over.
async fn batch(stream: &mut (impl Stream<Item = Result<Item, ServiceError>> + Unpin)) -> Vec<u64> {
    let next = async {
        loop {
            let item = message(stream).await;
            if matches!(item.0, Message::Batch(_)) {
                return sequences(&[item]);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), next).await.expect("events within a minute")
}

/// The sequences that come until the stream ends, and why it does.
async fn rest(
    stream: &mut (impl Stream<Item = Result<Item, ServiceError>> + Unpin),
) -> (EndReason, Vec<u64>) {
    let mut found = Vec::new();
    let end = async {
        loop {
            match message(stream).await {
                (Message::End(reason), _) => return reason,
                item => found.extend(sequences(&[item])),
            }
        }
    };
    let reason = tokio::time::timeout(Duration::from_secs(60), end).await.expect("an end within a minute");
    (reason, found)
}

#[tokio::test(start_paused = true)]
async fn a_hundred_followers_cost_one_read_per_wake_up() {
    let bench = Bench::new(QueryOptions::default());
    bench.record(3).await;
    let mut followers = Vec::new();
    for _ in 0..100 {
        let mut follower = bench.follow(Query { start: Start::Now, ..default_query() }).await;
        assert_eq!(message(&mut follower).await.0, Message::CaughtUp { head: 3 });
        followers.push(follower);
    }
    let before = bench.store.scans();
    bench.record(1).await;
    for follower in &mut followers {
        assert_eq!(batch(follower).await, [4]);
    }
    let reads = bench.store.scans() - before;
    assert!(reads <= 3, "{reads} reads for one event: one finds it, one finds the end, one may poll");
}

#[tokio::test(start_paused = true)]
async fn a_tail_stops_reading_with_its_last_follower() {
    let bench = Bench::new(QueryOptions::default());
    let mut follower = bench.follow(default_query()).await;
    assert_eq!(message(&mut follower).await.0, Message::CaughtUp { head: 0 });
    let reads = bench.store.scans();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(bench.store.scans() > reads, "it polls while somebody follows");
    drop(follower);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let reads = bench.store.scans();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.store.scans(), reads);
}

#[tokio::test]
async fn g4_who_falls_behind_the_window_reads_the_store_again_and_misses_nothing() {
    let bench = Bench::new(QueryOptions { tail_events: 4, chunk_events: 7, ..QueryOptions::default() });
    bench.record(2).await;
    let mut slow = bench.follow(default_query()).await;
    let mut quick = bench.follow(default_query()).await;
    assert_eq!((batch(&mut slow).await, batch(&mut quick).await), (vec![1, 2], vec![1, 2]));
    let (mut seen, mut last) = (Vec::new(), 2);
    for round in 0..10_u64 {
        bench.record(5).await;
        while last < 2 + (round + 1) * 5 {
            let found = batch(&mut quick).await;
            assert_eq!(found[0], last + 1);
            last = *found.last().unwrap();
        }
    }
    while seen.last() != Some(&52) {
        seen.extend(batch(&mut slow).await);
    }
    assert!(seen.iter().copied().eq(3..=52), "{seen:?}");
}

#[tokio::test]
async fn g4_filters_and_limits_hold_on_the_tail_as_they_do_in_the_store() {
    let bench = Bench::new(QueryOptions::default());
    let reads = EventType::from_number(2).unwrap();
    let filter = EventFilter { types: vec![reads], ..EventFilter::default() };
    let mut follower = bench.follow(Query { filter, limit: 3, ..default_query() }).await;
    assert_eq!(message(&mut follower).await.0, Message::CaughtUp { head: 0 });
    let mut expected = Vec::new();
    for n in 1..=9 {
        let sequence =
            bench.services.sequence(bare(if n % 2 == 0 { reads } else { EventType::CUSTOM })).await;
        if n % 2 == 0 {
            expected.push(sequence);
        }
    }
    assert_eq!(rest(&mut follower).await, (EndReason::Limit, expected[..3].to_vec()));
}

#[tokio::test]
async fn a_follower_whose_filter_ends_at_a_position_ends_there() {
    let bench = Bench::new(QueryOptions::default());
    bench.record(2).await;
    let filter = EventFilter { sequence_from: 2, sequence_before: 5, ..EventFilter::default() };
    let mut follower = bench.follow(Query { filter, ..default_query() }).await;
    assert_eq!(batch(&mut follower).await, [2]);
    assert_eq!(message(&mut follower).await.0, Message::CaughtUp { head: 2 });
    bench.record(5).await;
    assert_eq!(rest(&mut follower).await, (EndReason::Exhausted, vec![3, 4]));
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_begins_after_the_head_waits_without_rest_or_haste() {
    let bench = Bench::new(QueryOptions::default());
    bench.record(2).await;
    let filter = EventFilter { sequence_from: 5, ..EventFilter::default() };
    let mut follower = bench.follow(Query { filter, ..default_query() }).await;
    assert_eq!(message(&mut follower).await.0, Message::CaughtUp { head: 2 });
    assert_eq!(message(&mut follower).await.0, Message::Progress { head: 2, scanned: 2 });
    bench.record(3).await;
    assert_eq!(batch(&mut follower).await, [5]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_a_moment_goes_unnoticed_and_for_longer_ends_the_stream() {
    let bench =
        Bench::new(QueryOptions { progress_interval: Duration::from_secs(60), ..QueryOptions::default() });
    let mut follower = bench.follow(default_query()).await;
    assert_eq!(message(&mut follower).await.0, Message::CaughtUp { head: 0 });
    bench.store.set_away(true);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    bench.store.set_away(false);
    bench.record(1).await;
    assert_eq!(batch(&mut follower).await, [1]);

    bench.store.set_away(true);
    let ended = follower.next().await;
    assert!(matches!(ended, Some(Err(ServiceError::StoreAway))), "{ended:?}");
    bench.store.set_away(false);
    let mut again = bench.follow(Query { start: Start::After(1), ..default_query() }).await;
    bench.record(1).await;
    assert_eq!(batch(&mut again).await, [2]);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_closed_mid_stream_delivers_what_is_there_and_ends() {
    let bench = Bench::new(QueryOptions::default());
    let tenant = TenantId::parse("closing").unwrap();
    let tenants = &bench.services.tenants;
    tenants.create(tenant.clone(), String::new(), TenantSettings::default(), "anonymous").await.unwrap();
    let query = || Query { tenant: tenant.clone(), ..default_query() };
    let mut follower = bench.follow(query()).await;
    assert_eq!(message(&mut follower).await.0, Message::CaughtUp { head: 0 });
    let input = || EventInput { tenant_id: tenant.as_str().to_owned(), ..bare(EventType::CUSTOM) };
    for sequence in 1..=3 {
        assert_eq!(bench.services.sequence(input()).await, sequence);
    }
    tenants.close(&tenant, "anonymous").await.unwrap();
    for stream in [&mut follower, &mut bench.follow(query()).await] {
        assert_eq!(rest(stream).await, (EndReason::TenantClosed, vec![1, 2, 3]));
        assert!(stream.next().await.is_none());
    }
}
