//! Counting: what it reads, and what stops it.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use vidne::{
    domain::{
        catalogue::EventType,
        event::Outcome,
        filter::EventFilter,
        id::TenantId,
        summary::{SummaryRequest, SummaryTime},
        time::Timestamp,
    },
    service::{
        ServiceError,
        query::{Queries, QueryOptions},
        token::Tokens,
    },
};

use super::{
    Services, vault,
    watched::{OPEN, Watched},
};
use crate::support::events::bare;

struct Bench {
    store: Arc<Watched>,
    queries: Queries,
    shutdown: CancellationToken,
    services: Services,
}

impl Bench {
    /// With 20 events; steps of 4.
    async fn new(permits: usize) -> Self {
        let services = Services::new();
        for _ in 0..20 {
            services.sequence(bare(EventType::CUSTOM)).await;
        }
        let store = Watched::gated(services.store.clone(), permits);
        let shutdown = CancellationToken::new();
        let options = QueryOptions { chunk_events: 4, ..QueryOptions::default() };
        let queries = Queries::new(store.clone(), Tokens::new(vault()), [1; 16], options, shutdown.clone());
        Self { store, queries, shutdown, services }
    }

    fn steps(&self) -> (usize, usize) {
        (self.store.scans(), self.store.counts())
    }
}

fn by_outcome() -> EventFilter {
    EventFilter { outcomes: vec![Outcome::Success], ..EventFilter::default() }
}

fn log() -> TenantId {
    TenantId::default_tenant()
}

#[tokio::test]
async fn what_columns_answer_is_counted_without_reading_an_event() {
    let bench = Bench::new(OPEN).await;
    let by_columns = EventFilter {
        types: vec![EventType::CUSTOM],
        sequence_from: 3,
        recorded_from: Some(Timestamp::MIN),
        occurred_before: Some(Timestamp::MAX),
        ..EventFilter::default()
    };
    for (filter, expected) in [(EventFilter::default(), 20), (by_columns, 18)] {
        assert_eq!(bench.queries.count(&log(), &filter, None).await.unwrap().count, expected);
    }
    assert_eq!(bench.steps(), (0, 2));
    assert_eq!(bench.queries.count(&log(), &by_outcome(), None).await.unwrap().count, 20);
    assert_eq!(bench.steps(), (5, 2));
}

#[tokio::test]
async fn what_columns_cannot_answer_is_never_asked_of_them_alone() {
    let text = || vec!["x".to_owned()];
    for filter in [
        EventFilter { custom_types: text(), ..EventFilter::default() },
        EventFilter { actor_user_ids: text(), ..EventFilter::default() },
        EventFilter { text: "x".to_owned(), ..EventFilter::default() },
        EventFilter { subject_national_id: "x".to_owned(), ..EventFilter::default() },
        by_outcome(),
    ] {
        assert!(!filter.asks_columns_only(), "{filter:?}");
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_takes_no_further_step() {
    for filter in [EventFilter::default(), by_outcome()] {
        let bench = Bench::new(0).await;
        let log = log();
        let mut call = Box::pin(bench.queries.count(&log, &filter, None));
        assert!(futures::poll!(call.as_mut()).is_pending());
        let begun = bench.steps();
        assert_eq!(begun.0 + begun.1, 1);
        drop(call);
        bench.store.gate.add_permits(OPEN);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(bench.steps(), begun);
    }
}

#[tokio::test]
async fn a_summary_can_be_cancelled_between_two_steps() {
    let bench = Bench::new(1).await;
    let request = SummaryRequest {
        tenant: log(),
        filter: EventFilter::default(),
        time: SummaryTime::Occurred,
        bucket_seconds: None,
        max_groups: 20,
    };
    let mut call = Box::pin(bench.queries.summarize(&request, None));
    while bench.steps().0 < 2 {
        assert!(futures::poll!(call.as_mut()).is_pending());
    }
    drop(call);
    bench.store.gate.add_permits(OPEN);
    tokio::task::yield_now().await;
    assert_eq!(bench.steps(), (2, 0));
}

#[tokio::test]
async fn a_shutdown_ends_counting_with_its_reason() {
    let bench = Bench::new(OPEN).await;
    bench.shutdown.cancel();
    let ended = bench.queries.count(&log(), &by_outcome(), None).await;
    assert!(matches!(ended, Err(ServiceError::ShuttingDown)));
    assert_eq!(bench.steps(), (1, 0));
}

#[tokio::test]
async fn events_that_come_while_it_counts_are_not_looked_at() {
    let bench = Bench::new(1).await;
    let (log, filter) = (log(), by_outcome());
    let mut call = Box::pin(bench.queries.count(&log, &filter, None));
    assert!(futures::poll!(call.as_mut()).is_pending());
    bench.services.sequence(bare(EventType::CUSTOM)).await;
    bench.store.gate.add_permits(OPEN);
    let counted = call.await.unwrap();
    assert_eq!((counted.count, counted.extent.head, counted.extent.complete), (20, 20, true));
}
