//! A transaction on PostgreSQL that begins with a statement of ours in the same round trip.

use sqlx::{
    AssertSqlSafe, PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgDatabaseError, PgRow, PgSeverity},
};

use super::error::sqlx_error;
use crate::store::StoreError;

/// Rolled back when dropped, by closing the connection: whatever state it is in, it holds no locks for longer.
pub(super) struct PostgresTransaction {
    /// `None` once it is over.
    connection: Option<PoolConnection<Postgres>>,
}

impl PostgresTransaction {
    /// Begins with these statements, in one round trip; gives the rows of the last one. A connection that turns
    /// out to be dead is replaced: nothing has been asked of it yet that could happen twice.
    pub(super) async fn begin(pool: &PgPool, statements: &str) -> Result<(Self, Vec<PgRow>), StoreError> {
        let sql = format!("BEGIN ISOLATION LEVEL READ COMMITTED; {statements}");
        let mut dead = 0;
        loop {
            let connection = pool.acquire().await.map_err(sqlx_error)?;
            let mut transaction = Self { connection: Some(connection) };
            // Safe: no text from outside is ever in it.
            let begun = sqlx::raw_sql(AssertSqlSafe(&*sql)).fetch_all(transaction.connection()?).await;
            match begun {
                Ok(rows) => return Ok((transaction, rows)),
                // A head that others hold is no reason to lose the connection.
                Err(error) if lives_on(&error) => {
                    transaction.end("ROLLBACK").await?;
                    return Err(sqlx_error(error));
                }
                // All idle ones and then a new one.
                Err(_) if dead <= pool.options().get_max_connections() => dead += 1,
                Err(error) => return Err(sqlx_error(error)),
            }
        }
    }

    /// For the statements in between.
    pub(super) fn connection(&mut self) -> Result<&mut PgConnection, StoreError> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            None => Err(StoreError::Database("the transaction is over".into())),
        }
    }

    /// Commits. After an error nobody knows what became of it.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.end("COMMIT").await
    }

    async fn end(&mut self, statement: &'static str) -> Result<(), StoreError> {
        sqlx::raw_sql(statement).execute(self.connection()?).await.map_err(sqlx_error)?;
        // Back to the pool.
        drop(self.connection.take());
        Ok(())
    }
}

/// Whether a connection can be used after this error.
pub(super) fn lives_on(error: &sqlx::Error) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    error.is_some_and(|error| !matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic))
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}
