//! Opens connections. Pools are made here and not by SeaORM, which would put the URL into trace spans.

use std::{path::Path, str::FromStr, time::Duration};

use sea_orm::{DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::{
    ConnectOptions, Connection, PgConnection, pool,
    postgres::{PgConnectOptions, PgPool},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous},
};

use super::{
    database::{Database, PoolOptions, SQLITE_FILE},
    error::{connect_error, sqlx_error},
    mysql,
};
use crate::{domain::secret::Secret, store::StoreError};

/// A transaction that its client has forgotten must not hold a tenant's head for ever.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(30);

/// What each connection that reads keeps of SQLite's file, in KiB as a negative number. The pool uses all of them in turn,
/// so that each would fill its cache, of 2 MiB by default, with rows that are read once; the system has them as well.
const READER_CACHE: &str = "-512";

/// Rows that SQLite's thread reads ahead of whoever takes them. Each time that it has to wait for room, two threads
/// change places, which costs more than a row.
const READ_AHEAD_ROWS: usize = 256;

/// Two ways to one database.
pub(super) struct Connections {
    /// For transactions that write. One connection on SQLite, which has one writer at a time anyway: waiting in
    /// our queue is fair, SQLite's own polling is not.
    pub(super) write: DatabaseConnection,
    /// For reads.
    pub(super) read: DatabaseConnection,
    /// The committers' own way to PostgreSQL.
    pub(super) bulk: Option<Bulk>,
}

/// Connections for appends that wait for nobody, so that they are never behind a reader or a held head.
#[derive(Debug)]
pub(super) struct Bulk {
    /// Not tested before use, which would cost a round trip: whoever begins on a dead one takes the next.
    pub(super) pool: PgPool,
    /// Whether rows may go by COPY. Over TCP it stalls: the driver does not set TCP_NODELAY, so that the end of
    /// the data waits some 40 ms for the server's delayed acknowledgement.
    pub(super) with_copy: bool,
    /// One connection at most, to hear what other servers tell.
    pub(super) listen: PgPool,
}

pub(super) async fn connect(database: &Database, options: &PoolOptions) -> Result<Connections, StoreError> {
    match database {
        Database::Sqlite { folder } => {
            must_exist(&folder.join(SQLITE_FILE))?;
            let write = sqlite_pool(sqlite_writer(folder, options), 1, options).await?;
            let reader = sqlite_file(folder, options)
                .pragma("query_only", "on")
                .pragma("cache_size", READER_CACHE)
                .row_buffer_size(READ_AHEAD_ROWS);
            let read = sqlite_pool(reader, options.max_connections, options).await?;
            Ok(Connections { write, read, bulk: None })
        }
        Database::Postgres { url } => {
            let server = postgres_server(url, options)?;
            let (bulk, rest) = shares(options.max_connections);
            let write = postgres_pool(&server, rest, options).await?;
            let with_copy = is_unix_socket(&server);
            let listen = pool_options(1, options).connect_lazy_with(server.clone());
            let pool = pool_options(bulk, options).test_before_acquire(false);
            let pool = pool.connect_lazy_with(bulk_server(server));
            Ok(Connections { read: write.clone(), write, bulk: Some(Bulk { pool, with_copy, listen }) })
        }
        Database::MySql { url } => {
            let write = mysql::pool(url, options.max_connections, options).await?;
            Ok(Connections { read: write.clone(), write, bulk: None })
        }
    }
}

/// One pool with one connection, to migrate with.
pub(super) async fn connect_once(
    database: &Database,
    options: &PoolOptions,
) -> Result<DatabaseConnection, StoreError> {
    match database {
        Database::Sqlite { folder } => {
            sqlite_pool(sqlite_writer(folder, options).create_if_missing(true), 1, options).await
        }
        Database::Postgres { url } => postgres_pool(&postgres_server(url, options)?, 1, options).await,
        Database::MySql { url } => mysql::pool(url, 1, options).await,
    }
}

fn must_exist(file: &Path) -> Result<(), StoreError> {
    if file.exists() {
        return Ok(());
    }
    Err(StoreError::Incompatible(format!(
        "there is no {} yet; run `vidne migrate` to make it",
        file.display()
    )))
}

fn sqlite_file(folder: &Path, options: &PoolOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(folder.join(SQLITE_FILE))
        .foreign_keys(true)
        .busy_timeout(options.lock_timeout)
        .disable_statement_logging()
}

fn sqlite_writer(folder: &Path, options: &PoolOptions) -> SqliteConnectOptions {
    // FULL: a commit is on disk before it is acknowledged. WAL: readers do not wait for the writer.
    sqlite_file(folder, options).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
}

async fn sqlite_pool(
    file: SqliteConnectOptions,
    connections: u32,
    options: &PoolOptions,
) -> Result<DatabaseConnection, StoreError> {
    let pool: SqlitePool = pool_options(connections, options)
        // The file cannot hang up.
        .test_before_acquire(false)
        .connect_with(file)
        .await
        .map_err(connect_error)?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

async fn postgres_pool(
    server: &PgConnectOptions,
    connections: u32,
    options: &PoolOptions,
) -> Result<DatabaseConnection, StoreError> {
    // Once without the pool, which would try a refused connection again and then tell of a time-out only.
    let first = tokio::time::timeout(options.acquire_timeout, PgConnection::connect_with(server)).await;
    let first = first.map_err(|e| StoreError::Unavailable(Box::new(e)))?.map_err(connect_error)?;
    first.close().await.map_err(sqlx_error)?;
    let pool: PgPool = pool_options(connections, options).connect_lazy_with(server.clone());
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

/// How many of PostgreSQL's connections the committers have, and how many all the rest.
fn shares(connections: u32) -> (u32, u32) {
    let bulk = (connections.saturating_mul(2) / 5).max(1);
    (bulk, connections.saturating_sub(bulk).max(1))
}

fn postgres_server(url: &Secret, options: &PoolOptions) -> Result<PgConnectOptions, StoreError> {
    let server = PgConnectOptions::from_str(url.expose()).map_err(|_| {
        // The cause is not shown: it may quote the URL.
        StoreError::Incompatible(
            "the database URL cannot be read; write postgres://user:password@host:5432/name and \
             percent-encode special characters of the password"
                .to_owned(),
        )
    })?;
    let settings = [
        // Said here, so that no default of the server, the database or the role makes the wait for a tenant's
        // head fail or read the past.
        ("default_transaction_isolation", "read committed".to_owned()),
        ("statement_timeout", milliseconds(options.statement_timeout)),
        ("lock_timeout", milliseconds(options.lock_timeout)),
        ("idle_in_transaction_session_timeout", milliseconds(IDLE_IN_TRANSACTION)),
    ];
    Ok(server.application_name("vidne").options(settings).disable_statement_logging())
}

/// For appends alone: a few statements, planned once for ever. A table looks small to the planner until it is
/// analysed; without sequential scans a plan that is kept stays good while the table grows.
fn bulk_server(server: PgConnectOptions) -> PgConnectOptions {
    server.options([("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off")])
}

fn is_unix_socket(server: &PgConnectOptions) -> bool {
    server.get_socket().is_some() || server.get_host().starts_with('/')
}

fn pool_options<DB: sqlx::Database>(connections: u32, options: &PoolOptions) -> pool::PoolOptions<DB> {
    pool::PoolOptions::new().max_connections(connections.max(1)).acquire_timeout(options.acquire_timeout)
}

fn milliseconds(time: Duration) -> String {
    // 0 would mean "for ever".
    time.as_millis().max(1).to_string()
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, DbBackend, Statement};

    use super::*;

    async fn pragma(db: &DatabaseConnection, name: &str) -> String {
        let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
        let row = db.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await;
        row.expect("a pragma").expect("its value").try_get_by(0).expect("text")
    }

    #[tokio::test]
    async fn g1_sqlite_has_a_commit_on_disk_before_it_is_acknowledged() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = Database::sqlite(folder.path());
        connect_once(&database, &PoolOptions::default()).await.expect("make the file");
        let both = connect(&database, &PoolOptions::default()).await.expect("open");
        assert_eq!(pragma(&both.write, "journal_mode").await, "wal");
        assert_eq!(pragma(&both.write, "synchronous").await, "2", "FULL");
        assert_eq!(pragma(&both.read, "query_only").await, "1");
        both.read.execute_unprepared("CREATE TABLE t (n INTEGER)").await.expect_err("a reader writes");
    }
}
