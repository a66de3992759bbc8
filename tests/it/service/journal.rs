//! The journal, over the model store with faults in between.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use tokio::sync::{Semaphore, watch};
use vidne::{
    domain::{
        catalogue::EventType,
        id::{EventId, TenantId},
        tenant::TenantSettings,
        time::{Clock, ManualClock, Timestamp},
    },
    service::{
        ServiceError,
        journal::{Admission, Committers, Journal, JournalOptions, Pending},
        tenants::Tenants,
        witness::Witness,
    },
    store::{
        EventStore, StoreError,
        contract::{
            AppendOutcome, CountPage, CountRequest, Head, NewEvent, ScanPage, ScanRequest, StoredEvent,
        },
        memory::MemoryStore,
    },
};

use super::vault;
use crate::support::events::{NOW, limits};

/// What an append meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The database is away: nothing is written.
    Away,
    /// The commit goes through but its answer is lost.
    AnswerLost,
}

/// The model store with a gate before each append and faults to order.
struct Faulty {
    inner: MemoryStore,
    /// An append takes one permit.
    gate: Semaphore,
    appends: AtomicUsize,
    next: Mutex<Vec<Fault>>,
    /// Appends that hold an event of this tenant are `Busy`.
    held: Mutex<Option<TenantId>>,
    /// Appends that hold this event are refused for good.
    poison: Mutex<Option<EventId>>,
}

fn cause() -> Box<dyn std::error::Error + Send + Sync> {
    "ordered by the test".into()
}

#[async_trait]
impl EventStore for Faulty {
    async fn append(&self, events: &[NewEvent], now: Timestamp) -> Result<Vec<AppendOutcome>, StoreError> {
        self.gate.acquire().await.unwrap().forget();
        self.appends.fetch_add(1, Ordering::SeqCst);
        if let Some(held) = self.held.lock().unwrap().as_ref()
            && events.iter().any(|event| event.tenant == *held)
        {
            return Err(StoreError::Busy(cause()));
        }
        if let Some(poison) = *self.poison.lock().unwrap()
            && events.iter().any(|event| event.id == poison)
        {
            return Err(StoreError::Database(cause()));
        }
        let fault = self.next.lock().unwrap().pop();
        match fault {
            Some(Fault::Away) => Err(StoreError::Unavailable(cause())),
            Some(Fault::AnswerLost) => {
                self.inner.append(events, now).await?;
                Err(StoreError::Unavailable(cause()))
            }
            None => self.inner.append(events, now).await,
        }
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
        self.inner.scan(request).await
    }

    async fn count(&self, request: CountRequest<'_>) -> Result<CountPage, StoreError> {
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
    store: Arc<Faulty>,
    journal: Journal,
    witness: Witness,
    committers: Committers,
}

const OPEN: usize = Semaphore::MAX_PERMITS / 2;

impl Bench {
    async fn new(permits: usize, options: JournalOptions) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
        let inner = MemoryStore::new(clock.clone());
        let witness = Witness::new(clock.clone(), vault(), Arc::new(limits()));
        let tenants: Arc<MemoryStore> = Arc::new(inner);
        let made = Tenants::new(tenants.clone(), clock.clone(), witness.clone());
        for id in ["a", "b"] {
            let id = TenantId::parse(id).unwrap();
            made.create(id, String::new(), TenantSettings::default(), "anonymous").await.unwrap();
        }
        drop(made);
        let store = Arc::new(Faulty {
            inner: Arc::into_inner(tenants).unwrap(),
            gate: Semaphore::new(permits),
            appends: AtomicUsize::new(0),
            next: Mutex::new(Vec::new()),
            held: Mutex::new(None),
            poison: Mutex::new(None),
        });
        let options = JournalOptions { committers: 1, ..options };
        let (journal, committers) = Journal::start(store.clone(), clock, &options);
        Self { store, journal, witness, committers }
    }

    fn event(&self, tenant: &str) -> NewEvent {
        let tenant = TenantId::parse(tenant).unwrap();
        self.witness.event(EventType::TENANT_CREATED, &tenant, Default::default()).unwrap()
    }

    async fn send(&self, tenant: &str) -> Pending {
        self.journal.enqueue(vec![self.event(tenant)], Admission::Wait).await.unwrap()
    }

    async fn head(&self, tenant: &str) -> u64 {
        self.store.head(&TenantId::parse(tenant).unwrap()).await.unwrap().sequence
    }

    /// Waits until `count` appends have begun.
    async fn appends(&self, count: usize) {
        while self.store.appends.load(Ordering::SeqCst) < count {
            tokio::task::yield_now().await;
        }
    }

    fn order(&self, faults: &[Fault]) {
        *self.store.next.lock().unwrap() = faults.iter().rev().copied().collect();
    }
}

fn sequence(outcome: &Result<AppendOutcome, ServiceError>) -> u64 {
    match outcome {
        Ok(AppendOutcome::Recorded(stamp) | AppendOutcome::Duplicate(stamp)) => stamp.sequence,
        other => panic!("not in the log: {other:?}"),
    }
}

#[tokio::test]
async fn g1_an_answer_comes_only_after_the_commit() {
    let bench = Bench::new(0, JournalOptions::default()).await;
    let sent = tokio::spawn(bench.send("a").await.outcomes());
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!sent.is_finished());
    bench.store.gate.add_permits(1);
    assert_eq!(sequence(&sent.await.unwrap()[0]), 1);
    assert_eq!(bench.head("a").await, 1);
}

#[tokio::test]
async fn all_that_waits_is_committed_at_once_in_its_order() {
    let bench = Bench::new(0, JournalOptions::default()).await;
    let first = bench.send("a").await;
    // The committer is in its first transaction, or about to be; what follows waits.
    tokio::task::yield_now().await;
    let mut rest = Vec::new();
    for _ in 0..50 {
        rest.push(bench.send("a").await);
    }
    bench.store.gate.add_permits(2);
    assert_eq!(sequence(&first.outcomes().await[0]), 1);
    for (i, pending) in rest.into_iter().enumerate() {
        assert_eq!(sequence(&pending.outcomes().await[0]), i as u64 + 2);
    }
    assert_eq!(bench.store.appends.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_batch_is_bounded_in_events_and_in_bytes() {
    for options in [
        JournalOptions { batch_events: 10, ..JournalOptions::default() },
        JournalOptions { batch_bytes: 600, ..JournalOptions::default() },
    ] {
        let bench = Bench::new(0, options).await;
        let mut sent = Vec::new();
        for _ in 0..40 {
            sent.push(bench.send("a").await);
        }
        bench.store.gate.add_permits(OPEN);
        for (i, pending) in sent.into_iter().enumerate() {
            assert_eq!(sequence(&pending.outcomes().await[0]), i as u64 + 1);
        }
        assert!(bench.store.appends.load(Ordering::SeqCst) >= 4);
    }
}

#[tokio::test]
async fn g9_a_full_queue_refuses_at_once_or_makes_its_sender_wait() {
    for options in [
        JournalOptions { queue_events: 2, ..JournalOptions::default() },
        JournalOptions { queue_bytes: 2_048, ..JournalOptions::default() },
    ] {
        let bench = Bench::new(0, options).await;
        let first = bench.send("a").await;
        let second = bench.send("b").await;
        let refused = bench.journal.enqueue(vec![bench.event("a")], Admission::Now).await;
        assert!(matches!(refused, Err(ServiceError::Overloaded)));
        let waits = bench.journal.enqueue(vec![bench.event("a")], Admission::Wait);
        tokio::pin!(waits);
        assert!(futures::poll!(waits.as_mut()).is_pending());
        bench.store.gate.add_permits(OPEN);
        first.outcomes().await;
        second.outcomes().await;
        assert_eq!(sequence(&waits.await.unwrap().outcomes().await[0]), 2);
        assert_eq!(bench.head("a").await, 2);
    }
}

#[tokio::test]
async fn a_client_that_gives_up_undoes_nothing() {
    let bench = Bench::new(0, JournalOptions::default()).await;
    drop(bench.send("a").await);
    let next = bench.send("a").await;
    bench.store.gate.add_permits(OPEN);
    assert_eq!(sequence(&next.outcomes().await[0]), 2);
}

#[tokio::test(start_paused = true)]
async fn g1_a_commit_whose_answer_is_lost_is_resolved_before_answering() {
    let bench = Bench::new(OPEN, JournalOptions::default()).await;
    bench.order(&[Fault::AnswerLost]);
    let outcomes = bench.send("a").await.outcomes().await;
    assert!(matches!(outcomes[0], Ok(AppendOutcome::Duplicate(stamp)) if stamp.sequence == 1));
    assert_eq!(bench.head("a").await, 1);
}

#[tokio::test(start_paused = true)]
async fn g9_a_database_that_is_away_is_said_and_used_again_when_it_is_back() {
    let bench = Bench::new(OPEN, JournalOptions::default()).await;
    bench.order(&[Fault::Away, Fault::Away]);
    let away = bench.send("a").await.outcomes().await;
    assert!(matches!(away[0], Err(ServiceError::StoreAway)));
    assert_eq!(sequence(&bench.send("a").await.outcomes().await[0]), 1);
    // A short absence is not noticed at all.
    bench.order(&[Fault::Away]);
    assert_eq!(sequence(&bench.send("a").await.outcomes().await[0]), 2);
}

#[tokio::test]
async fn one_bad_event_harms_only_itself() {
    let bench = Bench::new(OPEN, JournalOptions::default()).await;
    let events: Vec<_> = (0..13).map(|_| bench.event("a")).collect();
    *bench.store.poison.lock().unwrap() = Some(events[6].id);
    let outcomes = bench.journal.enqueue(events, Admission::Now).await.unwrap().outcomes().await;
    for (i, outcome) in outcomes.iter().enumerate() {
        match i {
            6 => assert!(matches!(outcome, Err(ServiceError::StoreRefused))),
            i => assert_eq!(sequence(outcome), if i < 6 { i as u64 + 1 } else { i as u64 }),
        }
    }
}

#[tokio::test]
async fn g10_a_tenant_that_another_server_holds_delays_no_other_tenant() {
    let bench = Bench::new(0, JournalOptions::default()).await;
    *bench.store.held.lock().unwrap() = Some(TenantId::parse("a").unwrap());
    let stuck = bench.send("a").await;
    let free = bench.send("b").await;
    // One for both together, one for each alone: the held one may take its time.
    bench.store.gate.add_permits(1);
    bench.appends(1).await;
    bench.store.gate.add_permits(OPEN);
    assert_eq!(sequence(&free.outcomes().await[0]), 1);
    assert!(matches!(stuck.outcomes().await[0], Err(ServiceError::StoreAway)));
    *bench.store.held.lock().unwrap() = None;
    for next in 1..4 {
        assert_eq!(sequence(&bench.send("a").await.outcomes().await[0]), next);
        assert_eq!(sequence(&bench.send("b").await.outcomes().await[0]), next + 1);
    }
}

#[tokio::test]
async fn one_request_may_hold_events_of_several_tenants() {
    let bench = Bench::new(OPEN, JournalOptions::default()).await;
    let events = vec![bench.event("b"), bench.event("a"), bench.event("nowhere"), bench.event("b")];
    let outcomes = bench.journal.enqueue(events, Admission::Now).await.unwrap().outcomes().await;
    assert_eq!(sequence(&outcomes[0]), 1);
    assert_eq!(sequence(&outcomes[1]), 1);
    assert!(matches!(outcomes[2], Ok(AppendOutcome::TenantNotFound)));
    assert_eq!(sequence(&outcomes[3]), 2);
}

#[tokio::test]
async fn what_is_in_the_queue_at_the_end_is_committed() {
    let bench = Bench::new(0, JournalOptions::default()).await;
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.push(bench.send("a").await);
    }
    let Bench { store, journal, committers, .. } = bench;
    drop(journal);
    store.gate.add_permits(OPEN);
    committers.ended().await;
    assert_eq!(store.head(&TenantId::parse("a").unwrap()).await.unwrap().sequence, 5);
    for pending in sent {
        assert!(pending.outcomes().await[0].is_ok());
    }
}
