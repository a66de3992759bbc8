//! What requests to a connected server end in.

use std::error::Error as StdError;
use std::time::Duration;

/// What a request to a connected server can end in.
#[derive(Debug, thiserror::Error)]
pub enum SftpError {
    /// The server refused it.
    #[error("server answered {status}: {message}")]
    Status {
        /// What kind of refusal.
        status: Status,
        /// The server's own words.
        message: String,
    },
    /// The server did not answer in time; the connection was thrown away.
    #[error("server did not answer within {} s", after.as_secs_f32())]
    TimedOut {
        /// The time-out.
        after: Duration,
    },
    /// The connection broke.
    #[error("connection lost: {reason}")]
    Lost {
        /// What was seen.
        reason: String,
    },
    /// The server acknowledged bytes that it has not kept.
    #[error("server acknowledged bytes before byte {before} that it has not kept")]
    Dropped {
        /// Where the write ends that was not kept whole.
        before: u64,
    },
    /// The request could not be written, or its answer not be understood.
    #[error("answer not understood")]
    Protocol(#[source] Box<dyn StdError + Send + Sync>),
}

/// The kinds of refusal of SFTP version 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Status {
    /// Code 2.
    #[error("no such file")]
    NoSuchFile,
    /// Code 3.
    #[error("permission denied")]
    PermissionDenied,
    /// Code 4, which servers use for "exists", "disk full" and much else.
    #[error("failure")]
    Failure,
    /// Code 8.
    #[error("not supported")]
    Unsupported,
    /// Any other code, 11 ("exists" of later versions) among them; the message begins with it.
    #[error("another failure")]
    Other,
}

impl SftpError {
    /// Whether trying again without changing anything can help. What the server was asked to do may have
    /// happened nevertheless.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Lost { .. })
    }

    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { status: Status::NoSuchFile, .. })
    }

    pub(super) fn is_unsupported(&self) -> bool {
        matches!(self, Self::Status { status: Status::Unsupported, .. })
    }

    /// Whether this may be how the server says "exists": code 4 on most, 11 on ProFTPD.
    pub(super) fn may_mean_exists(&self) -> bool {
        matches!(self, Self::Status { status: Status::Failure | Status::Other, .. })
    }
}
