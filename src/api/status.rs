//! The one place where an error becomes an answer: gRPC code, google.rpc.ErrorInfo, BadRequest, RetryInfo.

use std::{collections::HashMap, time::Duration};

use prost::Message;
use tonic::{Code, Status};
use tonic_types::pb;

use crate::{
    codec::proto::v1::ErrorReason,
    domain::{text::cut, violation::Violations},
    service::{
        ServiceError,
        error::{ExportError, StoreError},
    },
};

/// `google.rpc.ErrorInfo.domain`.
const DOMAIN: &str = "vidne";
/// All details of a status, encoded. They travel in headers, which clients bound.
pub const DETAILS_BYTES: usize = 4 * 1024;
/// Wrong fields that one answer names.
pub const VIOLATIONS: usize = 32;
/// A status message; it travels in the headers as well, percent-encoded.
const MESSAGE_BYTES: usize = 600;
/// The path and the description of a wrong field.
const FIELD_BYTES: usize = 200;
const DESCRIPTION_BYTES: usize = 300;

/// The answer to an error. Internal causes are logged here, once, and not sent.
pub fn status(error: ServiceError) -> Status {
    encode(answer(&error))
}

impl From<ServiceError> for Status {
    fn from(error: ServiceError) -> Self {
        status(error)
    }
}

/// The answer to a wrong request.
pub fn invalid(violations: Violations) -> Status {
    status(ServiceError::Invalid(violations))
}

/// The same as [`status`] for one event of a batch, its details within `limit` bytes.
pub fn result(error: ServiceError, limit: usize) -> tonic_types::Status {
    message(answer(&error), limit.min(DETAILS_BYTES))
}

/// The answer to a failure that no use case knows of: `reason` decides the code.
pub fn plain(code: Code, reason: ErrorReason, text: impl Into<String>) -> Answer {
    Answer { code, reason, message: text.into(), metadata: HashMap::new(), violations: None, retry: None }
}

/// What is answered, before it is encoded.
pub struct Answer {
    code: Code,
    reason: ErrorReason,
    message: String,
    metadata: HashMap<String, String>,
    violations: Option<Violations>,
    retry: Option<Duration>,
}

impl Answer {
    /// With a value that programs can read.
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// To be tried again after this time.
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry = Some(delay);
        self
    }
}

fn answer(error: &ServiceError) -> Answer {
    use ErrorReason as R;
    let say = |code, reason| plain(code, reason, error.to_string());
    match error {
        ServiceError::Invalid(violations) => {
            let mut answer = plain(Code::InvalidArgument, R::InvalidFields, summary(violations));
            answer.violations = Some(violations.clone());
            answer
        }
        ServiceError::EventTooLarge { actual: _, limit } => {
            say(Code::InvalidArgument, R::EventTooLarge).with("limit_bytes", limit)
        }
        ServiceError::TooManyEvents { actual: _, limit } => {
            say(Code::InvalidArgument, R::RequestTooLarge).with("limit_events", limit)
        }
        ServiceError::Token(_) => say(Code::InvalidArgument, R::InvalidResumeToken),
        ServiceError::EventIdReused => say(Code::AlreadyExists, R::EventIdReused),
        ServiceError::EventNotFound => say(Code::NotFound, R::EventNotFound),
        ServiceError::TenantProtected => say(Code::FailedPrecondition, R::TenantProtected),
        ServiceError::Export(cause) => from_export(cause),
        ServiceError::Store(cause) => from_store(cause),
        ServiceError::Decode(_) | ServiceError::Vault(_) => internal(error),
        ServiceError::Overloaded => {
            say(Code::ResourceExhausted, R::Overloaded).retry_after(Duration::from_millis(100))
        }
        ServiceError::StoreAway => {
            say(Code::Unavailable, R::DatabaseUnavailable).retry_after(Duration::from_secs(1))
        }
        ServiceError::StoreRefused | ServiceError::Panicked => say(Code::Internal, R::Internal),
        ServiceError::ConsumerStalled { limit: _ } => say(Code::Aborted, R::SubscriptionStalled),
        ServiceError::ShuttingDown => {
            say(Code::Unavailable, R::ShuttingDown).retry_after(Duration::from_secs(1))
        }
    }
}

fn from_store(error: &StoreError) -> Answer {
    use ErrorReason as R;
    let say = |code, reason| plain(code, reason, error.to_string());
    match error {
        StoreError::TenantNotFound => say(Code::NotFound, R::TenantNotFound),
        StoreError::TenantExists => say(Code::AlreadyExists, R::TenantExists),
        StoreError::TenantClosed => say(Code::FailedPrecondition, R::TenantClosed),
        StoreError::JobNotFound => say(Code::NotFound, R::ExportJobNotFound),
        StoreError::JobExists => say(Code::AlreadyExists, R::ExportJobExists),
        StoreError::JobDeclared => say(Code::FailedPrecondition, R::ExportJobDeclared),
        // Whoever has the lease now runs the job.
        StoreError::JobBusy | StoreError::LeaseLost => {
            say(Code::Aborted, R::ExportJobBusy).retry_after(Duration::from_secs(5))
        }
        StoreError::SubscriptionNotFound => say(Code::NotFound, R::SubscriptionNotFound),
        StoreError::SubscriptionExists => say(Code::AlreadyExists, R::SubscriptionExists),
        StoreError::SubscriptionBusy { left } => say(Code::Aborted, R::SubscriptionBusy).retry_after(*left),
        // Whoever holds it now will tell, in its own answer, for how long.
        StoreError::SubscriptionLost => {
            say(Code::Aborted, R::SubscriptionBusy).retry_after(Duration::from_secs(5))
        }
        StoreError::RevisionMismatch { current } => {
            say(Code::Aborted, R::RevisionMismatch).with("revision", current)
        }
        StoreError::Unavailable(_) | StoreError::Busy(_) => {
            tracing::error!(error = chain(error), "the database cannot be reached");
            plain(
                Code::Unavailable,
                R::DatabaseUnavailable,
                "the database cannot be reached; send the same again",
            )
            .retry_after(Duration::from_secs(1))
        }
        StoreError::Incompatible(_) | StoreError::Damaged(_) | StoreError::Database(_) => internal(error),
    }
}

fn from_export(error: &ExportError) -> Answer {
    use ErrorReason as R;
    let say = |code, reason| {
        tracing::warn!(error = chain(error), "a destination failed");
        plain(code, reason, error.to_string())
    };
    match error {
        ExportError::Render(_) | ExportError::Bug(_) => internal(error),
        ExportError::HostKey { .. } => say(Code::FailedPrecondition, R::HostKeyMismatch),
        ExportError::Login { .. } | ExportError::Destination { .. } => {
            say(Code::FailedPrecondition, R::DestinationFailed)
        }
        ExportError::Unavailable { .. } => {
            say(Code::Unavailable, R::DestinationUnavailable).retry_after(Duration::from_secs(30))
        }
    }
}

fn internal(error: &dyn std::error::Error) -> Answer {
    tracing::error!(error = chain(error), "a call failed inside");
    plain(Code::Internal, ErrorReason::Internal, "the server failed; its log has the cause")
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn summary(violations: &Violations) -> String {
    let mut all = violations.iter();
    let Some(first) = all.next() else { return "fields are wrong".to_owned() };
    let more = match all.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let first = format!("{}: {}", first.field, first.description);
    format!("{}{more}", shortened(&first, MESSAGE_BYTES - 32))
}

/// A status as gRPC carries it.
pub fn encode(answer: Answer) -> Status {
    let message = message(answer, DETAILS_BYTES);
    let details = message.encode_to_vec();
    Status::with_details(Code::from_i32(message.code), message.message, details.into())
}

fn message(answer: Answer, limit: usize) -> tonic_types::Status {
    let Answer { code, reason, message, metadata, violations, retry } = answer;
    let reason = reason.as_str_name().trim_start_matches("ERROR_REASON_").to_owned();
    let info = pb::ErrorInfo { reason, domain: DOMAIN.to_owned(), metadata };
    let mut details = vec![any("ErrorInfo", &info)];
    if let Some(delay) = retry {
        let seconds = i64::try_from(delay.as_secs()).unwrap_or(i64::MAX);
        let delay = prost_types::Duration { seconds, nanos: delay.subsec_nanos().cast_signed() };
        details.push(any("RetryInfo", &pb::RetryInfo { retry_delay: Some(delay) }));
    }
    let message = shortened(&message, MESSAGE_BYTES);
    let mut status = tonic_types::Status { code: code as i32, message, details };
    if let Some(violations) = violations {
        add_violations(&mut status, &violations, limit);
    }
    status
}

/// As many wrong fields as fit.
fn add_violations(status: &mut tonic_types::Status, violations: &Violations, limit: usize) {
    let room = limit.saturating_sub(status.encoded_len());
    let mut request = pb::BadRequest::default();
    for violation in violations.iter().take(VIOLATIONS) {
        request.field_violations.push(pb::bad_request::FieldViolation {
            field: shortened(&violation.field, FIELD_BYTES),
            description: shortened(&violation.description, DESCRIPTION_BYTES),
            ..Default::default()
        });
        // Tag and length of the detail itself are less than 8 bytes.
        if any("BadRequest", &request).encoded_len() + 8 > room {
            request.field_violations.pop();
            break;
        }
    }
    status.details.push(any("BadRequest", &request));
}

fn any(name: &str, message: &impl Message) -> prost_types::Any {
    prost_types::Any {
        type_url: format!("type.googleapis.com/google.rpc.{name}"),
        value: message.encode_to_vec(),
    }
}

fn shortened(text: &str, limit: usize) -> String {
    let mut text = text.to_owned();
    if cut(&mut text, limit - 3) {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use tonic_types::StatusExt;

    use super::*;

    fn reason(error: StoreError) -> (Code, String, Status) {
        let status = status(error.into());
        let details = status.get_error_details();
        (status.code(), details.error_info().unwrap().reason.clone(), status)
    }

    #[test]
    fn causes_inside_are_not_sent() {
        let cause = || Box::new(io::Error::other("password hunter2 of db.internal"));
        for error in [
            StoreError::Unavailable(cause()),
            StoreError::Database(cause()),
            StoreError::Damaged("row hunter2".to_owned()),
            StoreError::Incompatible("hunter2".to_owned()),
        ] {
            let (_, _, status) = reason(error);
            let sent = format!("{} {}", status.message(), String::from_utf8_lossy(status.details()));
            assert!(!sent.contains("hunter2") && !sent.contains("internal"), "{sent}");
        }
    }

    #[test]
    fn a_database_that_is_away_may_be_tried_again_and_a_broken_one_may_not() {
        let (code, name, status) = reason(StoreError::Unavailable(Box::new(io::Error::other("x"))));
        assert_eq!((code, name.as_str()), (Code::Unavailable, "DATABASE_UNAVAILABLE"));
        assert!(status.get_error_details().retry_info().is_some());
        let (code, name, status) = reason(StoreError::Damaged("x".to_owned()));
        assert_eq!((code, name.as_str()), (Code::Internal, "INTERNAL"));
        assert!(status.get_error_details().retry_info().is_none());
    }

    #[test]
    fn a_job_that_is_run_or_declared_and_a_destination_that_fails_have_reasons_of_their_own() {
        let (code, name, _) = reason(StoreError::JobBusy);
        assert_eq!((code, name.as_str()), (Code::Aborted, "EXPORT_JOB_BUSY"));
        let (code, name, _) = reason(StoreError::JobDeclared);
        assert_eq!((code, name.as_str()), (Code::FailedPrecondition, "EXPORT_JOB_DECLARED"));
        for (error, code, name) in [
            (ExportError::destination("x"), Code::FailedPrecondition, "DESTINATION_FAILED"),
            (ExportError::unavailable("x"), Code::Unavailable, "DESTINATION_UNAVAILABLE"),
        ] {
            let status = status(error.into());
            assert_eq!(status.code(), code);
            assert_eq!(status.get_error_details().error_info().unwrap().reason, name);
        }
    }

    #[test]
    fn every_result_of_a_batch_keeps_to_its_share_of_the_answer() {
        let mut violations = Violations::new();
        for i in 0..100 {
            violations.add(format!("events[0].labels[{i}]"), "x".repeat(200));
        }
        let result = result(violations.into(), 1_500);
        assert!(result.encoded_len() <= 1_500, "{}", result.encoded_len());
        assert_eq!(result.details.len(), 2);
    }
}
