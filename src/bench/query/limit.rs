//! Asks the database without vidne, for the payloads alone.

use std::{path::Path, time::Instant};

use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _, SqliteConnection};

use super::{case::Case, report::Taken};
use crate::bench::{
    error::{BenchError, database},
    postgres::BenchDatabase,
    psql::Psql,
    sqlite,
};

/// A way past vidne.
pub(super) enum Limit {
    /// The driver that vidne uses.
    Sqlite(Box<SqliteConnection>),
    /// PostgreSQL's own client library, which throws away what it gets.
    Psql(Box<Psql>, PgConnection),
    /// The driver that vidne uses, if there is no `psql`.
    Postgres(PgConnection),
}

const KEY: &str = "SELECT tenant_key FROM tenants WHERE id = 'default'";

impl Limit {
    pub(super) async fn sqlite(folder: &Path) -> Result<Self, BenchError> {
        Ok(Self::Sqlite(Box::new(sqlite::open(folder).await?)))
    }

    pub(super) async fn postgres(database: &BenchDatabase) -> Result<Self, BenchError> {
        let connection = database.connect().await?;
        Ok(match Psql::find(database.url()).await {
            Some(psql) => Self::Psql(Box::new(psql), connection),
            None => Self::Postgres(connection),
        })
    }

    /// What it is, for people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "a prepared SELECT payload of the same rows",
            Self::Psql(..) => "COPY (SELECT payload ...) TO STDOUT of the same rows, by psql",
            Self::Postgres(_) => "COPY (SELECT payload ...) TO STDOUT of the same rows, by sqlx",
        }
    }

    /// Statistics as any database in use has them, and what loading left to be written is written.
    pub(super) async fn settle(&mut self) -> Result<(), BenchError> {
        match self {
            // vidne's own file is left as it is.
            Self::Sqlite(_) => Ok(()),
            Self::Psql(_, connection) | Self::Postgres(connection) => {
                // Not every user may ask for a checkpoint.
                let _ = sqlx::query("CHECKPOINT").execute(&mut *connection).await;
                let vacuumed = sqlx::query("VACUUM (ANALYZE) events").execute(connection).await;
                vacuumed.map(drop).map_err(database("vacuum"))
            }
        }
    }

    /// The number that stands for the tenant `default`.
    pub(super) async fn tenant_key(&mut self) -> Result<i32, BenchError> {
        let found = match self {
            Self::Sqlite(connection) => sqlx::query_as::<_, (i32,)>(KEY).fetch_one(&mut **connection).await,
            Self::Psql(_, connection) | Self::Postgres(connection) => {
                sqlx::query_as::<_, (i32,)>(KEY).fetch_one(connection).await
            }
        };
        found.map(|(key,)| key).map_err(database("name a tenant"))
    }

    /// Reads all that a case asks for. `psql` does not say how much that is.
    pub(super) async fn read(&mut self, case: &Case, tenant_key: i32) -> Result<Taken, BenchError> {
        let select = case.select(tenant_key);
        let refused = || database("read payloads");
        let mut taken = Taken::default();
        let begun = Instant::now();
        match self {
            Self::Sqlite(connection) => {
                // Safe: nothing in it comes from outside.
                let mut rows = sqlx::query(AssertSqlSafe(select)).fetch(&mut **connection);
                while let Some(row) = rows.try_next().await.map_err(refused())? {
                    let payload: &[u8] = row.try_get(0).map_err(refused())?;
                    taken.events += 1;
                    taken.bytes += payload.len() as u64;
                }
            }
            Self::Psql(psql, _) => {
                taken.whole = psql.copy_out(&select).await?;
                return Ok(taken);
            }
            Self::Postgres(connection) => {
                let copy = format!("COPY ({select}) TO STDOUT WITH (FORMAT BINARY)");
                let mut parts = connection.copy_out_raw(&copy).await.map_err(refused())?;
                while let Some(part) = parts.try_next().await.map_err(refused())? {
                    taken.bytes += part.len() as u64;
                }
            }
        }
        taken.whole = begun.elapsed();
        Ok(taken)
    }

    pub(super) async fn close(self) -> Result<(), BenchError> {
        let closed = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Psql(_, connection) | Self::Postgres(connection) => connection.close().await,
        };
        closed.map_err(database("close a connection"))
    }
}
