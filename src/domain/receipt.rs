//! What vidne promises about one event.

use super::{
    id::{EventId, TenantId},
    time::Timestamp,
};

/// Where an event stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its place: 1, 2, 3, ...
    pub sequence: u64,
    /// When it was recorded.
    pub recorded: Timestamp,
    /// SHA-256(0x00 || stored payload).
    pub leaf_hash: [u8; 32],
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Committed and on disk.
    Recorded(Stamp),
    /// Recorded earlier, with the same content.
    Duplicate(Stamp),
    /// Its category is switched off: nothing is stored.
    NotRecorded,
}

/// The answer to one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its id.
    pub event_id: EventId,
    /// Its log.
    pub tenant: TenantId,
    /// What became of it.
    pub disposition: Disposition,
}
