//! Appends to one log in few trips to the driver's thread, if the log is as this server left it and all events are
//! new. Whatever is not as expected leaves nothing behind, and the way of `sqlite_append` finds out what it is.

use sqlx::{Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection};

use super::{
    compare::{Compared, if_as_left},
    convert::signed,
    error::sqlx_error,
    log::Log,
    sqlite_append::insert,
};
use crate::{
    domain::{id::TenantId, time::Timestamp},
    store::{StoreError, contract::NewEvent},
};

/// One trip. Gives a row if the head was where it is expected. IMMEDIATE: a transaction that begins as a reader fails
/// when it turns into a writer.
const BEGIN: &str = "\
    BEGIN IMMEDIATE; \
    UPDATE heads SET last_sequence = ?, last_recorded = ? \
    WHERE tenant_key = ? AND last_sequence = ? AND last_recorded = ? RETURNING 1";

/// Tries it. All `events` are of `tenant`.
pub(super) async fn compare_and_append(
    pool: &SqlitePool,
    tenant: &TenantId,
    log: Log,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<Compared, StoreError> {
    let Some((decision, head)) = if_as_left(tenant, &log, events, now) else {
        return Ok(Compared::Unexpected);
    };
    let mut transaction = SqliteTransaction(Some(pool.acquire().await.map_err(sqlx_error)?));
    let mine = sqlx::query(BEGIN)
        .bind(signed(head.sequence))
        .bind(head.recorded.micros())
        .bind(log.key.get())
        .bind(signed(log.head.sequence))
        .bind(log.head.recorded.micros())
        .fetch_all(transaction.connection()?)
        .await
        .map_err(sqlx_error)?;
    if mine.is_empty() {
        transaction.roll_back().await?;
        return Ok(Compared::Unexpected);
    }
    match insert(transaction.connection()?, decision.rows, "; COMMIT").await {
        Ok(()) => {
            transaction.release();
            Ok(Compared::Appended(decision.outcomes, Log { head, ..log }))
        }
        Err(error) if error.as_database_error().is_some_and(|cause| cause.is_unique_violation()) => {
            transaction.roll_back().await?;
            Ok(Compared::Unexpected)
        }
        Err(error) => Err(sqlx_error(error)),
    }
}

/// Rolled back when dropped, by closing the connection, which the pool replaces.
struct SqliteTransaction(Option<PoolConnection<Sqlite>>);

impl SqliteTransaction {
    fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        match &mut self.0 {
            Some(connection) => Ok(connection),
            None => Err(StoreError::Database("the transaction is over".into())),
        }
    }

    async fn roll_back(mut self) -> Result<(), StoreError> {
        sqlx::raw_sql("ROLLBACK").execute(self.connection()?).await.map_err(sqlx_error)?;
        self.release();
        Ok(())
    }

    /// The connection goes back to the pool.
    fn release(mut self) {
        drop(self.0.take());
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}
