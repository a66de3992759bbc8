//! What PostgreSQL can do without vidne, and a database for both.

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
    time::Instant,
};

use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

use super::{
    course::Budget,
    error::{BenchError, database, io},
    figures::{Figures, Tally},
    psql::Psql,
    rows::{COLUMNS, Row, bind_row},
};
use crate::domain::secret::Secret;

/// Rows of one COPY, which is one transaction.
const COPY_ROWS: i64 = 10_000;
/// At most so many files of them: some 140 MB.
const FILES: i64 = 20;
/// Rows for single inserts.
const SINGLE_ROWS: i64 = 50_000;

/// A database of this measurement's own.
pub(super) struct BenchDatabase {
    administrator: PgConnectOptions,
    name: String,
    url: Secret,
}

impl BenchDatabase {
    /// Makes one on the server that `url` names. To be dropped by [`BenchDatabase::remove`].
    pub(super) async fn create(url: &Secret) -> Result<Self, BenchError> {
        let name = format!("vidne_bench_{}", Uuid::new_v4().simple());
        let own = other_database(url.expose(), &name).ok_or(BenchError::Url)?;
        let administrator = PgConnectOptions::from_str(url.expose()).map_err(|_| BenchError::Url)?;
        execute(&administrator, format!("CREATE DATABASE {name}"))
            .await
            .map_err(database("make a throw-away database"))?;
        Ok(Self { administrator, name, url: Secret::new(own) })
    }

    /// Where it is.
    pub(super) fn url(&self) -> &Secret {
        &self.url
    }

    /// Drops it, whoever is still connected.
    pub(super) async fn remove(self) -> Result<(), BenchError> {
        let dropped = execute(&self.administrator, format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
        dropped.map_err(|source| BenchError::NotDropped { name: self.name, source })
    }

    /// A connection past vidne.
    pub(super) async fn connect(&self) -> Result<PgConnection, BenchError> {
        let options = PgConnectOptions::from_str(self.url.expose()).map_err(|_| BenchError::Url)?;
        PgConnection::connect_with(&options).await.map_err(database("let us connect"))
    }

    /// What is said beside the figures: the version, and the settings that decide.
    pub(super) async fn about(&self) -> Result<(String, String), BenchError> {
        let mut connection = self.connect().await?;
        let said = "SELECT version(), concat_ws(', ', \
             'fsync = ' || current_setting('fsync'), \
             'synchronous_commit = ' || current_setting('synchronous_commit'), \
             'full_page_writes = ' || current_setting('full_page_writes'), \
             'shared_buffers = ' || current_setting('shared_buffers'), \
             'max_wal_size = ' || current_setting('max_wal_size'), \
             'by ' || coalesce('TCP to ' || host(inet_server_addr()), 'Unix socket'))";
        let about = sqlx::query_as(said).fetch_one(&mut connection).await;
        let about = about.map_err(database("say its version"))?;
        connection.close().await.map_err(database("close a connection"))?;
        Ok(about)
    }

    /// The limits, with the rows that a vidne has written here; that vidne must have ended. They are gone afterwards.
    pub(super) async fn limits(
        &self,
        folder: &Path,
        budget: Budget,
    ) -> Result<(Figures, Figures), BenchError> {
        let mut connection = self.connect().await?;
        let files = self.copy_out(&mut connection, folder).await?;
        let rows = format!("SELECT {COLUMNS} FROM events ORDER BY tenant_key, sequence LIMIT {SINGLE_ROWS}");
        let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(rows))
            .fetch_all(&mut connection)
            .await
            .map_err(database("read what vidne wrote"))?;
        if rows.is_empty() {
            return Err(BenchError::NoRows(folder.to_owned()));
        }
        // Single inserts first: what COPY and its checkpoint leave to be written makes each fsync slower.
        let single = single(&mut connection, &rows, budget).await?;
        let copy = self.copy_in(&mut connection, &files, budget).await?;
        connection.close().await.map_err(database("close a connection"))?;
        Ok((copy, single))
    }

    /// Binary COPY files of what was written, with how many rows are in each.
    async fn copy_out(
        &self,
        connection: &mut PgConnection,
        folder: &Path,
    ) -> Result<Vec<(PathBuf, u64)>, BenchError> {
        let refused = || database("copy out what vidne wrote");
        let count: (i64,) = sqlx::query_as("SELECT count(*) FROM events")
            .fetch_one(&mut *connection)
            .await
            .map_err(refused())?;
        let mut files = Vec::new();
        for (number, offset) in (0..FILES).map(|n| (n, n * COPY_ROWS)).take_while(|(_, at)| *at < count.0) {
            let rows = format!(
                "COPY (SELECT {COLUMNS} FROM events ORDER BY tenant_key, sequence LIMIT {COPY_ROWS} OFFSET {offset}) \
                 TO STDOUT WITH (FORMAT BINARY)"
            );
            let mut bytes = Vec::new();
            let mut copy = connection.copy_out_raw(&rows).await.map_err(refused())?;
            while let Some(part) = copy.try_next().await.map_err(refused())? {
                bytes.extend_from_slice(&part);
            }
            drop(copy);
            let path = folder.join(format!("rows-{number}.copy"));
            fs::write(&path, bytes).map_err(io("write a COPY file"))?;
            files.push((path, u64::try_from(COPY_ROWS.min(count.0 - offset)).unwrap_or_default()));
        }
        Ok(files)
    }

    /// Copies the files into the emptied table, in rounds until the budget is spent.
    async fn copy_in(
        &self,
        connection: &mut PgConnection,
        files: &[(PathBuf, u64)],
        budget: Budget,
    ) -> Result<Figures, BenchError> {
        let psql = Psql::find(&self.url).await;
        // What is left to write of vidne's rows would be counted against the limit. Not every user may ask for it.
        let _ = sqlx::query("CHECKPOINT").execute(&mut *connection).await;
        let mut tally = Tally::default();
        while tally.events < budget.events && tally.total() < budget.time {
            empty(connection).await?;
            if let Some(psql) = &psql {
                let paths: Vec<_> = files.iter().map(|(path, _)| path.as_path()).collect();
                for (latency, (_, rows)) in psql.copy(&paths).await?.into_iter().zip(files) {
                    tally.add(*rows, latency);
                }
            } else {
                for (path, rows) in files {
                    let bytes = fs::read(path).map_err(io("read a COPY file"))?;
                    let begun = Instant::now();
                    copy_by_sqlx(connection, &bytes).await.map_err(database("copy rows"))?;
                    tally.add(*rows, begun.elapsed());
                }
            }
        }
        let by = if psql.is_some() { "psql" } else { "sqlx" };
        let elapsed = tally.total();
        Ok(tally.figures(format!("raw COPY by {by}, 10,000 rows a transaction"), elapsed))
    }
}

async fn copy_by_sqlx(connection: &mut PgConnection, bytes: &[u8]) -> Result<(), sqlx::Error> {
    let statement = format!("COPY events ({COLUMNS}) FROM STDIN WITH (FORMAT BINARY)");
    let mut copy = connection.copy_in_raw(&statement).await?;
    copy.send(bytes).await?;
    copy.finish().await.map(|_| ())
}

async fn single(connection: &mut PgConnection, rows: &[Row], budget: Budget) -> Result<Figures, BenchError> {
    let places: Vec<_> = (1..=11).map(|n| format!("${n}")).collect();
    let sql = format!("INSERT INTO events ({COLUMNS}) VALUES ({})", places.join(","));
    let sql: std::sync::Arc<str> = sql.into();
    let mut tally = Tally::default();
    while tally.events < budget.events && tally.total() < budget.time {
        empty(connection).await?;
        for row in rows {
            let query = bind_row!(sqlx::query(AssertSqlSafe(sql.clone())), row);
            let begun = Instant::now();
            query.execute(&mut *connection).await.map_err(database("insert a row"))?;
            tally.add(1, begun.elapsed());
            if tally.events >= budget.events || begun.elapsed() + tally.total() >= budget.time {
                break;
            }
        }
    }
    let elapsed = tally.total();
    Ok(tally.figures("single insert, 1 row a transaction", elapsed))
}

async fn empty(connection: &mut PgConnection) -> Result<(), BenchError> {
    sqlx::query("TRUNCATE events").execute(connection).await.map_err(database("empty a table"))?;
    Ok(())
}

async fn execute(options: &PgConnectOptions, statement: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(options).await?;
    // Safe as it is: nothing in the statement comes from outside.
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await
}

/// The URL of another database of the same server.
fn other_database(url: &str, name: &str) -> Option<String> {
    let (address, query) = url.split_once('?').map_or((url, ""), |(address, query)| (address, query));
    let host = address.find("://")? + "://".len();
    let server = address[host..].find('/').map_or(address, |slash| &address[..host + slash]);
    let mark = if query.is_empty() { "" } else { "?" };
    Some(format!("{server}/{name}{mark}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_of_the_same_server() {
        for (url, expected) in [
            ("postgres://u:p@h:5432/old", "postgres://u:p@h:5432/new"),
            ("postgres://u:p@h:5432", "postgres://u:p@h:5432/new"),
            ("postgres:///old?host=/var/run/postgresql", "postgres:///new?host=/var/run/postgresql"),
        ] {
            assert_eq!(other_database(url, "new").as_deref(), Some(expected));
        }
        assert_eq!(other_database("nothing", "new"), None);
    }
}
