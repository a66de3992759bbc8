//! Whether a database is vidne's, and of a version that this server can use.

use std::collections::HashSet;

use sea_orm::{
    ConnectionTrait, DatabaseExecutor, DbBackend, FromQueryResult, IntoDatabaseExecutor, Statement,
};
use vidne_migrations::SchemaManager;

use super::error::db_error;
use crate::store::StoreError;

/// What `installation.product` says.
const PRODUCT: &str = "vidne";

/// What is in a database.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No table at all.
    Nothing,
    /// Tables, but not vidne's.
    Foreign,
    /// The first tables of an interrupted migration and nothing else. Only on MySQL, whose tables are not made in
    /// a transaction.
    Unfinished,
    /// Vidne's.
    Ours {
        /// Migrations that this server knows and the database has not had, oldest first.
        missing: Vec<String>,
        /// The number of migrations that a server must know to use the database.
        minimum_schema: usize,
    },
}

/// Looks without changing anything.
pub(super) async fn look<'c>(db: impl IntoDatabaseExecutor<'c>) -> Result<Found, StoreError> {
    let manager = SchemaManager::new(db);
    if !is_marked(&manager).await? {
        return unmarked(manager.get_connection()).await;
    }
    let db = manager.get_connection();
    let marker = rows::<Marker>(db, "SELECT product, minimum_schema FROM installation").await?;
    if marker.is_empty() {
        return unmarked(db).await;
    }
    let Some(marker) = marker.into_iter().find(|marker| marker.product == PRODUCT) else {
        return Ok(Found::Foreign);
    };
    let applied = rows::<Applied>(db, "SELECT version FROM seaql_migrations").await?;
    let applied: HashSet<String> = applied.into_iter().map(|row| row.version).collect();
    let missing = vidne_migrations::names().into_iter().filter(|name| !applied.contains(name)).collect();
    Ok(Found::Ours { missing, minimum_schema: usize::try_from(marker.minimum_schema).unwrap_or(usize::MAX) })
}

/// Refuses what a server cannot use. A database that has had more migrations than this server knows is fine:
/// migrations only add, and one that does not says so in `minimum_schema`.
pub(super) fn usable(found: &Found) -> Result<(), StoreError> {
    let words = match found {
        Found::Nothing => "the database is empty; run `vidne migrate` to make vidne's tables".to_owned(),
        Found::Foreign => FOREIGN.to_owned(),
        Found::Unfinished => UNFINISHED.to_owned(),
        Found::Ours { missing, .. } if !missing.is_empty() => format!(
            "the database is older than this server (it lacks {}); run `vidne migrate`",
            missing.join(", ")
        ),
        Found::Ours { minimum_schema, .. } if *minimum_schema > vidne_migrations::names().len() => {
            TOO_NEW.to_owned()
        }
        Found::Ours { .. } => return Ok(()),
    };
    Err(StoreError::Incompatible(words))
}

/// Refuses what must not be migrated.
pub(super) fn migratable(found: &Found) -> Result<(), StoreError> {
    match found {
        Found::Foreign => Err(StoreError::Incompatible(FOREIGN.to_owned())),
        Found::Ours { minimum_schema, .. } if *minimum_schema > vidne_migrations::names().len() => {
            Err(StoreError::Incompatible(TOO_NEW.to_owned()))
        }
        Found::Nothing | Found::Unfinished | Found::Ours { .. } => Ok(()),
    }
}

const FOREIGN: &str = "the database holds tables that are not vidne's; name a database of vidne's own, an empty one to begin with";
const UNFINISHED: &str =
    "a migration of the database was interrupted; run `vidne migrate`, which goes on where it stopped";
const TOO_NEW: &str =
    "the database was migrated by a newer vidne that this one cannot work beside; use that version";

#[derive(FromQueryResult)]
struct Marker {
    product: String,
    minimum_schema: i32,
}

#[derive(FromQueryResult)]
struct Applied {
    version: String,
}

async fn is_marked(manager: &SchemaManager<'_>) -> Result<bool, StoreError> {
    for (table, column) in [("installation", "product"), ("seaql_migrations", "version")] {
        if !manager.has_table(table).await.map_err(db_error)?
            || !manager.has_column(table, column).await.map_err(db_error)?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a database without our marker is.
async fn unmarked(db: &DatabaseExecutor<'_>) -> Result<Found, StoreError> {
    let tables = tables(db).await?;
    let interrupted = db.get_database_backend() == DbBackend::MySql
        && tables.iter().any(|table| table == "seaql_migrations")
        && tables.iter().all(|table| vidne_migrations::TABLES.contains(&table.as_str()));
    Ok(match tables.is_empty() {
        true => Found::Nothing,
        false if interrupted => Found::Unfinished,
        false => Found::Foreign,
    })
}

async fn tables(db: &DatabaseExecutor<'_>) -> Result<Vec<String>, StoreError> {
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'",
        DbBackend::MySql => {
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
        }
        _ => "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()",
    };
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await;
    rows.map_err(db_error)?.iter().map(|row| row.try_get_by(0).map_err(db_error)).collect()
}

async fn rows<T: FromQueryResult>(db: &DatabaseExecutor<'_>, sql: &str) -> Result<Vec<T>, StoreError> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await;
    let rows = rows.map_err(db_error)?;
    rows.iter().map(|row| T::from_query_result(row, "").map_err(db_error)).collect()
}
