//! A transaction on PostgreSQL that begins with a statement of ours in the same round trip.

use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, pool::PoolConnection, postgres::PgRow};

use super::error::sqlx_error;
use crate::store::StoreError;

/// Rolled back when dropped, by closing the connection: whatever state it is in, it holds no locks for longer.
pub(super) struct PostgresTransaction {
    /// `None` once it is over.
    connection: Option<PoolConnection<Postgres>>,
}

impl PostgresTransaction {
    /// Begins with these statements, in one round trip; gives the rows of the last one.
    pub(super) async fn begin(pool: &PgPool, statements: &str) -> Result<(Self, Vec<PgRow>), StoreError> {
        let connection = pool.acquire().await.map_err(sqlx_error)?;
        let mut transaction = Self { connection: Some(connection) };
        let sql = format!("BEGIN ISOLATION LEVEL READ COMMITTED; {statements}");
        // Safe: no text from outside is ever in it.
        let begun = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(transaction.connection()?).await;
        match begun {
            Ok(rows) => Ok((transaction, rows)),
            Err(error) => {
                // A head that others hold is no reason to lose the connection.
                if error.as_database_error().is_some() {
                    transaction.end("ROLLBACK").await.ok();
                }
                Err(sqlx_error(error))
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

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}
