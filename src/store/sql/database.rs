//! Where the data is, and how many connections to it there may be.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{domain::secret::Secret, store::StoreError};

/// The SQLite file in the data folder.
pub(super) const SQLITE_FILE: &str = "vidne.db";

/// Where the data is.
#[derive(Clone, Debug)]
pub enum Database {
    /// The file `vidne.db` in a folder of this server's own.
    Sqlite {
        /// The folder; it must exist.
        folder: PathBuf,
    },
    /// A PostgreSQL database.
    Postgres {
        /// `postgres://user:password@host:port/name`.
        url: Secret,
    },
}

impl Database {
    /// SQLite in this folder.
    pub fn sqlite(folder: &Path) -> Self {
        Self::Sqlite { folder: folder.to_owned() }
    }

    /// The database that a URL names. `Incompatible` if it is not one of PostgreSQL.
    pub fn from_url(url: &Secret) -> Result<Self, StoreError> {
        let text = url.expose();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres { url: url.clone() });
        }
        Err(StoreError::Incompatible(
            "the database URL does not begin with postgres://; write postgres://user:password@host:5432/name, or \
             leave it out to keep the events in the data folder"
                .to_owned(),
        ))
    }
}

/// How a server uses its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// Connections to PostgreSQL, two fifths of them for commits and the others for all the rest, at least one each;
    /// or readers of the SQLite file beside its one writer.
    pub max_connections: u32,
    /// How long a caller waits for a connection before it is told `Unavailable`.
    pub acquire_timeout: Duration,
    /// How long PostgreSQL works on one statement before it gives up.
    pub statement_timeout: Duration,
    /// How long a statement waits for a lock before it gives up.
    pub lock_timeout: Duration,
}

/// 10 connections; 5 s for a connection, 30 s for a statement, 5 s for a lock.
impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_postgresql_urls_are_taken_and_none_is_shown() {
        for good in ["postgres://u:hunter2@h/d", "postgresql://u:hunter2@h/d"] {
            let database = Database::from_url(&Secret::new(good)).unwrap();
            assert!(!format!("{database:?}").contains("hunter2"));
        }
        let refusal = Database::from_url(&Secret::new("mysql://u:hunter2@h/d")).unwrap_err();
        assert!(refusal.to_string().contains("postgres://") && !refusal.to_string().contains("hunter2"));
    }
}
