//! Starts export jobs whose time has come. Every server of an installation does; a job's lease decides who runs it.

use std::{convert::Infallible, time::Duration};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::service::{
    ServiceError,
    exports::{Exports, WaitingBytes},
};

/// Bounds of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchedulerOptions {
    /// How often it is looked for jobs whose time has come.
    pub poll_interval: Duration,
    /// Runs at a time; others wait.
    pub max_runs: usize,
}

/// Looks for due jobs again and again until `stop`.
pub async fn schedule(
    exports: Exports,
    options: SchedulerOptions,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    let mut ticks = interval(options.poll_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut waiting = WaitingBytes::default();
    let mut worked = true;
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let room = options.max_runs.saturating_sub(exports.running());
        if room == 0 {
            continue;
        }
        let Some(started) = stop.run_until_cancelled(exports.start_due(room, &mut waiting)).await else {
            break;
        };
        match (worked, &started) {
            // The database watch says more about it.
            (true, Err(error @ ServiceError::Store(_))) => {
                tracing::warn!(%error, "export jobs whose time has come cannot be looked for");
            }
            (true, Err(error)) => {
                tracing::error!(%error, "export jobs whose time has come cannot be looked for")
            }
            (false, Ok(_)) => tracing::info!("export jobs run by themselves again"),
            _ => {}
        }
        worked = started.is_ok();
    }
    Ok(())
}
