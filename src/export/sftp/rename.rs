//! Renaming, with and without replacing.

use opendal::{Error, ErrorKind, Result};
use openssh_sftp_client_lowlevel::Extensions;

use super::folders;
use super::link::Server;
use super::sftp_error::SftpError;

/// Renames; what is at `to` stays if `if_not_exists`, and is replaced otherwise.
///
/// A rename whose answer got lost is not tried again: it may have happened, and only who asked for it can
/// tell by looking. Such errors are permanent, unlike a failure to connect.
pub(super) async fn rename(server: &Server, from: &str, to: &str, if_not_exists: bool) -> Result<()> {
    match attempt(server, from, to, if_not_exists).await {
        Err(error) if error.kind() == ErrorKind::NotFound && server.session.exists(from).await? => {
            folders::make_parents(server, to).await?;
            attempt(server, from, to, if_not_exists).await
        }
        done => done,
    }
}

async fn attempt(server: &Server, from: &str, to: &str, if_not_exists: bool) -> Result<()> {
    if if_not_exists {
        // Some servers replace silently on a plain rename, so look before.
        if server.session.exists(to).await? {
            return Err(exists(to, None));
        }
    } else if server.offers(Extensions::POSIX_RENAME) {
        return server.session.posix_rename(from, to).await.map_err(unknown_outcome);
    }
    match server.session.rename(from, to).await {
        Ok(()) => Ok(()),
        Err(error) if error.may_mean_exists() && server.session.exists(to).await? => {
            Err(exists(to, Some(error)))
        }
        Err(error) => Err(unknown_outcome(error)),
    }
}

/// Something is in the way, so the condition of the call is not met.
pub(super) fn exists(path: &str, cause: Option<SftpError>) -> Error {
    let error =
        Error::new(ErrorKind::ConditionNotMatch, format!("{path} exists already; it was not touched"));
    match cause {
        Some(cause) => error.set_source(cause),
        None => error,
    }
}

fn unknown_outcome(error: SftpError) -> Error {
    Error::from(error).set_permanent()
}
