//! What a book is made of.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::time::Instant;

use crate::client::backoff::Backoff;

/// An event and where it came from.
#[derive(Debug)]
pub(in crate::client::recorder) struct Item<F> {
    /// Its place among all events.
    pub(in crate::client::recorder) place: u64,
    pub(in crate::client::recorder) tenant: String,
    pub(in crate::client::recorder) event: Bytes,
    pub(in crate::client::recorder) from: F,
}

/// What a request may hold.
#[derive(Clone, Copy, Debug)]
pub(in crate::client::recorder) struct RequestLimits {
    pub(in crate::client::recorder) events: usize,
    pub(in crate::client::recorder) bytes: usize,
}

#[derive(Debug)]
pub(super) struct Lane<F> {
    pub(super) waiting: VecDeque<Item<F>>,
    pub(super) under_way: usize,
    /// Stands in `ready`.
    pub(super) ready: bool,
    pub(super) backoff: Backoff,
    pub(super) not_before: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Flight<F> {
    pub(super) items: Vec<Item<F>>,
    pub(super) sent: Instant,
}

impl<F> Lane<F> {
    /// Puts back what was under way: nearly always at the front.
    pub(super) fn return_to_place(&mut self, item: Item<F>) {
        let at = self.waiting.partition_point(|other| other.place < item.place);
        self.waiting.insert(at, item);
    }
}
