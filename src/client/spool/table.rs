//! The statements of a spool.

use std::path::Path;

use bytes::Bytes;
use futures::TryStreamExt as _;
use prost::Message as _;
use sqlx::{
    ConnectOptions as _, Connection as _, Row as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqliteSynchronous},
};

use crate::codec::proto::v1::Event;

use super::{ROW_BYTES, Refused, Settled, Waiting};

/// Tells a spool from other SQLite files: "vdsp".
const APPLICATION_ID: i64 = 0x7664_7370;
const VERSION: i64 = 1;

const TABLES: [&str; 4] = [
    // AUTOINCREMENT: a position is never used again, so that an old answer cannot settle a new event.
    "CREATE TABLE waiting (position INTEGER PRIMARY KEY AUTOINCREMENT, event BLOB NOT NULL)",
    "CREATE TABLE refused (position INTEGER PRIMARY KEY, event_id TEXT NOT NULL, reason TEXT NOT NULL, \
     event BLOB NOT NULL)",
    "PRAGMA application_id = 1986294640",
    "PRAGMA user_version = 1",
];

pub(super) async fn open(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(path)
        .locking_mode(SqliteLockingMode::Exclusive)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // What was sent must not stay in free pages.
        .pragma("secure_delete", "ON")
        .disable_statement_logging()
        .connect()
        .await
}

/// Makes the tables of a new spool; false if it is something else.
pub(super) async fn prepare(db: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let number = "SELECT (SELECT application_id FROM pragma_application_id), \
                  (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)";
    let (application, version, tables): (i64, i64, i64) = sqlx::query_as(number).fetch_one(&mut *db).await?;
    if application == 0 && version == 0 && tables == 0 {
        let mut transaction = db.begin().await?;
        for statement in TABLES {
            sqlx::query(statement).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        return Ok(true);
    }
    Ok(application == APPLICATION_ID && version == VERSION)
}

/// Events that wait, events that are refused, and bytes of both.
pub(super) async fn count(db: &mut SqliteConnection) -> Result<(u64, u64, u64), sqlx::Error> {
    let sum = "SELECT (SELECT count(*) FROM waiting), (SELECT count(*) FROM refused), \
               (SELECT coalesce(sum(length(event)), 0) FROM waiting), \
               (SELECT coalesce(sum(length(event)), 0) FROM refused)";
    let (waiting, refused, a, b): (i64, i64, i64, i64) = sqlx::query_as(sum).fetch_one(db).await?;
    let (waiting, refused) = (waiting.cast_unsigned(), refused.cast_unsigned());
    Ok((waiting, refused, a.cast_unsigned() + b.cast_unsigned() + (waiting + refused) * ROW_BYTES))
}

pub(super) async fn append(db: &mut SqliteConnection, events: &[Bytes]) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    for event in events {
        sqlx::query("INSERT INTO waiting (event) VALUES (?)")
            .bind(event.as_ref())
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}

pub(super) async fn waiting(
    db: &mut SqliteConnection,
    after: i64,
    limit: usize,
    max_bytes: usize,
) -> Result<Vec<Waiting>, sqlx::Error> {
    let select = "SELECT position, event FROM waiting WHERE position > ? ORDER BY position LIMIT ?";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = sqlx::query(select).bind(after).bind(limit).fetch(db);
    let (mut found, mut bytes) = (Vec::new(), 0);
    while bytes < max_bytes
        && let Some(row) = rows.try_next().await?
    {
        let event: Vec<u8> = row.try_get(1)?;
        bytes += event.len();
        found.push(Waiting { position: row.try_get(0)?, event: event.into() });
    }
    Ok(found)
}

/// Returns how many bytes were freed.
pub(super) async fn settle(db: &mut SqliteConnection, settled: &[Settled]) -> Result<u64, sqlx::Error> {
    let mut freed = 0;
    let mut transaction = db.begin().await?;
    for Settled { position, refused } in settled {
        let delete = "DELETE FROM waiting WHERE position = ? RETURNING event";
        let row = sqlx::query(delete).bind(position).fetch_optional(&mut *transaction).await?;
        let Some(row) = row else { continue };
        let event: Vec<u8> = row.try_get(0)?;
        let Some(reason) = refused else {
            freed += event.len() as u64 + ROW_BYTES;
            continue;
        };
        let event_id = Event::decode(event.as_slice()).map(|event| event.event_id).unwrap_or_default();
        sqlx::query("INSERT INTO refused (position, event_id, reason, event) VALUES (?, ?, ?, ?)")
            .bind(position)
            .bind(event_id)
            .bind(reason)
            .bind(event)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(freed)
}

pub(super) async fn refused(
    db: &mut SqliteConnection,
    after: i64,
    limit: u32,
) -> Result<Vec<Refused>, sqlx::Error> {
    let select =
        "SELECT position, event_id, reason, event FROM refused WHERE position > ? ORDER BY position LIMIT ?";
    let rows = sqlx::query(select).bind(after).bind(limit).fetch_all(db).await?;
    let read = |row: sqlx::sqlite::SqliteRow| {
        Ok(Refused {
            position: row.try_get(0)?,
            event_id: row.try_get(1)?,
            reason: row.try_get(2)?,
            event: row.try_get::<Vec<u8>, _>(3)?.into(),
        })
    };
    rows.into_iter().map(read).collect()
}

pub(super) async fn discard(db: &mut SqliteConnection, up_to: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM refused WHERE position <= ?").bind(up_to).execute(db).await?;
    Ok(())
}

pub(super) async fn checkpoint(db: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(db).await?;
    Ok(())
}
