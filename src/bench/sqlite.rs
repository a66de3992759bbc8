//! What SQLite can do without vidne, through the same driver.

use std::{fs, path::Path, sync::Arc, time::Instant};

use sqlx::{
    AssertSqlSafe, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    course::Budget,
    error::{BenchError, database, io},
    figures::{Figures, Tally},
    rows::{COLUMNS, Row, WIDTH, bind_row},
};
use crate::store::sql::{Database, migrate};

/// The file that vidne makes in its folder.
const FILE: &str = "vidne.db";
/// Rows that are kept to be written again: some 80 MB.
const ROWS: i64 = 100_000;

/// How rows are written.
#[derive(Clone, Copy)]
struct Shape {
    case: &'static str,
    /// Rows of one INSERT.
    statement: usize,
    /// Rows of one transaction.
    transaction: usize,
}

const RAW: Shape = Shape { case: "raw insert, 1,000 rows a transaction", statement: 500, transaction: 1_000 };
const SINGLE: Shape = Shape { case: "single insert, 1 row a transaction", statement: 1, transaction: 1 };

/// The limits of SQLite, with the rows that a vidne has written in `written`; that vidne must have ended.
pub(super) async fn limits(
    written: &Path,
    scratch: &Path,
    budget: Budget,
) -> Result<(Figures, Figures), BenchError> {
    let mut source = open(written).await?;
    let sql = format!("SELECT {COLUMNS} FROM events ORDER BY tenant_key, sequence LIMIT {ROWS}");
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql))
        .fetch_all(&mut source)
        .await
        .map_err(database("read what vidne wrote"))?;
    source.close().await.map_err(database("close its file"))?;
    if rows.is_empty() {
        return Err(BenchError::NoRows(written.to_owned()));
    }
    // Single inserts first: what the others leave to be written makes each fsync slower.
    let single = write(scratch, &rows, SINGLE, budget).await?;
    Ok((write(scratch, &rows, RAW, budget).await?, single))
}

/// What is said beside the figures: the version, and that a commit is on disk before it is acknowledged.
pub(super) async fn about(folder: &Path) -> Result<(String, String), BenchError> {
    let mut connection = open(folder).await?;
    let (version, mode, synchronous): (String, String, i64) = sqlx::query_as(
        "SELECT sqlite_version(), (SELECT journal_mode FROM pragma_journal_mode), \
         (SELECT synchronous FROM pragma_synchronous)",
    )
    .fetch_one(&mut connection)
    .await
    .map_err(database("say its version"))?;
    connection.close().await.map_err(database("close its file"))?;
    let synchronous = ["OFF", "NORMAL", "FULL", "EXTRA"].get(usize::try_from(synchronous).unwrap_or(9));
    let settings = format!("journal_mode = {mode}, synchronous = {}", synchronous.unwrap_or(&"?"));
    Ok((format!("SQLite {version}"), settings))
}

/// Opens a file as vidne does.
pub(super) async fn open(folder: &Path) -> Result<SqliteConnection, BenchError> {
    let options = SqliteConnectOptions::new()
        .filename(folder.join(FILE))
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    SqliteConnection::connect_with(&options).await.map_err(database("open its file"))
}

/// Writes the rows, in rounds until the budget is spent, each round into a new file that vidne has migrated. Only the
/// transactions count.
async fn write(scratch: &Path, rows: &[Row], shape: Shape, budget: Budget) -> Result<Figures, BenchError> {
    let mut tally = Tally::default();
    let folder = scratch.join("limit");
    let whole: Arc<str> = statement(shape.statement).into();
    while spending(&tally, budget) {
        fs::create_dir(&folder).map_err(io("make a folder"))?;
        migrate(&Database::sqlite(&folder)).await.map_err(BenchError::Migrate)?;
        let mut connection = open(&folder).await?;
        for chunk in rows.chunks(shape.transaction) {
            let begun = Instant::now();
            transaction(&mut connection, chunk, shape, &whole).await.map_err(database("insert rows"))?;
            tally.add(chunk.len() as u64, begun.elapsed());
            if !spending(&tally, budget) {
                break;
            }
        }
        connection.close().await.map_err(database("close its file"))?;
        fs::remove_dir_all(&folder).map_err(io("remove a folder"))?;
    }
    let elapsed = tally.total();
    Ok(tally.figures(shape.case, elapsed))
}

fn spending(tally: &Tally, budget: Budget) -> bool {
    tally.events < budget.events && tally.total() < budget.time
}

async fn transaction(
    connection: &mut SqliteConnection,
    rows: &[Row],
    shape: Shape,
    whole: &Arc<str>,
) -> Result<(), sqlx::Error> {
    if shape.transaction == 1 {
        // Without BEGIN, each statement is a transaction.
        return insert(connection, rows, Arc::clone(whole)).await;
    }
    let mut transaction = connection.begin().await?;
    for rows in rows.chunks(shape.statement) {
        let sql =
            if rows.len() == shape.statement { Arc::clone(whole) } else { statement(rows.len()).into() };
        insert(&mut transaction, rows, sql).await?;
    }
    transaction.commit().await
}

fn statement(rows: usize) -> String {
    let row = format!("({})", ["?"; WIDTH].join(","));
    format!("INSERT INTO events ({COLUMNS}) VALUES {}", vec![row; rows].join(","))
}

/// One statement. The driver prepares it once for each text.
async fn insert(connection: &mut SqliteConnection, rows: &[Row], sql: Arc<str>) -> Result<(), sqlx::Error> {
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for row in rows {
        query = bind_row!(query, row);
    }
    query.execute(connection).await.map(|_| ())
}
