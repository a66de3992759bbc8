//! The journal: where events wait to be committed, many at once.
//!
//! Requests are cut into one job per tenant. A tenant's jobs always go to the same committer, so they are
//! committed in the order in which they came. Queues and bytes are bounded; what does not fit is refused at
//! once or waits, as the caller says.

mod admission;
mod commit;
mod committer;
mod lane;

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tokio_util::task::TaskTracker;

use self::{admission::Admitted, commit::Commit, committer::Committer};
use super::ServiceError;
use crate::{
    domain::{id::TenantId, time::Clock},
    store::{
        EventStore,
        contract::{AppendOutcome, NewEvent},
    },
};

pub use admission::Admission;

/// How the journal is bounded.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// Committers, each with a queue and a transaction of its own. SQLite writes one at a time: 1.
    pub committers: usize,
    /// Events that may wait or be in a transaction, per committer.
    pub queue_events: usize,
    /// Bytes of events that may wait or be in a transaction, for the whole server.
    pub queue_bytes: usize,
    /// Events of one transaction.
    pub batch_events: usize,
    /// Bytes of one transaction.
    pub batch_bytes: usize,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            committers: 4,
            queue_events: 20_000,
            queue_bytes: 12 * 1024 * 1024,
            batch_events: 10_000,
            batch_bytes: 8 * 1024 * 1024,
        }
    }
}

/// The events of one request for one tenant, waiting to be committed.
struct Job {
    tenant: TenantId,
    events: Vec<NewEvent>,
    /// Gone when the client has given up; the events are committed all the same.
    reply: oneshot::Sender<Vec<Outcome>>,
    /// Room in the queue, given back when the job is answered.
    _admitted: Admitted,
}

impl Job {
    fn bytes(&self) -> usize {
        self.events.iter().map(bytes).sum()
    }
}

/// What became of one event, or why nothing did.
type Outcome = Result<AppendOutcome, Failure>;

/// Why an event was not committed. The cause has been logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// The database is away or busy; the same again may work.
    Unavailable,
    /// The database refuses this very event.
    Refused,
}

fn bytes(event: &NewEvent) -> usize {
    event.content.len() + event.personal.as_ref().map_or(0, bytes::Bytes::len)
}

/// Takes events and answers when they are committed. Cheap to clone; its committers end, with empty queues,
/// after the last clone is dropped.
#[derive(Clone)]
pub struct Journal {
    committers: Arc<[Entrance]>,
    budget: Arc<admission::Budget>,
}

struct Entrance {
    queue: mpsc::UnboundedSender<Job>,
    room: admission::Room,
}

/// Events on their way; [`Pending::outcomes`] waits for what becomes of them.
#[must_use]
pub struct Pending {
    count: usize,
    parts: Vec<(Vec<usize>, oneshot::Receiver<Vec<Outcome>>)>,
}

impl Journal {
    /// Starts the committers; whoever keeps them hears when one fails.
    pub fn start(
        store: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
        options: &JournalOptions,
    ) -> (Self, Committers) {
        let commit = Commit::new(store, clock);
        let mut committers = JoinSet::new();
        let lanes = TaskTracker::new();
        let entrance = |_| {
            // Bounded by the room that each job holds until it is answered.
            let (queue, jobs) = mpsc::unbounded_channel();
            committers.spawn(Committer::new(commit.clone(), options, lanes.clone()).run(jobs));
            Entrance { queue, room: admission::Room::new(options.queue_events) }
        };
        let journal = Self {
            committers: (0..options.committers.max(1)).map(entrance).collect(),
            budget: Arc::new(admission::Budget::new(options.queue_bytes)),
        };
        (journal, Committers { committers, lanes })
    }

    /// Puts events into the queues; `Overloaded` if they are full and `admission` is not to wait.
    pub async fn enqueue(
        &self,
        events: Vec<NewEvent>,
        admission: Admission,
    ) -> Result<Pending, ServiceError> {
        let count = events.len();
        let mut by_tenant: BTreeMap<TenantId, (Vec<usize>, Vec<NewEvent>)> = BTreeMap::new();
        for (index, event) in events.into_iter().enumerate() {
            let (places, events) = by_tenant.entry(event.tenant.clone()).or_default();
            places.push(index);
            events.push(event);
        }
        let mut parts = Vec::with_capacity(by_tenant.len());
        for (tenant, (places, events)) in by_tenant {
            parts.push((places, self.enqueue_tenant(tenant, events, admission).await?));
        }
        Ok(Pending { count, parts })
    }

    async fn enqueue_tenant(
        &self,
        tenant: TenantId,
        events: Vec<NewEvent>,
        admission: Admission,
    ) -> Result<oneshot::Receiver<Vec<Outcome>>, ServiceError> {
        let entrance = &self.committers[self.place(&tenant)];
        let bytes = events.iter().map(bytes).sum();
        let admitted = admission::admit(&entrance.room, &self.budget, events.len(), bytes, admission).await?;
        let (reply, answer) = oneshot::channel();
        let job = Job { tenant, events, reply, _admitted: admitted };
        entrance.queue.send(job).map_err(|_| ServiceError::ShuttingDown)?;
        Ok(answer)
    }

    fn place(&self, tenant: &TenantId) -> usize {
        let mut hasher = DefaultHasher::new();
        tenant.hash(&mut hasher);
        (hasher.finish() % self.committers.len() as u64) as usize
    }
}

/// The tasks of a journal. Dropping them stops the journal without emptying its queues.
#[must_use]
pub struct Committers {
    committers: JoinSet<()>,
    lanes: TaskTracker,
}

impl Committers {
    /// Waits until the journal's last clone is dropped and everything in its queues is committed and answered.
    ///
    /// # Panics
    ///
    /// If a committer panicked, so that whoever watches over this task learns of it.
    pub async fn ended(mut self) {
        while let Some(ended) = self.committers.join_next().await {
            if let Err(error) = ended
                && let Ok(panic) = error.try_into_panic()
            {
                std::panic::resume_unwind(panic);
            }
        }
        self.lanes.close();
        self.lanes.wait().await;
    }
}

impl Pending {
    /// What became of each event, in the order in which they were given.
    pub async fn outcomes(self) -> Vec<Result<AppendOutcome, ServiceError>> {
        // Whoever does not answer is gone with the server.
        let mut outcomes: Vec<_> = (0..self.count).map(|_| Err(ServiceError::ShuttingDown)).collect();
        for (places, answer) in self.parts {
            let Ok(answers) = answer.await else { continue };
            for (place, answer) in places.into_iter().zip(answers) {
                outcomes[place] = answer.map_err(ServiceError::from);
            }
        }
        outcomes
    }
}

impl From<Failure> for ServiceError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable => Self::StoreAway,
            Failure::Refused => Self::StoreRefused,
        }
    }
}
