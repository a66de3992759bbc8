//! What can go wrong, and how it becomes an OpenDAL error.

use std::error::Error as StdError;
use std::time::Duration;

use opendal::{Error, ErrorKind};

use super::address::Address;
use super::host_key::HostKeyInfo;

/// Why there is no session with a server. No message holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server cannot be reached.
    #[error("cannot reach {address}: {reason}")]
    Unreachable {
        /// Where to.
        address: Address,
        /// What happened and what to look at.
        reason: UnreachableReason,
        /// The operating system's error, where there is one.
        #[source]
        cause: Option<std::io::Error>,
    },
    /// The server's host key is not one of the pinned ones. Nothing secret was sent.
    #[error("{}", host_key_message(address, presented, expected))]
    HostKey {
        /// Where to.
        address: Address,
        /// The key the server presented.
        presented: HostKeyInfo,
        /// The fingerprints that are trusted; empty when none is pinned yet.
        expected: Vec<String>,
    },
    /// The server refused the user.
    #[error("{address} refused user {user:?}: {reason} (the server offers: {})", list(offered))]
    Auth {
        /// Where to.
        address: Address,
        /// Who.
        user: String,
        /// What was tried and what to look at.
        reason: AuthReason,
        /// The ways to log in that the server still offers.
        offered: Vec<String>,
    },
    /// The server hung up while the user logged in.
    #[error(
        "{address} closed the connection while user {user:?} logged in: the user may be blocked, the address \
         not allowed, or too many logins open; the server's log says which"
    )]
    ClosedDuringAuth {
        /// Where to.
        address: Address,
        /// Who.
        user: String,
    },
    /// The login works, SFTP does not.
    #[error(
        "{address} let the user in but refuses SFTP: the server's administrator must allow the user SFTP"
    )]
    SubsystemRefused {
        /// Where to.
        address: Address,
    },
    /// The private key cannot be used.
    #[error("private key: {0}")]
    Key(#[from] KeyError),
    /// The peer speaks, but not as it should.
    #[error("{address} and vidne do not understand each other: {what}")]
    Protocol {
        /// Where to.
        address: Address,
        /// The step that failed.
        what: &'static str,
        /// The protocol's error.
        #[source]
        cause: Box<dyn StdError + Send + Sync>,
    },
}

/// Why a server cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreachableReason {
    /// The name is unknown.
    #[error("the host name is not known; check its spelling and the DNS")]
    NameUnknown,
    /// Nobody listens there.
    #[error("connection refused; check the port and that the server runs")]
    Refused,
    /// Another network error.
    #[error("no connection; check the address and the network in between")]
    Network,
    /// The server hung up before it presented its key.
    #[error("the server hung up at once; check that the port is SSH's and that this address is allowed")]
    HungUp,
    /// Time ran out.
    #[error("no answer within {} s while {doing}; check the address, firewalls and the server's load", after.as_secs_f32())]
    TimedOut {
        /// The time-out.
        after: Duration,
        /// What was being done.
        doing: &'static str,
    },
}

/// Why a server refused a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthReason {
    /// Neither password nor key is configured.
    #[error("no password and no private key are configured; give one")]
    NoCredentials,
    /// What is configured is not what the server takes. No secret was sent.
    #[error("the server does not take what is configured; configure what it offers")]
    NotOffered,
    /// The password was refused.
    #[error("the password was not accepted; check user name and password")]
    Password,
    /// The key was refused.
    #[error("the private key was not accepted; check that its public half is installed for the user")]
    PrivateKey,
    /// One proof was accepted, but another one is needed.
    #[error("the server wants more than what is configured; configure both password and private key")]
    MoreNeeded,
    /// The server asked a question that a password does not answer.
    #[error("the server asks questions other than for the password, which an unattended job cannot answer")]
    Question,
}

/// Why a private key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The key is encrypted, and there is no passphrase.
    #[error("it is encrypted; give its passphrase")]
    PassphraseMissing,
    /// The key cannot be decrypted.
    #[error("its passphrase is wrong")]
    PassphraseWrong,
    /// The text is no private key.
    #[error(
        "it cannot be read; give the whole file, from -----BEGIN to -----END, of an ed25519, RSA or ECDSA key"
    )]
    Unreadable,
}

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

impl ConnectError {
    /// Whether trying again without changing anything can help.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { reason, .. } => *reason != UnreachableReason::NameUnknown,
            Self::ClosedDuringAuth { .. } => true,
            Self::HostKey { .. } | Self::Auth { .. } | Self::SubsystemRefused { .. } | Self::Key(_) => false,
            Self::Protocol { .. } => false,
        }
    }
}

impl SftpError {
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
        let (kind, temporary) = match &error {
            SftpError::Status { status: Status::NoSuchFile, .. } => (ErrorKind::NotFound, false),
            SftpError::Status { status: Status::PermissionDenied, .. } => {
                (ErrorKind::PermissionDenied, false)
            }
            SftpError::Status { status: Status::Unsupported, .. } => (ErrorKind::Unsupported, false),
            SftpError::Status { .. } => (ErrorKind::Unexpected, false),
            SftpError::TimedOut { .. } | SftpError::Lost { .. } => (ErrorKind::Unexpected, true),
            SftpError::Protocol(_) => (ErrorKind::Unexpected, false),
        };
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

fn host_key_message(address: &Address, presented: &HostKeyInfo, expected: &[String]) -> String {
    if expected.is_empty() {
        format!(
            "{address} presented host key {presented}, and no host key is pinned: compare it with what the \
             server's administrator says, then pin it"
        )
    } else {
        format!(
            "{address} presented host key {presented}, but pinned is {}: do not go on before the server's \
             administrator confirms a new key; nothing secret was sent (a server with several keys is best \
             pinned by its known_hosts line)",
            expected.join(" or ")
        )
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
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
