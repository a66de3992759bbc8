//! Brings a database up to the version of this server.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode,
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

/// "vidne" in ASCII: the advisory lock on PostgreSQL under which migrations run.
const ADVISORY_LOCK: i64 = 0x76_69_64_6e_65;

/// Runs the migrations that the database has not had and says which. All of them are one transaction under a
/// lock: safe when two run at once (the second finds nothing left to do), and all or nothing. Waits at most a
/// minute for another one. `Incompatible` if the database holds other tables than vidne's, or if a newer vidne
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
    if transaction.get_database_backend() == DbBackend::Postgres {
        lock_postgres(&transaction).await?;
    }
    let found = look(&transaction).await?;
    migratable(&found)?;
    let missing = match found {
        Found::Ours { missing, .. } => missing,
        Found::Nothing | Found::Foreign => vidne_migrations::names(),
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
