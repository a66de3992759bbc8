//! What the driver does when something fails.

use std::sync::Arc;

use tokio::time::Instant;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::client::error::ClientError;

use super::{
    book::passes,
    driver::{Driver, From},
    error::RecorderError,
};

impl Driver {
    /// The stream is gone.
    pub(super) async fn failed(&mut self, error: ClientError) {
        self.link = None;
        if self.book.flights() == 0 {
            // Nothing was asked, so nothing is wrong: the next event opens another.
            return;
        }
        if is_about_the_request(&error) {
            // Each time either the requests become smaller or an event is done with, so this ends without a pause.
            let blamed = self.book.blame_oldest(limit(&error, "limit_events"), limit(&error, "limit_bytes"));
            self.book.broken();
            if let Some(item) = blamed {
                self.settle(vec![(item, Err(error))]).await;
            }
            return;
        }
        self.book.broken();
        let pause = self.backoff.after_failure(error.retry_after());
        self.not_before = Some(Instant::now() + pause);
        let hopeless = !passes(&error);
        let error = self.count(error);
        if self.spool.is_some() {
            if !self.spooling {
                self.move_to_spool().await;
            }
        } else if hopeless || self.options.max_failures.is_some_and(|most| self.in_a_row > most) {
            self.give_up(&error);
        }
    }

    /// The stream holds, but events failed for the moment: the database behind the server may be away.
    pub(super) async fn held_up(&mut self, error: ClientError, others_went_through: bool) {
        if !others_went_through {
            drop(self.count(error));
        }
        if self.spool.is_some() && !self.spooling {
            // To those who wait it is the same whether the server or its database is away.
            self.link = None;
            self.move_to_spool().await;
        }
    }

    fn count(&mut self, error: ClientError) -> Arc<ClientError> {
        if self.in_a_row == 0 {
            tracing::warn!(
                server.endpoint = self.client.endpoint(),
                recorder.unanswered = self.book.len(),
                %error,
                "the server does not take events at the moment"
            );
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.failures += 1;
        let error = Arc::new(error);
        self.last_error = Some(error.clone());
        error
    }

    /// Tells all who wait that there is no answer.
    fn give_up(&mut self, error: &Arc<ClientError>) {
        for item in self.book.take_all() {
            if let From::Caller(reply, _room) = item.from {
                drop(reply.send(Err(RecorderError::Away(error.clone()))));
            }
        }
        self.in_a_row = 0;
    }
}

/// Whether the server refuses the oldest request, rather than the stream.
fn is_about_the_request(error: &ClientError) -> bool {
    match error.code() {
        Some(Code::InvalidArgument | Code::OutOfRange) => true,
        // How others than vidne say that a message is too large.
        Some(Code::ResourceExhausted) => error.retry_after().is_none(),
        _ => false,
    }
}

fn limit(error: &ClientError, name: &str) -> Option<usize> {
    error.status()?.get_details_error_info()?.metadata.get(name)?.parse().ok()
}
