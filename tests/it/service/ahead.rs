//! What a query does at the store while its client does something else, or nothing any more.

use std::{sync::Arc, time::Duration};

use futures::{Stream, StreamExt};
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;
use vidne::{
    domain::{
        catalogue::EventType,
        event::Outcome,
        filter::EventFilter,
        query::{Order, Query},
    },
    service::{
        ServiceError,
        query::{Item, Queries, QueryOptions},
        token::Tokens,
    },
};

use super::{
    Services, default_query, sequences, vault,
    watched::{OPEN, Watched},
};
use crate::support::events::{NOW, bare};

const SOON: Duration = Duration::from_secs(30);

struct Bench {
    store: Arc<Watched>,
    queries: Queries,
}

impl Bench {
    /// With 40 events, each recorded a second after the one before; steps of 4.
    async fn new(permits: usize, batches_ahead: usize) -> Self {
        let services = Services::new();
        for second in 0..40 {
            services.clock.set(NOW.plus_micros(second * 1_000_000));
            services.sequence(bare(EventType::CUSTOM)).await;
        }
        let store = Watched::gated(services.store.clone(), permits);
        let options = QueryOptions { chunk_events: 4, batches_ahead, ..QueryOptions::default() };
        let (tokens, stop) = (Tokens::new(vault()), CancellationToken::new());
        let queries = Queries::new(store.clone(), tokens, [1; 16], options, stop);
        Self { store, queries }
    }

    async fn query(&self, query: Query) -> impl Stream<Item = Result<Item, ServiceError>> + Unpin + use<> {
        Box::pin(self.queries.query(query).await.unwrap())
    }

    /// Waits until so many steps have been begun and so many of them are under way.
    async fn reaches(&self, scans: usize, under_way: usize) {
        let now = || (self.store.scans(), self.store.under_way());
        let reached = async {
            while now() != (scans, under_way) {
                yield_now().await
            }
        };
        let reached = tokio::time::timeout(SOON, reached).await;
        assert!(reached.is_ok(), "{:?} steps begun and under way, not {:?}", now(), (scans, under_way));
    }

    /// Holds that nothing more happens.
    async fn stays(&self, scans: usize, under_way: usize) {
        for _ in 0..200 {
            yield_now().await;
        }
        assert_eq!((self.store.scans(), self.store.under_way()), (scans, under_way));
    }
}

fn down() -> Query {
    Query { order: Order::Descending, ..default_query() }
}

fn nothing() -> Query {
    let filter = EventFilter { outcomes: vec![Outcome::Failure], ..EventFilter::default() };
    Query { filter, ..default_query() }
}

#[tokio::test]
async fn g10_a_client_that_stops_reading_has_one_batch_read_ahead_and_holds_nothing_at_the_store() {
    for query in [default_query(), down(), Query { follow: true, ..default_query() }] {
        let bench = Bench::new(OPEN, 16).await;
        let mut stream = bench.query(query).await;
        assert_eq!(bench.store.scans(), 0, "nothing is read before anybody asks");
        assert_eq!(sequences(&[stream.next().await.unwrap().unwrap()]).len(), 4);
        bench.reaches(2, 0).await;
        bench.stays(2, 0).await;
        assert_eq!(sequences(&[stream.next().await.unwrap().unwrap()]).len(), 4);
        bench.reaches(3, 0).await;
        bench.stays(3, 0).await;
    }
}

#[tokio::test]
async fn a_query_that_is_dropped_ends_the_step_that_is_under_way() {
    // In the first step, in the one read ahead, and in the midst of a scan that finds nothing.
    for (query, permits, batches) in [(default_query(), 0, 0), (down(), 1, 1), (nothing(), 5, 0)] {
        let bench = Bench::new(permits, 16).await;
        let mut stream = bench.query(query).await;
        for _ in 0..batches {
            stream.next().await.unwrap().unwrap();
        }
        if batches == 0 {
            let mut next = stream.next();
            let begun = async {
                while (bench.store.scans(), bench.store.under_way()) != (permits + 1, 1) {
                    assert!(futures::poll!(&mut next).is_pending());
                    yield_now().await;
                }
            };
            tokio::time::timeout(SOON, begun).await.unwrap();
        }
        bench.reaches(permits + 1, 1).await;
        drop(stream);
        bench.reaches(permits + 1, 0).await;
        bench.store.gate.add_permits(OPEN);
        bench.stays(permits + 1, 0).await;
    }
}

#[tokio::test]
async fn g10_the_batches_that_all_clients_together_have_read_ahead_are_bounded() {
    let bench = Bench::new(OPEN, 2).await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = bench.query(default_query()).await;
        stream.next().await.unwrap().unwrap();
        streams.push(stream);
    }
    bench.reaches(5 + 2, 0).await;
    bench.stays(5 + 2, 0).await;
    // One that goes leaves its room to the next.
    drop(streams.remove(0));
    let last = streams.last_mut().unwrap();
    assert_eq!(sequences(&[last.next().await.unwrap().unwrap()]), [5, 6, 7, 8]);
    bench.reaches(5 + 2 + 2, 0).await;
}

#[tokio::test]
async fn whoever_is_read_ahead_for_gets_everything_once_and_in_order() {
    for batches_ahead in [0, 16] {
        let bench = Bench::new(OPEN, batches_ahead).await;
        for limit in [0, 3, 4, 9] {
            let query = Query { limit, ..default_query() };
            let all: Vec<Item> = bench.query(query).await.map(Result::unwrap).collect().await;
            let last = if limit == 0 { 40 } else { limit };
            assert_eq!(sequences(&all), (1..=last).collect::<Vec<_>>());
        }
        let all: Vec<Item> = bench.query(down()).await.map(Result::unwrap).collect().await;
        assert_eq!(sequences(&all), (1..=40).rev().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_range_of_recorded_times_is_all_that_is_looked_at() {
    let at = |second: i64| Some(NOW.plus_micros(second * 1_000_000));
    for (from, before, found) in [
        (at(10), at(13), vec![11, 12, 13]),
        (None, at(2), vec![1, 2]),
        (at(38), None, vec![39, 40]),
        (at(40), None, vec![]),
        (None, at(0), vec![]),
        (at(12), at(12), vec![]),
    ] {
        let bench = Bench::new(OPEN, 16).await;
        let filter = EventFilter { recorded_from: from, recorded_before: before, ..EventFilter::default() };
        for query in [default_query(), down()] {
            let before = bench.store.scans();
            let query = Query { filter: filter.clone(), ..query };
            let all: Vec<Item> = bench.query(query).await.map(Result::unwrap).collect().await;
            let mut sequences = sequences(&all);
            sequences.sort_unstable();
            assert_eq!(sequences, found);
            assert_eq!(bench.store.scans() - before, usize::from(!found.is_empty()));
        }
    }
}

#[tokio::test]
async fn a_follower_of_times_that_are_over_is_told_that_this_is_all() {
    let bench = Bench::new(OPEN, 16).await;
    let filter = EventFilter { recorded_before: Some(NOW.plus_micros(2_000_000)), ..EventFilter::default() };
    let query = Query { filter, follow: true, ..default_query() };
    let all = bench.query(query).await.map(Result::unwrap).collect::<Vec<Item>>();
    assert_eq!(sequences(&tokio::time::timeout(SOON, all).await.unwrap()), [1, 2]);
}
