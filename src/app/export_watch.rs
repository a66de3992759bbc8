//! Looks how all export jobs fare, for health and metrics.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    api::health::Health,
    domain::time::Clock,
    metrics::{ExportJobs, Metrics},
    service::exports::Exports,
};

/// How often.
const INTERVAL: Duration = Duration::from_secs(10);
/// Jobs that are looked at, those that fail first.
const JOBS: usize = 1_000;

pub(super) struct ExportWatch {
    pub(super) exports: Exports,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) health: Health,
    pub(super) metrics: Metrics,
    /// A job that has failed for longer than this is a matter of health.
    pub(super) failing_after: Duration,
}

impl ExportWatch {
    /// Looks again and again until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let Some(()) = stop.run_until_cancelled(self.look()).await else { break };
        }
        Ok(())
    }

    /// A database that does not answer is the database watch's business.
    async fn look(&self) {
        let Ok(jobs) = self.exports.glance(JOBS).await else { return };
        let now = self.clock.now();
        let limit = i64::try_from(self.failing_after.as_micros()).unwrap_or(i64::MAX);
        let fails_long = |since| now.plus_micros(-limit) >= since;
        let long = jobs.iter().any(|job| !job.paused && job.failing_since.is_some_and(fails_long));
        self.metrics.export_jobs(&ExportJobs { jobs: &jobs, now });
        self.health.exports_work(!long).await;
    }
}
