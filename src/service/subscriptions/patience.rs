//! How long a consumer may keep what it was given without a word.

use std::time::Duration;

use tokio::time::Instant;

/// A consumer that owes an answer gives one within this time, or is taken for stalled.
#[derive(Debug)]
pub(super) struct Patience {
    limit: Duration,
    /// Since when it owes one; `None`: it owes nothing.
    since: Option<Instant>,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, since: None }
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// The consumer has said something, whatever it was: its time begins anew.
    pub(super) fn heard(&mut self) {
        self.since = None;
    }

    /// When the consumer's time is over, if it owes an answer at this moment.
    pub(super) fn end(&mut self, owes: bool) -> Option<Instant> {
        if !owes {
            self.since = None;
            return None;
        }
        // A limit beyond what a clock can tell is none.
        self.since.get_or_insert_with(Instant::now).checked_add(self.limit)
    }
}
