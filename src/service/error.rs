//! What a use case can answer instead of a result. `api` makes a `tonic::Status` of it, in one place.

use crate::{codec::error::DecodeError, domain::violation::Violations, vault::VaultError};
// For `api`, which knows the use cases but neither store nor export.
pub use crate::{export::ExportError, store::StoreError};

/// A use case's refusal or failure.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Fields of the request are wrong.
    #[error("{0}")]
    Invalid(#[from] Violations),
    /// An event does not fit, even with its free texts cut.
    #[error("the event has {actual} bytes; at most {limit} fit")]
    EventTooLarge {
        /// Its size after cutting.
        actual: usize,
        /// The limit.
        limit: usize,
    },
    /// A request has too many events.
    #[error("the request has {actual} events; at most {limit} fit")]
    TooManyEvents {
        /// How many it has.
        actual: usize,
        /// The limit.
        limit: usize,
    },
    /// A resume or page token cannot be used; says why.
    #[error("{0}")]
    Token(&'static str),
    /// The event id belongs to an event with other content.
    #[error("the event id is used by an event with other content; give a new event its own id")]
    EventIdReused,
    /// There is no such event.
    #[error("there is no such event")]
    EventNotFound,
    /// `default` cannot be closed.
    #[error("the tenant `default` always exists and cannot be deleted")]
    TenantProtected,
    /// Export settings or destination refused or failed.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stored bytes do not decode.
    #[error("stored data is damaged")]
    Decode(#[from] DecodeError),
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The queues are full; the same again a moment later fits.
    #[error("too many events wait to be written; send the same again in a moment")]
    Overloaded,
    /// The database was away or busy when the event was to be written; the cause has been logged.
    #[error("the database cannot be reached at the moment; send the same again")]
    StoreAway,
    /// The database refuses the event; the cause has been logged.
    #[error("the database refuses the event; the server's log has the cause")]
    StoreRefused,
    /// A task of the server ended by a bug, which has been logged.
    #[error("the server failed; its log has the cause")]
    Panicked,
    /// A consumer kept its subscription and did nothing with it.
    #[error(
        "for {limit:?} the consumer has acknowledged none of the events that wait for it; the subscription was given \
         back, and they are delivered again"
    )]
    ConsumerStalled {
        /// How long it may.
        limit: std::time::Duration,
    },
    /// The server is going down; connect again.
    #[error("the server is shutting down; connect again")]
    ShuttingDown,
}
