//! Counting: what it reads, and what stops it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use vidne::{
    domain::{
        catalogue::EventType,
        event::Outcome,
        filter::EventFilter,
        id::{EventId, TenantId},
        summary::{SummaryRequest, SummaryTime},
        time::Timestamp,
    },
    service::{
        ServiceError,
        query::{Queries, QueryOptions},
        token::Tokens,
    },
    store::{
        EventStore, Store, StoreError,
        contract::{
            AppendOutcome, CountPage, CountRequest, Head, NewEvent, ScanPage, ScanRequest, StoredEvent,
        },
    },
};

use super::{Services, vault};
use crate::support::events::bare;

/// The model store, which counts its steps and takes a permit for each.
struct Watched {
    inner: Arc<dyn Store>,
    gate: Semaphore,
    scans: AtomicUsize,
    counts: AtomicUsize,
}

#[async_trait]
impl EventStore for Watched {
    async fn append(&self, events: &[NewEvent], now: Timestamp) -> Result<Vec<AppendOutcome>, StoreError> {
        self.inner.append(events, now).await
    }

    async fn event_by_id(&self, tenant: &TenantId, id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        self.inner.event_by_id(tenant, id).await
    }

    async fn event_at(&self, tenant: &TenantId, sequence: u64) -> Result<Option<StoredEvent>, StoreError> {
        self.inner.event_at(tenant, sequence).await
    }

    async fn head(&self, tenant: &TenantId) -> Result<Head, StoreError> {
        self.inner.head(tenant).await
    }

    async fn scan(&self, request: ScanRequest<'_>) -> Result<ScanPage, StoreError> {
        self.scans.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        self.inner.scan(request).await
    }

    async fn count(&self, request: CountRequest<'_>) -> Result<CountPage, StoreError> {
        self.counts.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        self.inner.count(request).await
    }

    fn wakeups(&self, tenant: &TenantId) -> watch::Receiver<u64> {
        self.inner.wakeups(tenant)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }
}

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
        let store = Arc::new(Watched {
            inner: services.store.clone(),
            gate: Semaphore::new(permits),
            scans: AtomicUsize::default(),
            counts: AtomicUsize::default(),
        });
        let shutdown = CancellationToken::new();
        let options = QueryOptions { chunk_events: 4, ..QueryOptions::default() };
        let queries = Queries::new(store.clone(), Tokens::new(vault()), [1; 16], options, shutdown.clone());
        Self { store, queries, shutdown, services }
    }

    fn steps(&self) -> (usize, usize) {
        (self.store.scans.load(Ordering::SeqCst), self.store.counts.load(Ordering::SeqCst))
    }
}

const OPEN: usize = Semaphore::MAX_PERMITS / 2;

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
