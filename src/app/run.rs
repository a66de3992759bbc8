//! A server's life: serves until it is told to stop or a part of it fails, then ends in good order.

use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{Backing, RunError};
use crate::{api::health::Health, config::ShutdownSettings, shutdown::Tasks};

/// For what is left after the deadline: connections that are closed under their calls.
const LAST: Duration = Duration::from_secs(2);
/// For the database to close its connections, which one that hangs does not. The chart's grace period counts on all of
/// these.
const CLOSE: Duration = Duration::from_secs(5);

pub(super) struct Life {
    pub(super) settings: ShutdownSettings,
    /// Somebody wants the server to stop.
    pub(super) stop: CancellationToken,
    /// Ends the watch over the database.
    pub(super) watching: CancellationToken,
    /// Ends streams and stops accepting.
    pub(super) streams: CancellationToken,
    /// Closes connections at once.
    pub(super) close: CancellationToken,
    pub(super) health: Health,
    pub(super) tasks: Tasks,
    pub(super) backing: Backing,
}

impl Life {
    pub(super) async fn run(mut self) -> Result<(), RunError> {
        let ended = tokio::select! {
            () = self.stop.cancelled() => None,
            error = self.tasks.first_end() => Some(error),
        };
        self.watching.cancel();
        self.health.stopping().await;
        match &ended {
            // There is no use in going on with a part missing.
            Some(error) => tracing::error!(error = %error, "a part of the server ended; stopping"),
            None => tokio::time::sleep(self.settings.delay).await,
        }
        self.streams.cancel();
        self.health.end_watches().await;
        let drained = self.drain().await;
        if timeout(CLOSE, self.backing.close()).await.is_err() {
            tracing::warn!("the database does not let go in time; leaving it");
        }
        match (ended, drained) {
            (Some(error), _) => Err(error.into()),
            (None, result) => result,
        }
    }

    /// Lets calls end until the deadline; then closes their connections.
    async fn drain(&mut self) -> Result<(), RunError> {
        let deadline = Instant::now() + self.settings.deadline;
        if let Ok(result) = timeout_at(deadline, self.tasks.drain()).await {
            return Ok(result?);
        }
        tracing::warn!("calls did not end in time; closing their connections");
        self.close.cancel();
        if timeout_at(deadline + LAST, self.tasks.drain()).await.is_err() {
            self.tasks.abort().await;
        }
        Ok(())
    }
}
