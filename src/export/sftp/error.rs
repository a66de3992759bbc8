//! Our errors as OpenDAL's, and back.

use std::error::Error as StdError;

use opendal::{Error, ErrorKind};

use super::connect_error::ConnectError;
use super::sftp_error::{SftpError, Status};

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        let kind = match &error {
            ConnectError::HostKey { .. } | ConnectError::Auth { .. } => ErrorKind::PermissionDenied,
            ConnectError::SubsystemRefused { .. } => ErrorKind::PermissionDenied,
            ConnectError::Key(_) => ErrorKind::ConfigInvalid,
            _ => ErrorKind::Unexpected,
        };
        let temporary = error.is_temporary();
        Error::new(kind, error.to_string()).set_source(error).with_temporary(temporary)
    }
}

impl From<SftpError> for Error {
    fn from(error: SftpError) -> Self {
        let kind = match &error {
            SftpError::Status { status: Status::NoSuchFile, .. } => ErrorKind::NotFound,
            SftpError::Status { status: Status::PermissionDenied, .. } => ErrorKind::PermissionDenied,
            SftpError::Status { status: Status::Unsupported, .. } => ErrorKind::Unsupported,
            _ => ErrorKind::Unexpected,
        };
        let temporary = error.is_temporary();
        Error::new(kind, error.to_string()).set_source(error).with_temporary(temporary)
    }
}

/// The connection error inside an OpenDAL error, if that is what it is.
pub fn connect_error(error: &Error) -> Option<&ConnectError> {
    caused_by(error)
}

/// The server's refusal or the broken connection inside an OpenDAL error, if that is what it is.
pub fn sftp_error(error: &Error) -> Option<&SftpError> {
    caused_by(error)
}

/// Whether starting the whole job again later can help, because the server was away or went silent.
///
/// OpenDAL's own flags do not tell: they say whether one call may be repeated, and its retry layer marks
/// every error it gives up on in the same way.
pub fn is_transient(error: &Error) -> bool {
    connect_error(error).is_some_and(ConnectError::is_temporary)
        || sftp_error(error).is_some_and(SftpError::is_temporary)
}

fn caused_by<E: StdError + 'static>(error: &Error) -> Option<&E> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::connect_error::KeyError;
    use super::*;

    #[test]
    fn a_connect_error_is_found_through_layers_of_causes() {
        let inner: Error = ConnectError::Key(KeyError::PassphraseWrong).into();
        assert!(!inner.is_temporary());
        let outer = Error::new(ErrorKind::Unexpected, "publish").set_source(inner);
        assert!(matches!(connect_error(&outer), Some(ConnectError::Key(KeyError::PassphraseWrong))));
        assert!(sftp_error(&outer).is_none());
    }

    #[test]
    fn only_lost_connections_are_worth_a_retry() {
        let lost: Error = SftpError::Lost { reason: "gone".into() }.into();
        assert!(lost.is_temporary());
        let refused: Error = SftpError::Status { status: Status::Failure, message: "no".into() }.into();
        assert!(!refused.is_temporary());
    }
}
