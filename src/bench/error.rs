//! What a measurement can fail with.

use std::{io, path::PathBuf, time::Duration};

use crate::{export::format::RenderError, store::StoreError};

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A file, folder or process of the measurement.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was tried.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The server that was started did not begin to serve.
    #[error("vidne did not begin to serve; it said: {0}")]
    NotServing(String),
    /// The server cannot be reached.
    #[error("cannot reach {endpoint}")]
    Unreachable {
        /// The server.
        endpoint: String,
        /// Why.
        source: tonic::transport::Error,
    },
    /// A call failed.
    #[error("{case}: the server answered {status}")]
    Call {
        /// Which case.
        case: String,
        /// Its answer.
        status: Box<tonic::Status>,
    },
    /// An event was answered otherwise than RECORDED.
    #[error("{case}: an event was not recorded: {answer}")]
    NotRecorded {
        /// Which case.
        case: String,
        /// What was answered instead.
        answer: String,
    },
    /// A case did not come to its end.
    #[error("{case} did not end within {within:?}")]
    Silent {
        /// Which case.
        case: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// The database, asked without vidne.
    #[error("the database refused to {doing}")]
    Database {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: sqlx::Error,
    },
    /// The database could not be migrated.
    #[error("cannot migrate the database for the limits")]
    Migrate(#[source] StoreError),
    /// The URL is none of PostgreSQL.
    #[error("--database-url is no postgres://user:password@host:5432/name")]
    Url,
    /// `psql` failed.
    #[error("psql failed: {0}")]
    Psql(String),
    /// There is nothing to measure the limits with.
    #[error("no event was recorded in {0}: give it more --seconds")]
    NoRows(PathBuf),
    /// The throw-away database is still there.
    #[error("the throw-away database {name} is still there: drop it by hand")]
    NotDropped {
        /// Its name.
        name: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The SSH server that was started did not begin to listen.
    #[error("sshd did not begin to listen; it said: {0}")]
    NoSshd(String),
    /// The log that was written cannot be read.
    #[error("cannot read what vidne wrote")]
    Store(#[source] StoreError),
    /// An event could not be rendered.
    #[error(transparent)]
    Render(RenderError),
    /// A job's settings.
    #[error("a job cannot have these settings: {0}")]
    Settings(String),
    /// A signal asked to stop.
    #[error("stopped before it was finished")]
    Stopped,
}

/// Says what was tried.
pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> BenchError {
    let doing = doing.into();
    move |source| BenchError::Io { doing, source }
}

/// Says what was tried.
pub(super) fn database(doing: &'static str) -> impl FnOnce(sqlx::Error) -> BenchError {
    move |source| BenchError::Database { doing, source }
}
