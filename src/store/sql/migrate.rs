//! Brings a database up to the version of this server.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use vidne_migrations::{Migrator, MigratorTrait};

use super::{
    check::{Found, look, migratable},
    connect::connect_once,
    database::{Database, PoolOptions},
    error::{db_error, migrate_error},
};
use crate::store::StoreError;

/// How long one that migrates waits for another one.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// "vidne" in ASCII: the advisory lock on PostgreSQL under which migrations run. On MySQL it is a named one.
const ADVISORY_LOCK: i64 = 0x76_69_64_6e_65;

/// Runs the migrations that the database has not had and says which. All of them run under a lock:
/// safe when two run at once (the second finds nothing left to do). On SQLite and PostgreSQL they are one
/// transaction, all or nothing; MariaDB and MySQL have none for tables: a migration that is interrupted there is
/// run again, and goes on where it stopped. Waits at most a minute for another one. `Incompatible` if the database holds other tables than vidne's, or if a newer vidne
/// says that this one is too old.
pub async fn migrate(database: &Database) -> Result<Vec<String>, StoreError> {
    let options =
        PoolOptions { lock_timeout: LOCK_TIMEOUT, statement_timeout: LOCK_TIMEOUT, ..PoolOptions::default() };
    let db = connect_once(database, &options).await?;
    let applied = migrate_locked(&db).await;
    db.close().await.map_err(db_error)?;
    applied
}

async fn migrate_locked(db: &DatabaseConnection) -> Result<Vec<String>, StoreError> {
    // On SQLite this takes the write lock of the file.
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    let transaction = db.begin_with_options(immediate).await.map_err(db_error)?;
    match transaction.get_database_backend() {
        DbBackend::Postgres => lock_postgres(&transaction).await?,
        DbBackend::MySql => lock_mysql(&transaction).await?,
        _ => {}
    }
    let found = look(&transaction).await?;
    migratable(&found)?;
    let missing = match found {
        Found::Ours { missing, .. } => missing,
        Found::Nothing | Found::Unfinished | Found::Foreign => vidne_migrations::names(),
    };
    // Also because the migrator refuses a database that has had migrations which it does not know.
    if missing.is_empty() {
        return Ok(missing);
    }
    Migrator::up(&transaction, None).await.map_err(migrate_error)?;
    transaction.commit().await.map_err(db_error)?;
    Ok(missing)
}

async fn lock_postgres(transaction: &DatabaseTransaction) -> Result<(), StoreError> {
    // Held until the transaction ends, however it ends.
    let lock = format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})");
    transaction.execute_unprepared(&lock).await.map_err(db_error)?;
    // A migration may work longer than it may wait.
    transaction.execute_unprepared("SET LOCAL statement_timeout = 0").await.map_err(db_error)?;
    Ok(())
}

/// The transaction ends with the first table that is made, but it keeps all on one connection, and the lock is the
/// connection's: it goes when that closes, however it closes.
async fn lock_mysql(transaction: &DatabaseTransaction) -> Result<(), StoreError> {
    // A migration may work longer than it may wait. Only MariaDB bounds it.
    let unbounded =
        "SET SESSION /*M! max_statement_time = 0, idle_transaction_timeout = 0, */ autocommit = 1";
    transaction.execute_unprepared(unbounded).await.map_err(db_error)?;
    // Names of locks belong to the whole server and have at most 64 characters.
    let lock =
        format!("SELECT GET_LOCK(CONCAT('vidne.', SHA1(DATABASE())), {}) AS taken", LOCK_TIMEOUT.as_secs());
    let row = transaction.query_one_raw(Statement::from_string(DbBackend::MySql, lock)).await;
    let taken: Option<i64> =
        row.map_err(db_error)?.map(|row| row.try_get("", "taken")).transpose().map_err(db_error)?.flatten();
    if taken != Some(1) {
        return Err(StoreError::Busy("another migration holds the lock of this database".into()));
    }
    Ok(())
}
