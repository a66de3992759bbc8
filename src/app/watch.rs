//! Looks whether the database answers, so that health can tell without asking.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::{api::health::Health, metrics::Metrics, store::Store};

/// How often the database is asked.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long it may take to answer.
const TIMEOUT: Duration = Duration::from_secs(2);

pub(super) struct Watch {
    store: Arc<dyn Store>,
    health: Health,
    metrics: Metrics,
}

impl Watch {
    pub(super) fn new(store: Arc<dyn Store>, health: Health, metrics: Metrics) -> Self {
        Self { store, health, metrics }
    }

    /// Asks once and tells health and metrics.
    pub(super) async fn look(&self) -> bool {
        let answers = matches!(timeout(TIMEOUT, self.store.ping()).await, Ok(Ok(())));
        self.metrics.database_up(answers);
        self.health.store_answers(answers).await;
        answers
    }

    /// Asks again and again until `stop`; logs only changes.
    pub(super) async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut answered = true;
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let Some(answers) = stop.run_until_cancelled(self.look()).await else { break };
            match (answered, answers) {
                (true, false) => tracing::error!("the database does not answer; not ready"),
                (false, true) => tracing::info!("the database answers again"),
                _ => {}
            }
            answered = answers;
        }
        Ok(())
    }
}
