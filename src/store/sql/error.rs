//! What drivers say, sorted into what a caller can do about it.

use std::error::Error;

use sea_orm::{DbErr, RuntimeErr};
use sqlx::mysql::MySqlDatabaseError;

use super::mysql;
use crate::store::StoreError;

/// SQLSTATE classes and codes (PostgreSQL, appendix A) that pass by themselves.
mod sqlstate {
    /// Class: connection exception.
    pub(super) const CONNECTION: &str = "08";
    /// Class: transaction rollback (serialisation failure, deadlock).
    pub(super) const ROLLBACK: &str = "40";
    /// Class: insufficient resources (memory, disk, connections).
    pub(super) const RESOURCES: &str = "53";
    /// Class: operator intervention (shutdown, starting up, time-out of a statement).
    pub(super) const INTERVENTION: &str = "57";
    /// The server became a standby.
    pub(super) const READ_ONLY: &str = "25006";
    /// The session was idle in a transaction for too long.
    pub(super) const IDLE_IN_TRANSACTION: &str = "25P03";
    /// A lock could not be had in time.
    pub(super) const LOCK_NOT_AVAILABLE: &str = "55P03";
    /// Class: wrong user name or password, or no entry in `pg_hba.conf`.
    pub(super) const AUTHORIZATION: &str = "28";
    /// There is no such database.
    pub(super) const NO_DATABASE: &str = "3D000";
    /// The role lacks a right.
    pub(super) const PRIVILEGE: &str = "42501";
}

/// Primary result codes of SQLite that pass by themselves.
mod sqlite {
    /// Another connection holds the lock.
    pub(super) const BUSY: u32 = 5;
    /// Another statement of the same connection holds the lock.
    pub(super) const LOCKED: u32 = 6;
    /// The disk is full.
    pub(super) const FULL: u32 = 13;
}

/// Sorts an error of SeaORM.
pub(super) fn db_error(error: DbErr) -> StoreError {
    let verdict = match &error {
        DbErr::ConnectionAcquire(_) => Verdict::Passes,
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => verdict(cause),
        DbErr::Conn(RuntimeErr::Internal(_)) => Verdict::Passes,
        DbErr::Exec(RuntimeErr::Internal(_)) | DbErr::Query(RuntimeErr::Internal(_)) => Verdict::Stays,
        DbErr::TryIntoErr { .. }
        | DbErr::ConvertFromU64(_)
        | DbErr::UnpackInsertId
        | DbErr::UpdateGetPrimaryKey
        | DbErr::RecordNotFound(_)
        | DbErr::AttrNotSet(_)
        | DbErr::Custom(_)
        | DbErr::Type(_)
        | DbErr::Json(_)
        | DbErr::Migration(_)
        | DbErr::RecordNotInserted
        | DbErr::RecordNotUpdated
        | DbErr::BackendNotSupported { .. }
        | DbErr::KeyArityMismatch { .. }
        | DbErr::PrimaryKeyNotSet { .. }
        | DbErr::RbacError(_)
        | DbErr::AccessDenied { .. }
        | DbErr::MutexPoisonError => Verdict::Stays,
        _ => Verdict::Stays,
    };
    sorted(verdict, Box::new(error))
}

/// Sorts an error of sqlx.
pub(super) fn sqlx_error(error: sqlx::Error) -> StoreError {
    sorted(verdict(&error), Box::new(error))
}

/// Sorts an error of the first connection: what the operator must put right is said in plain words.
pub(super) fn connect_error(error: sqlx::Error) -> StoreError {
    operators_words(&error).unwrap_or_else(|| sqlx_error(error))
}

/// Sorts an error of a migration: what the operator must put right is said in plain words.
pub(super) fn migrate_error(error: DbErr) -> StoreError {
    let words = match &error {
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => operators_words(cause),
        _ => None,
    };
    words.unwrap_or_else(|| db_error(error))
}

fn operators_words(error: &sqlx::Error) -> Option<StoreError> {
    let error = error.as_database_error()?;
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return mysql::words(error).map(|words| StoreError::Incompatible(words.to_owned()));
    }
    let code = error.code()?;
    let words = if code.starts_with(sqlstate::AUTHORIZATION) {
        "the database refuses this user name or password; correct the database URL"
    } else if code == sqlstate::NO_DATABASE {
        "there is no such database on the server; create it or correct the database URL"
    } else if code == sqlstate::PRIVILEGE {
        "the database role lacks the right to do this; grant it, or use the role that owns the database"
    } else {
        return None;
    };
    Some(StoreError::Incompatible(words.to_owned()))
}

/// Whether an insert met a row with the same unique key.
pub(super) fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_)))
}

fn sorted(verdict: Verdict, cause: Box<dyn Error + Send + Sync>) -> StoreError {
    match verdict {
        Verdict::Passes => StoreError::Unavailable(cause),
        Verdict::Busy => StoreError::Busy(cause),
        Verdict::Stays => StoreError::Database(cause),
    }
}

/// What a caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same may well work a moment later.
    Passes,
    /// The same works when somebody else lets go of a row.
    Busy,
    /// The same fails again.
    Stays,
}

fn verdict(error: &sqlx::Error) -> Verdict {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Verdict::Passes,
        // What a driver makes of an answer that a lost connection cut short.
        sqlx::Error::Protocol(_) => Verdict::Passes,
        sqlx::Error::Database(cause) if cause.try_downcast_ref::<MySqlDatabaseError>().is_some() => {
            cause.try_downcast_ref().map_or(Verdict::Stays, mysql::verdict)
        }
        sqlx::Error::Database(cause) => cause.code().map_or(Verdict::Stays, |code| code_verdict(&code)),
        _ => Verdict::Stays,
    }
}

fn code_verdict(code: &str) -> Verdict {
    // SQLSTATEs have five characters, SQLite's numbers at most four; their low byte is the primary code.
    if code.len() < 5 {
        return match code.parse::<u32>().ok().map(|code| code & 0xff) {
            Some(sqlite::BUSY | sqlite::LOCKED) => Verdict::Busy,
            Some(sqlite::FULL) => Verdict::Passes,
            _ => Verdict::Stays,
        };
    }
    let classes = [sqlstate::CONNECTION, sqlstate::ROLLBACK, sqlstate::RESOURCES, sqlstate::INTERVENTION];
    let codes = [sqlstate::READ_ONLY, sqlstate::IDLE_IN_TRANSACTION];
    if code == sqlstate::LOCK_NOT_AVAILABLE {
        Verdict::Busy
    } else if classes.iter().any(|class| code.starts_with(class)) || codes.contains(&code) {
        Verdict::Passes
    } else {
        Verdict::Stays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_what_does_not() {
        for code in ["08006", "40001", "40P01", "53300", "57P01", "57014", "25006", "13"] {
            assert_eq!(code_verdict(code), Verdict::Passes, "{code}");
        }
        for code in ["55P03", "5", "517", "6"] {
            assert_eq!(code_verdict(code), Verdict::Busy, "{code}");
        }
        for code in ["23505", "42P01", "22003", "1", "1555", "2067", "11", ""] {
            assert_eq!(code_verdict(code), Verdict::Stays, "{code}");
        }
    }

    #[test]
    fn a_pool_without_a_free_connection_is_unavailable() {
        let error = DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout);
        assert!(matches!(db_error(error), StoreError::Unavailable(_)));
        assert!(matches!(db_error(DbErr::RecordNotUpdated), StoreError::Database(_)));
    }
}
