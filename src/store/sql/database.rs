//! Where the data is, and how many connections to it there may be.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{domain::secret::Secret, store::StoreError};

/// The SQLite file in the data folder.
pub(super) const SQLITE_FILE: &str = "vidne.db";

/// What a database URL looks like, for messages.
const URL_SHAPES: &str = "postgres://user:password@host:5432/name or mysql://user:password@host:3306/name";

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
    /// A MariaDB or MySQL database.
    MySql {
        /// `mysql://user:password@host:port/name`; `mariadb://` is the same.
        url: Secret,
    },
}

impl Database {
    /// SQLite in this folder.
    pub fn sqlite(folder: &Path) -> Self {
        Self::Sqlite { folder: folder.to_owned() }
    }

    /// The database that a URL names. `Incompatible` if it is of no kind that is known here.
    pub fn from_url(url: &Secret) -> Result<Self, StoreError> {
        let text = url.expose();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres { url: url.clone() });
        }
        if text.starts_with("mysql://") || text.starts_with("mariadb://") {
            return Ok(Self::MySql { url: url.clone() });
        }
        Err(StoreError::Incompatible(format!(
            "the database URL does not begin with postgres:// or mysql://; write {URL_SHAPES}, or leave it out to keep \
             the events in the data folder"
        )))
    }
}

/// How a server uses its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// Connections to a database server (on PostgreSQL two fifths of them for commits and the others for all the rest,
    /// at least one each), or readers of the SQLite file beside its one writer.
    pub max_connections: u32,
    /// How long a caller waits for a connection before it is told `Unavailable`.
    pub acquire_timeout: Duration,
    /// How long a database server works on one statement before it gives up. MySQL (not MariaDB): reads only.
    pub statement_timeout: Duration,
    /// How long a statement waits for a lock before it gives up. MariaDB and MySQL: rounded up to whole seconds.
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
    fn urls_of_known_databases_are_taken_and_none_is_shown() {
        for good in ["postgres", "postgresql", "mysql", "mariadb"] {
            let good = format!("{good}://u:hunter2@h/d");
            let database = Database::from_url(&Secret::new(good)).unwrap();
            assert!(!format!("{database:?}").contains("hunter2"));
        }
        let refusal = Database::from_url(&Secret::new("oracle://u:hunter2@h/d")).unwrap_err();
        let words = refusal.to_string();
        assert!(words.contains("postgres://") && words.contains("mysql://") && !words.contains("hunter2"));
    }
}
