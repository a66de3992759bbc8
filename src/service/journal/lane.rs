//! The way round a tenant whose head another server holds: its events wait here, those of other tenants go on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::{Job, commit::Commit};

/// One tenant's own little queue. Its task ends when this is dropped and the queue is empty.
pub(super) struct Lane {
    queue: mpsc::UnboundedSender<Job>,
    /// Jobs handed over and not yet answered. Only the committer adds, so 0 means that the lane is at rest.
    pending: Arc<AtomicUsize>,
}

impl Lane {
    pub(super) fn open(commit: Commit, tasks: &TaskTracker) -> Self {
        // Bounded by the room that each job holds until it is answered.
        let (queue, jobs) = mpsc::unbounded_channel();
        let pending = Arc::new(AtomicUsize::new(0));
        tasks.spawn(run(commit.waiting(), jobs, pending.clone()));
        Self { queue, pending }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.pending.load(Ordering::Acquire) > 0
    }

    /// Takes a job; gives it back if the lane's task is gone.
    pub(super) fn take(&self, job: Job) -> Result<(), Job> {
        self.pending.fetch_add(1, Ordering::AcqRel);
        self.queue.send(job).map_err(|refused| refused.0)
    }
}

async fn run(commit: Commit, mut jobs: mpsc::UnboundedReceiver<Job>, pending: Arc<AtomicUsize>) {
    while let Some(first) = jobs.recv().await {
        let mut batch = vec![first];
        while let Ok(job) = jobs.try_recv() {
            batch.push(job);
        }
        let count = batch.len();
        if let Err(blocked) = commit.jobs(batch).await {
            Commit::give_up(blocked);
        }
        pending.fetch_sub(count, Ordering::AcqRel);
    }
}
