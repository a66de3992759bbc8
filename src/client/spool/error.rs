//! What can be wrong with a spool. No event is quoted.

use std::{io, path::PathBuf};

/// Why a spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process has it.
    #[error(
        "the spool {} is in use by another process; stop that one or name another file",
        path.display()
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be created or opened.
    #[error(
        "the spool {} cannot be opened: {source}; the folder must be there and be writable for this user",
        path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is an SQLite file, but no spool, or one of a later version.
    #[error("{} is not a spool of this version of vidne; name another file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error("the spool {} failed: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// There is no room left.
    #[error(
        "the spool {} is full: its limit is {max_bytes} bytes, and {waiting} events wait in it ({refused} more were \
         refused); bring the server back, or raise the limit",
        path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// Its limit.
        max_bytes: u64,
        /// Events that wait.
        waiting: u64,
        /// Events that were refused and are kept.
        refused: u64,
    },
}
