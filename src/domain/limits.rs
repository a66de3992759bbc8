//! How large things may be. Configurable; these are the defaults.

use serde::{Deserialize, Serialize};

/// Limits on events and requests. Sizes are bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// One event as it is stored, personal data included.
    pub event_bytes: usize,
    /// One request message.
    pub request_bytes: usize,
    /// Events in one request.
    pub request_events: usize,
    /// One batch of events in an answer.
    pub batch_bytes: usize,
    /// `description`; longer is cut.
    pub description_bytes: usize,
    /// One old or new value of a change, and one text in `details`; longer is cut.
    pub value_bytes: usize,
    /// `outcome_reason` and `source.user_agent`; longer is cut.
    pub reason_bytes: usize,
    /// Targets of one event.
    pub targets: usize,
    /// Labels of one event.
    pub labels: usize,
    /// Changes of one event.
    pub changes: usize,
}

/// Names, and all strings that may be indexed.
pub const INDEXED_BYTES: usize = 512;
/// `custom_type` and its prefix rule.
pub const CUSTOM_TYPE_BYTES: usize = 128;
/// `source.host` (RFC 1035, section 2.3.4).
pub const HOST_BYTES: usize = 255;
/// Characters of `source.ip_address`.
pub const ADDRESS_CHARS: usize = 64;
/// One national id.
pub const NATIONAL_ID_BYTES: usize = 64;
/// Subjects of one event.
pub const SUBJECTS: usize = 32;
/// Levels of `details`.
pub const DETAILS_DEPTH: usize = 16;
/// Values of one filter, all fields together.
pub const FILTER_VALUES: usize = 1_000;

impl Default for Limits {
    fn default() -> Self {
        Self {
            event_bytes: 64 * 1024,
            request_bytes: 4 * 1024 * 1024,
            request_events: 1_000,
            batch_bytes: 1024 * 1024,
            description_bytes: 16 * 1024,
            value_bytes: 4 * 1024,
            reason_bytes: 1024,
            targets: 32,
            labels: 32,
            changes: 64,
        }
    }
}
