//! What every stream over several connections does: waits before it connects again, gives up, notices silence.

use std::time::Duration;

use tokio::time::{self, Instant};
use tonic::{Status, Streaming};

use super::{Client, backoff::Backoff, error::ClientError, options::Resume};

/// When a stream whose connection broke connects again.
#[derive(Debug)]
pub(super) struct Again {
    resume: Resume,
    not_before: Option<Instant>,
    backoff: Backoff,
}

impl Again {
    pub(super) fn new(resume: Resume, client: &Client) -> Self {
        Self { resume, not_before: None, backoff: Backoff::new(client.options()) }
    }

    /// Until the next attempt may be made. Dropping the future changes nothing.
    pub(super) async fn pause(&mut self) {
        if let Some(instant) = self.not_before {
            time::sleep_until(instant).await;
            self.not_before = None;
        }
    }

    /// The pause before the next attempt, for which [`Self::pause`] waits; `None`: there is none. `passes`: the
    /// error is of a kind that does.
    pub(super) fn after(&mut self, error: &ClientError, passes: bool) -> Option<Duration> {
        let may = match self.resume {
            Resume::Never => false,
            Resume::Attempts(most) => self.backoff.failures() < most,
            Resume::Always => true,
        };
        (may && passes).then(|| {
            let pause = self.backoff.after_failure(error.retry_after());
            self.not_before = Some(Instant::now() + pause);
            pause
        })
    }

    /// The next message of a connection. Its end is a broken connection too: what is complete says so.
    pub(super) async fn message<T>(
        &mut self,
        client: &Client,
        open: &mut Streaming<T>,
    ) -> Result<T, ClientError> {
        let silence = client.options().silence_timeout;
        let message = match time::timeout(silence, open.message()).await {
            Err(_) => return Err(client.silent(silence)),
            Ok(message) => message.map_err(|status| client.error(status))?,
        };
        let message = message.ok_or_else(|| ClientError::Connection {
            endpoint: client.endpoint().to_owned(),
            status: Status::unavailable("the stream ended without a reason"),
        })?;
        self.backoff.reset();
        Ok(message)
    }
}
