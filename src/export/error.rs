//! What can go wrong with an export.

use std::error::Error;

use crate::domain::export::{DestinationSecrets, Failure};

use super::{
    format::RenderError,
    host_key::HostKey,
    secrets::scrub,
    sftp::{ConnectError, SftpError, Status, connect_error, sftp_error},
};

type Cause = Box<dyn Error + Send + Sync>;

/// An export's refusal or failure. Messages hold no secrets and no event content.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The server's host key is not the pinned one, or none is pinned. No secret was sent.
    #[error("{message}")]
    HostKey {
        /// What was presented, what is trusted, and what to do.
        message: String,
        /// The key that the server presented.
        presented: HostKey,
        /// Keys are pinned, and this is none of them.
        pinned: bool,
    },
    /// The destination refused the login; says what to do.
    #[error("{message}")]
    Login {
        /// What was tried, what was said, and the way out.
        message: String,
        /// Why.
        #[source]
        source: Option<Cause>,
    },
    /// The destination refused or failed for good; says what to do.
    #[error("{message}")]
    Destination {
        /// What was tried, what went wrong, and the way out.
        message: String,
        /// Why.
        #[source]
        source: Option<Cause>,
    },
    /// The destination could not be reached or gave up; try again.
    #[error("{message}")]
    Unavailable {
        /// What was tried and what went wrong.
        message: String,
        /// Why.
        #[source]
        source: Option<Cause>,
    },
    /// An event could not be rendered: a bug.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A part of vidne itself failed, and no destination is to blame.
    #[error("{0} failed, which is a bug; the server's log has more, and nothing is lost")]
    Bug(&'static str),
}

impl ExportError {
    /// A failure that trying again does not heal.
    pub fn destination(message: impl Into<String>) -> Self {
        Self::Destination { message: message.into(), source: None }
    }

    /// A failure that may pass.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable { message: message.into(), source: None }
    }

    /// The same without the secrets, should a server have repeated one.
    pub fn scrubbed(mut self, secrets: &DestinationSecrets) -> Self {
        match &mut self {
            Self::HostKey { message, .. }
            | Self::Login { message, .. }
            | Self::Destination { message, .. }
            | Self::Unavailable { message, .. } => *message = scrub(message, secrets),
            Self::Render(_) | Self::Bug(_) => {}
        }
        self
    }

    /// A failure of the local file system while `doing` something.
    pub(super) fn io(doing: &str, error: std::io::Error) -> Self {
        let message = format!("{doing}: {}", plain(&error));
        let kind = lasting(is_lasting(&error));
        Self::of(kind, message, Box::new(error))
    }

    /// A failure of an OpenDAL service while `doing` something, in the words of its innermost cause.
    pub(super) fn opendal(doing: &str, error: opendal::Error) -> Self {
        if let Some(connect) = connect_error(&error) {
            let kind = kind_of(connect);
            let message = connect.to_string();
            return host_key(connect).unwrap_or_else(|| Self::of(kind, message, Box::new(error)));
        }
        let (is_lasting, said) = match (sftp_error(&error), io_error(&error)) {
            (Some(refused), _) => (is_refusal(refused), format!("{refused}{}", hint(refused))),
            (None, Some(failed)) => (is_lasting(failed), plain(failed)),
            (None, None) => (is_lasting_kind(error.kind()), said_by(&error)),
        };
        let message = format!("{doing}: {said}");
        Self::of(lasting(is_lasting), message, Box::new(error))
    }

    /// A server that could not be connected to.
    pub(super) fn from_connect(error: ConnectError) -> Self {
        let (kind, message) = (kind_of(&error), error.to_string());
        host_key(&error).unwrap_or_else(|| Self::of(kind, message, Box::new(error)))
    }

    /// What kind of trouble it is.
    pub fn failure(&self) -> Failure {
        match self {
            Self::HostKey { .. } => Failure::HostKey,
            Self::Login { .. } => Failure::Login,
            Self::Destination { .. } => Failure::Destination,
            Self::Unavailable { .. } => Failure::Unavailable,
            Self::Render(_) | Self::Bug(_) => Failure::Internal,
        }
    }

    /// Whether it came before the folder was looked at: while connecting, checking the host key or logging in.
    pub(super) fn is_before_the_folder(&self) -> bool {
        let source = match self {
            Self::HostKey { .. } | Self::Login { .. } => return true,
            Self::Destination { source, .. } | Self::Unavailable { source, .. } => source.as_ref(),
            Self::Render(_) | Self::Bug(_) => None,
        };
        let failed = source.and_then(|source| source.downcast_ref::<opendal::Error>());
        failed.is_some_and(|error| connect_error(error).is_some())
    }

    fn of(kind: Failure, message: String, source: Cause) -> Self {
        let source = Some(source);
        match kind {
            Failure::Login => Self::Login { message, source },
            Failure::Destination => Self::Destination { message, source },
            _ => Self::Unavailable { message, source },
        }
    }
}

fn lasting(is_lasting: bool) -> Failure {
    if is_lasting { Failure::Destination } else { Failure::Unavailable }
}

fn kind_of(error: &ConnectError) -> Failure {
    match error {
        ConnectError::Auth { .. } | ConnectError::Key(_) => Failure::Login,
        _ => lasting(!error.is_temporary()),
    }
}

fn host_key(error: &ConnectError) -> Option<ExportError> {
    let ConnectError::HostKey { presented, expected, .. } = error else { return None };
    let (message, pinned) = (error.to_string(), !expected.is_empty());
    Some(ExportError::HostKey { message, presented: presented.into(), pinned })
}

fn is_refusal(error: &SftpError) -> bool {
    match error {
        SftpError::Status { status, .. } => match status {
            Status::NoSuchFile | Status::PermissionDenied | Status::Unsupported => true,
            // A full disk and a passing trouble have no code of their own.
            Status::Failure | Status::Other => false,
        },
        SftpError::TimedOut { .. } | SftpError::Lost { .. } | SftpError::Dropped { .. } => false,
        SftpError::Protocol(_) => true,
    }
}

fn hint(error: &SftpError) -> &'static str {
    let status = match error {
        SftpError::Status { status, .. } => status,
        SftpError::Dropped { .. } => &Status::Failure,
        _ => return "",
    };
    match status {
        Status::NoSuchFile => "; check that the folder exists and its spelling",
        Status::PermissionDenied => "; the user needs the right to write, rename and delete in the folder",
        Status::Failure | Status::Other => "; its disk may be full or a quota reached",
        Status::Unsupported => "",
    }
}

fn is_lasting(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::NotFound
            | Kind::PermissionDenied
            | Kind::ReadOnlyFilesystem
            | Kind::NotADirectory
            | Kind::Unsupported
            | Kind::InvalidInput
    )
}

fn is_lasting_kind(kind: opendal::ErrorKind) -> bool {
    use opendal::ErrorKind as Kind;
    matches!(kind, Kind::NotFound | Kind::PermissionDenied | Kind::ConfigInvalid | Kind::Unsupported)
}

/// The operating system's words, without Rust's ` (os error 28)`.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}

fn io_error(error: &opendal::Error) -> Option<&std::io::Error> {
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The message of an OpenDAL error without its context, which repeats paths and addresses.
fn said_by(error: &opendal::Error) -> String {
    match error.message() {
        "" => error.kind().to_string(),
        message => message.to_owned(),
    }
}
