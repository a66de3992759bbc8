//! What one step of a scan has found so far.

use sea_orm::QueryResult;

use super::super::{convert, question::Columns};
use crate::{
    domain::query::Order,
    store::{
        StoreError,
        contract::{Payload, ScanPage, StoredEvent},
    },
};

/// What a scan gives.
pub(in crate::store::sql) trait Scanned: Sized {
    /// What is read for it.
    const COLUMNS: Columns;
    /// Reads a row of these columns.
    fn read(row: &QueryResult, with_personal: bool) -> Result<Self, StoreError>;
    /// Its place.
    fn sequence(&self) -> u64;
    /// Bytes of its payload.
    fn len(&self) -> usize;
}

impl Scanned for StoredEvent {
    const COLUMNS: Columns = Columns::All;

    fn read(row: &QueryResult, with_personal: bool) -> Result<Self, StoreError> {
        convert::stored_event(row, with_personal)
    }

    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn len(&self) -> usize {
        self.payload.len()
    }
}

impl Scanned for Payload {
    const COLUMNS: Columns = Columns::Payload;

    fn read(row: &QueryResult, with_personal: bool) -> Result<Self, StoreError> {
        convert::payload(row, with_personal)
    }

    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn len(&self) -> usize {
        self.payload.len()
    }
}

pub(super) struct Page<E> {
    pub(super) events: Vec<E>,
    pub(super) bytes: usize,
    last: u64,
}

impl<E: Scanned> Page<E> {
    pub(super) fn new(last: u64) -> Self {
        Self { events: Vec::new(), bytes: 0, last }
    }

    pub(super) fn add(&mut self, event: E) {
        self.bytes += event.len();
        self.events.push(event);
    }

    /// Where to go on; `None` if there is nothing left.
    pub(super) fn next(&self, order: Order, last: u64) -> Option<u64> {
        let newest = self.events.last()?.sequence();
        (newest != last).then(|| match order {
            Order::Ascending => newest.saturating_add(1),
            Order::Descending => newest.saturating_sub(1),
        })
    }

    /// All that there was.
    pub(super) fn whole(self) -> ScanPage<E> {
        ScanPage { events: self.events, scanned: self.last }
    }

    /// Up to the last event that is in it.
    pub(super) fn cut(self) -> ScanPage<E> {
        let scanned = self.events.last().map_or(self.last, E::sequence);
        ScanPage { events: self.events, scanned }
    }
}
