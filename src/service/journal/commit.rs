//! Committing a batch, and making the best of it when that fails.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;

use super::{Failure, Job, Outcome};
use crate::{
    domain::time::Clock,
    store::{
        EventStore, StoreError,
        contract::{AppendOutcome, NewEvent},
    },
};

/// How long to wait before looking what became of a commit of unknown outcome.
const SECOND_LOOK: Duration = Duration::from_millis(100);

/// Commits events; shared by the committers.
#[derive(Clone)]
pub(super) struct Commit {
    store: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    /// Whether to wait for heads that another server holds.
    waits: bool,
}

impl Commit {
    pub(super) fn new(store: Arc<dyn EventStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, waits: false }
    }

    /// One that waits for heads that another server holds: for a tenant that goes its own way.
    pub(super) fn waiting(&self) -> Self {
        Self { waits: true, ..self.clone() }
    }

    /// Commits jobs in one transaction and answers each. Gives them back unanswered if some tenant's head is
    /// held by another server: then each tenant has to go its own way.
    pub(super) async fn jobs(&self, jobs: Vec<Job>) -> Result<(), Vec<Job>> {
        let (sizes, events): (Vec<usize>, Vec<NewEvent>) = flatten(&jobs);
        let outcomes = match self.put(&events).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(StoreError::Busy(_)) => return Err(jobs),
            Err(error) => self.after_failure(&events, error).await,
        };
        let mut outcomes = outcomes.into_iter();
        for (job, size) in jobs.into_iter().zip(sizes) {
            // Fails when the client has given up.
            let _ = job.reply.send(outcomes.by_ref().take(size).collect());
        }
        Ok(())
    }

    /// Tells jobs that the database is away.
    pub(super) fn give_up(jobs: Vec<Job>) {
        for job in jobs {
            let outcomes = job.events.iter().map(|_| Err(Failure::Unavailable)).collect();
            let _ = job.reply.send(outcomes);
        }
    }

    async fn put(&self, events: &[NewEvent]) -> Result<Vec<AppendOutcome>, StoreError> {
        match self.waits {
            true => self.store.append(events, self.clock.now()).await,
            false => self.store.try_append(events, self.clock.now()).await,
        }
    }

    async fn append(&self, events: &[NewEvent]) -> Vec<Outcome> {
        match self.put(events).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(error) => self.after_failure(events, error).await,
        }
    }

    /// Nothing is trusted after a failure. A commit of unknown outcome is resolved by appending again: what was
    /// committed is found by its id and answered as a duplicate, what was not is committed now. A refusal for
    /// good is narrowed down by halves, so that one bad event harms only itself.
    fn after_failure<'a>(&'a self, events: &'a [NewEvent], error: StoreError) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            match error {
                StoreError::Busy(_) => all(events, Failure::Unavailable),
                StoreError::Unavailable(cause) => {
                    tracing::warn!(error = %cause, journal.events = events.len(), "commit failed; looking again");
                    tokio::time::sleep(SECOND_LOOK).await;
                    match self.put(events).await {
                        Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
                        Err(StoreError::Unavailable(_) | StoreError::Busy(_)) => {
                            all(events, Failure::Unavailable)
                        }
                        Err(error) => self.after_refusal(events, error).await,
                    }
                }
                error => self.after_refusal(events, error).await,
            }
        })
    }

    async fn after_refusal(&self, events: &[NewEvent], error: StoreError) -> Vec<Outcome> {
        let [first, second] = match events {
            [] => return Vec::new(),
            [event] => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(
                    %error,
                    cause = cause.as_deref().unwrap_or_default(),
                    event.id = %event.id,
                    tenant = %event.tenant,
                    "the store refuses an event"
                );
                return vec![Err(Failure::Refused)];
            }
            several => {
                let (first, second) = several.split_at(several.len() / 2);
                [first, second]
            }
        };
        let mut outcomes = self.append(first).await;
        outcomes.extend(self.append(second).await);
        outcomes
    }
}

fn all(events: &[NewEvent], failure: Failure) -> Vec<Outcome> {
    events.iter().map(|_| Err(failure)).collect()
}

/// The events of all jobs in one row, and how many each job has. Events are cheap to clone: their bytes are
/// shared.
fn flatten(jobs: &[Job]) -> (Vec<usize>, Vec<NewEvent>) {
    let sizes = jobs.iter().map(|job| job.events.len()).collect();
    (sizes, jobs.iter().flat_map(|job| job.events.iter().cloned()).collect())
}
