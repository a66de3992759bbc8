//! The writes of one stream, one at a time: what is to be written meanwhile is merged.

use futures::{FutureExt, future::BoxFuture};

use super::keeper::Keeper;
use crate::store::StoreError;

/// Positions, each at most the one before, and the write under way.
pub(super) struct Writes {
    keeper: Keeper,
    /// What is to be kept.
    wanted: u64,
    /// What is kept.
    kept: u64,
    /// What the client asked for.
    asked: u64,
    /// What the client knows to be kept.
    told: u64,
    renewal_due: bool,
    under_way: Option<BoxFuture<'static, Result<Written, StoreError>>>,
}

enum Written {
    Renewed,
    Acknowledged(u64),
}

impl Writes {
    /// For a stream that begins after `position`.
    pub(super) fn new(keeper: Keeper, position: u64) -> Self {
        Self {
            keeper,
            wanted: position,
            kept: position,
            asked: position,
            told: position,
            renewal_due: false,
            under_way: None,
        }
    }

    /// The client has dealt with everything up to `asked`; `keep` may be kept.
    pub(super) fn acknowledge(&mut self, asked: u64, keep: u64) {
        self.asked = self.asked.max(asked);
        self.keep(keep);
    }

    /// Everything up to here is dealt with, without a word of the client's.
    pub(super) fn keep(&mut self, position: u64) {
        self.wanted = self.wanted.max(position);
    }

    /// The lease is to be renewed.
    pub(super) fn renew(&mut self) {
        self.renewal_due = true;
    }

    /// Whether something is kept that the client waits to hear.
    pub(super) fn has_news(&self) -> bool {
        self.asked > self.told && self.kept > self.told
    }

    /// What is kept; the client knows it now.
    pub(super) fn tell(&mut self) -> u64 {
        self.told = self.kept;
        self.kept
    }

    /// Begins the next write if there is one to do and none is under way.
    pub(super) fn begin(&mut self) {
        if self.under_way.is_some() {
            return;
        }
        let keeper = self.keeper.clone();
        if self.renewal_due {
            self.renewal_due = false;
            self.under_way = Some(keeper.renew().map(|done| done.map(|()| Written::Renewed)).boxed());
        } else if self.wanted > self.kept {
            let position = self.wanted;
            let write = keeper.acknowledge(position);
            self.under_way =
                Some(write.map(move |done| done.map(|()| Written::Acknowledged(position))).boxed());
        }
    }

    /// Whether a write is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    /// Waits for the end of the write under way; for ever if there is none. Dropping the future loses nothing.
    pub(super) async fn end(&mut self) -> Result<(), StoreError> {
        let Some(write) = self.under_way.as_mut() else { return std::future::pending().await };
        let written = write.await;
        self.under_way = None;
        if let Written::Acknowledged(position) = written? {
            self.kept = position;
        }
        Ok(())
    }

    /// The end of the stream: keeps what was acknowledged last, and gives the subscription back.
    pub(super) async fn finish(mut self) {
        if self.is_busy() {
            // What failed is tried again.
            let _ = self.end().await;
        }
        if self.wanted > self.kept {
            // Logged where it fails; the events are delivered again.
            let _ = self.keeper.acknowledge_last(self.wanted).await;
        }
        self.keeper.release().await;
    }
}
