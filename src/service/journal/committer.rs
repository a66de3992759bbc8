//! One committer: takes all that waits, commits it, and begins again. It never sleeps to fill a batch: at low
//! load a batch is one event, at high load what came in during the commit before.

use std::{collections::HashMap, mem};

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::{Job, JournalOptions, commit::Commit, lane::Lane};
use crate::domain::id::TenantId;

pub(super) struct Committer {
    commit: Commit,
    batch_events: usize,
    batch_bytes: usize,
    lane_tasks: TaskTracker,
    /// Tenants whose head another server holds; they wait there, and nobody waits for them.
    lanes: HashMap<TenantId, Lane>,
}

impl Committer {
    pub(super) fn new(commit: Commit, options: &JournalOptions, lane_tasks: TaskTracker) -> Self {
        Self {
            commit,
            batch_events: options.batch_events.max(1),
            batch_bytes: options.batch_bytes.max(1),
            lane_tasks,
            lanes: HashMap::new(),
        }
    }

    /// Runs until all senders are gone and the queue is empty.
    pub(super) async fn run(mut self, mut jobs: mpsc::UnboundedReceiver<Job>) {
        let mut left_over = None;
        loop {
            let first = match left_over.take() {
                Some(job) => job,
                None => match jobs.recv().await {
                    Some(job) => job,
                    None => return,
                },
            };
            let mut batch = Vec::new();
            let (mut events, mut bytes) = (0, 0);
            let mut next = Some(first);
            while let Some(job) = next.take() {
                let Some(job) = self.divert(job) else {
                    next = jobs.try_recv().ok();
                    continue;
                };
                if !batch.is_empty()
                    && (events + job.events.len() > self.batch_events
                        || bytes + job.bytes() > self.batch_bytes)
                {
                    left_over = Some(job);
                    break;
                }
                events += job.events.len();
                bytes += job.bytes();
                batch.push(job);
                next = jobs.try_recv().ok();
            }
            if let Err(blocked) = self.commit.jobs(mem::take(&mut batch)).await {
                self.part(blocked);
            }
        }
    }

    /// Hands a job to its tenant's lane if that is still busy; otherwise the job goes the common way.
    fn divert(&mut self, job: Job) -> Option<Job> {
        match self.lanes.get(&job.tenant) {
            Some(lane) if lane.is_busy() => lane.take(job).err(),
            Some(_) => {
                self.lanes.remove(&job.tenant);
                Some(job)
            }
            None => Some(job),
        }
    }

    /// Gives each tenant of a blocked batch a lane of its own.
    fn part(&mut self, blocked: Vec<Job>) {
        self.lanes.retain(|_, lane| lane.is_busy());
        for job in blocked {
            let lane = self
                .lanes
                .entry(job.tenant.clone())
                .or_insert_with(|| Lane::open(self.commit.clone(), &self.lane_tasks));
            if let Err(job) = lane.take(job) {
                Commit::give_up(vec![job]);
            }
        }
    }
}
