//! What a query asks and what its stream says.

use super::{filter::EventFilter, id::TenantId};

/// By sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// Where a query begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At the first event, or at the head if descending.
    #[default]
    Beginning,
    /// After this position, or before it if descending.
    After(u64),
    /// At the head: what is recorded from now on.
    Now,
    /// Where this token says.
    Token(Vec<u8>),
}

/// A query of one tenant's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The log.
    pub tenant: TenantId,
    /// Which events.
    pub filter: EventFilter,
    /// In which order.
    pub order: Order,
    /// At most this many; 0: all.
    pub limit: u64,
    /// Go on with new events.
    pub follow: bool,
    /// Where to begin.
    pub start: Start,
    /// With national ids.
    pub show_personal: bool,
}

/// What one message of the stream says.
#[derive(Clone, Debug, PartialEq)]
pub enum Message<E> {
    /// Events in order, at least one.
    Batch(Vec<E>),
    /// Alive; everything up to `scanned` has been looked at.
    Progress {
        /// The newest event.
        head: u64,
        /// The position reached.
        scanned: u64,
    },
    /// Everything there was has been delivered; new events follow.
    CaughtUp {
        /// The newest event.
        head: u64,
    },
    /// Complete.
    End(EndReason),
}

/// Why a stream is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Everything up to the pinned head was delivered.
    Exhausted,
    /// The limit was reached.
    Limit,
    /// The tenant was closed: no event will ever follow.
    TenantClosed,
}
