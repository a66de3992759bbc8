//! Why an event has no receipt.

use std::sync::Arc;

use crate::client::{error::ClientError, spool::SpoolError};

/// Why an event was neither answered nor spooled.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The server refuses this event, for good; nothing of it is stored.
    #[error(transparent)]
    Refused(ClientError),
    /// The server could not be reached, or does not serve this client. Shared by all events it happened to. Unless the
    /// server said so at once, the event may or may not be recorded: send it again with the same id.
    #[error("{0}")]
    Away(Arc<ClientError>),
    /// Memory is full ([`super::Policy::Fail`]); the event was not taken.
    #[error(
        "{events} events ({bytes} bytes) at most may wait for the server, and as many do; hand this one over again \
         later, or raise the recorder's max_events and max_bytes"
    )]
    Full {
        /// The limit in events.
        events: usize,
        /// The limit in bytes.
        bytes: usize,
    },
    /// The spool failed. The event may have been sent: hand it over again with the same id.
    #[error(transparent)]
    Spool(#[from] Arc<SpoolError>),
    /// The recorder was closed or dropped before the answer came: the event may or may not be recorded.
    #[error("the recorder is closed; an event without an answer may or may not be recorded")]
    Closed,
}

impl RecorderError {
    /// What the client says, if it is about that.
    pub fn client(&self) -> Option<&ClientError> {
        match self {
            Self::Refused(error) => Some(error),
            Self::Away(error) => Some(error),
            Self::Full { .. } | Self::Spool(_) | Self::Closed => None,
        }
    }

    /// Whether the event itself is wrong, so that the same again would be refused again.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(error) if !error.is_transient())
    }
}
