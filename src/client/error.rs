//! What a call can end with.

use std::{error::Error as _, time::Duration};

use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The endpoint is not an address at all; nothing was tried.
    #[error("`{endpoint}` is not the address of a server; it should look like http://127.0.0.1:50051")]
    Endpoint {
        /// As it was given.
        endpoint: String,
        /// What is wrong with it.
        #[source]
        source: tonic::transport::Error,
    },
    /// There was no connection, or it broke before the answer came.
    #[error("no connection to the vidne server at {endpoint}: {}", cause(.status))]
    Connection {
        /// The server.
        endpoint: String,
        /// What the transport says.
        #[source]
        status: Status,
    },
    /// The server did not answer in time.
    #[error("the vidne server at {endpoint} did not answer within {after:?}")]
    Silent {
        /// The server.
        endpoint: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The server answered with an error.
    #[error("{}", .0.message())]
    Refused(Status),
    /// The answer is not what the contract says.
    #[error("the server does not keep to the contract: {0}")]
    Contract(&'static str),
}

/// One wrong field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Its path, such as `event.targets[2].id`.
    pub field: String,
    /// What is wrong with it and what would be right.
    pub description: String,
}

impl ClientError {
    /// Sorts a status by whether the server sent it: only what arises on this side has a cause.
    pub(super) fn from_status(endpoint: &str, status: Status) -> Self {
        if status.source().is_some() {
            Self::Connection { endpoint: endpoint.to_owned(), status }
        } else {
            Self::Refused(status)
        }
    }

    /// The error of one event of a batch.
    pub(super) fn from_result(status: tonic_types::Status) -> Self {
        let details = status.encode_to_vec();
        Self::Refused(Status::with_details(Code::from_i32(status.code), status.message, details.into()))
    }

    /// The same once more, for others that it happened to; without the cause of what has one.
    pub(super) fn copy(&self) -> Self {
        match self {
            Self::Connection { endpoint, status } => {
                Self::Connection { endpoint: endpoint.clone(), status: status.clone() }
            }
            Self::Silent { endpoint, after } => Self::Silent { endpoint: endpoint.clone(), after: *after },
            Self::Refused(status) => Self::Refused(status.clone()),
            Self::Contract(what) => Self::Contract(what),
            Self::Endpoint { .. } => Self::Contract("an endpoint that is none"),
        }
    }

    /// The server's status, if it sent one.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Refused(status) => Some(status),
            _ => None,
        }
    }

    /// The server's gRPC code, if it sent one.
    pub fn code(&self) -> Option<Code> {
        self.status().map(Status::code)
    }

    /// The reason, a name of `vidne.v1.ErrorReason` without its prefix, such as `TENANT_NOT_FOUND`.
    pub fn reason(&self) -> Option<String> {
        let info = self.status()?.get_details_error_info()?;
        (info.domain == "vidne").then_some(info.reason)
    }

    /// Every wrong field of the request.
    pub fn violations(&self) -> Vec<FieldViolation> {
        let request = self.status().and_then(|status| status.get_details_bad_request());
        let violations = request.map(|request| request.field_violations).unwrap_or_default();
        let convert =
            |v: tonic_types::FieldViolation| FieldViolation { field: v.field, description: v.description };
        violations.into_iter().map(convert).collect()
    }

    /// How long the server asks to wait before the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.status()?.get_details_retry_info()?.retry_delay
    }

    /// Whether sending the same again may help and, with the same event ids, can do no harm.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connection { .. } | Self::Silent { .. } => true,
            Self::Refused(status) => match status.code() {
                // Cancelled is how a server says that the time-out of the request passed.
                Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => true,
                Code::ResourceExhausted => self.retry_after().is_some(),
                _ => false,
            },
            Self::Endpoint { .. } | Self::Contract(_) => false,
        }
    }
}

/// The innermost cause, which says most: "Connection refused" rather than "transport error".
fn cause(status: &Status) -> String {
    let mut innermost: Option<&dyn std::error::Error> = status.source();
    while let Some(next) = innermost.and_then(|error| error.source()) {
        innermost = Some(next);
    }
    innermost.map_or_else(|| status.message().to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    fn refused(code: Code, details: ErrorDetails) -> ClientError {
        ClientError::from_status("http://here", Status::with_error_details(code, "no", details))
    }

    #[test]
    fn the_reason_violations_and_delay_are_read_from_the_details() {
        let mut details =
            ErrorDetails::with_error_info("INVALID_FIELDS", "vidne", std::collections::HashMap::new());
        details.add_bad_request_violation("event.type", "is required");
        details.set_retry_info(Some(Duration::from_millis(250)));
        let error = refused(Code::InvalidArgument, details);
        assert_eq!(error.reason().as_deref(), Some("INVALID_FIELDS"));
        assert_eq!(error.retry_after(), Some(Duration::from_millis(250)));
        let expected = FieldViolation { field: "event.type".into(), description: "is required".into() };
        assert_eq!(error.violations(), [expected]);
    }

    #[test]
    fn only_what_waiting_can_help_is_transient() {
        assert!(refused(Code::Unavailable, ErrorDetails::new()).is_transient());
        assert!(!refused(Code::ResourceExhausted, ErrorDetails::new()).is_transient());
        assert!(!refused(Code::AlreadyExists, ErrorDetails::new()).is_transient());
        let wait = ErrorDetails::with_retry_info(Some(Duration::from_secs(1)));
        assert!(refused(Code::ResourceExhausted, wait).is_transient());
    }

    #[test]
    fn the_error_of_one_event_keeps_its_details() {
        let details =
            ErrorDetails::with_error_info("EVENT_ID_REUSED", "vidne", std::collections::HashMap::new());
        let whole = Status::with_error_details(Code::AlreadyExists, "no", details);
        let encoded = tonic_types::Status::decode(whole.details()).unwrap();
        let error = ClientError::from_result(encoded);
        assert_eq!(error.code(), Some(Code::AlreadyExists));
        assert_eq!(error.reason().as_deref(), Some("EVENT_ID_REUSED"));
    }
}
