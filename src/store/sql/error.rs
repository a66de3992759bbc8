//! What drivers say, sorted into what a caller can do about it.

use std::error::Error;

use sea_orm::{DbErr, RuntimeErr};

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
    let unavailable = match &error {
        DbErr::ConnectionAcquire(_) => true,
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => passes(cause),
        DbErr::Conn(RuntimeErr::Internal(_)) => true,
        DbErr::Exec(RuntimeErr::Internal(_)) | DbErr::Query(RuntimeErr::Internal(_)) => false,
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
        | DbErr::MutexPoisonError => false,
        _ => false,
    };
    sorted(unavailable, Box::new(error))
}

/// Sorts an error of sqlx.
pub(super) fn sqlx_error(error: sqlx::Error) -> StoreError {
    sorted(passes(&error), Box::new(error))
}

/// Sorts an error of the first connection: what the operator must put right is said in plain words.
pub(super) fn connect_error(error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
    let words = if code.starts_with(sqlstate::AUTHORIZATION) {
        "the database refuses this user name or password; correct the database URL"
    } else if code == sqlstate::NO_DATABASE {
        "there is no such database on the server; create it or correct the database URL"
    } else if code == sqlstate::PRIVILEGE {
        "the database role lacks the right to do this; grant it, or use the role that owns the tables"
    } else {
        return match error {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => {
                StoreError::Unavailable(Box::new(error))
            }
            other => sqlx_error(other),
        };
    };
    StoreError::Incompatible(words.to_owned())
}

/// Whether an insert met a row with the same unique key.
pub(super) fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_)))
}

fn sorted(unavailable: bool, cause: Box<dyn Error + Send + Sync>) -> StoreError {
    if unavailable { StoreError::Unavailable(cause) } else { StoreError::Database(cause) }
}

/// Whether the same may well work a moment later.
fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        // What a driver makes of an answer that a lost connection cut short.
        sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(cause) => cause.code().is_some_and(|code| code_passes(&code)),
        _ => false,
    }
}

fn code_passes(code: &str) -> bool {
    // SQLSTATEs have five characters, SQLite's numbers at most four; their low byte is the primary code.
    if code.len() < 5 {
        let primary = code.parse::<u32>().ok().map(|code| code & 0xff);
        return primary.is_some_and(|c| [sqlite::BUSY, sqlite::LOCKED, sqlite::FULL].contains(&c));
    }
    let classes = [sqlstate::CONNECTION, sqlstate::ROLLBACK, sqlstate::RESOURCES, sqlstate::INTERVENTION];
    let codes = [sqlstate::READ_ONLY, sqlstate::IDLE_IN_TRANSACTION, sqlstate::LOCK_NOT_AVAILABLE];
    classes.iter().any(|class| code.starts_with(class)) || codes.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_what_does_not() {
        for code in ["08006", "40001", "40P01", "53300", "57P01", "57014", "55P03", "25006", "5", "517", "13"]
        {
            assert!(code_passes(code), "{code}");
        }
        for code in ["23505", "42P01", "22003", "1", "1555", "2067", "11", ""] {
            assert!(!code_passes(code), "{code}");
        }
    }

    #[test]
    fn a_pool_without_a_free_connection_is_unavailable() {
        let error = DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout);
        assert!(matches!(db_error(error), StoreError::Unavailable(_)));
        assert!(matches!(db_error(DbErr::RecordNotUpdated), StoreError::Database(_)));
    }
}
