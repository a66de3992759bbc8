//! Appends whole batches on SQLite. Each statement is a trip to the driver's thread, and preparing one costs:
//! so there are few of them, of fixed sizes, and the driver keeps them prepared.

use std::collections::{BTreeMap, HashMap};

use sqlx::{
    AssertSqlSafe, Row as _, Sqlite, SqliteConnection, SqlitePool, Transaction, query::Query,
    sqlite::SqliteArguments, sqlite::SqliteRow,
};
use uuid::Uuid;

use super::{
    bulk::{Batch, KnownRow, TenantRow},
    convert,
    decide::Row,
    error::sqlx_error,
    log::Log,
    tenant_key::TenantKey,
};
use crate::{
    domain::{id::TenantId, time::Timestamp},
    store::{
        StoreError,
        contract::{AppendOutcome, Head, NewEvent},
    },
};

/// Groups of binds of one statement: powers of two, so that a batch of any size is few statements (as many as
/// ones in its binary number) and the statements are few. 11 binds a row: far below SQLite's limit of 32,766.
const MAX_GROUPS: usize = 512;

/// Appends in a transaction of its own. `keys` are those of the events' tenants that exist. Also gives the logs as
/// they are now.
pub(super) async fn append(
    pool: &SqlitePool,
    keys: &HashMap<TenantId, TenantKey>,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<(Vec<AppendOutcome>, Vec<Log>), StoreError> {
    let mut batch = Batch::new(events, keys);
    // IMMEDIATE: a transaction that begins as a reader fails when it turns into a writer.
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(sqlx_error)?;
    read_logs(&mut transaction, &mut batch).await?;
    look_up(&mut transaction, &mut batch).await?;
    let decision = batch.decide(now);
    insert(&mut transaction, decision.rows, "").await.map_err(sqlx_error)?;
    save_heads(&mut transaction, &decision.heads).await?;
    transaction.commit().await.map_err(sqlx_error)?;
    Ok((decision.outcomes, decision.logs))
}

async fn read_logs(
    transaction: &mut Transaction<'_, Sqlite>,
    batch: &mut Batch<'_>,
) -> Result<(), StoreError> {
    for keys in padded(&batch.tenant_keys()) {
        let sql = format!(
            "SELECT t.tenant_key, t.closed, t.security_events_enabled, t.data_access_events_enabled, \
             t.custom_events_enabled, h.last_sequence, h.last_recorded \
             FROM tenants t JOIN heads h ON h.tenant_key = t.tenant_key WHERE t.tenant_key IN ({})",
            groups("?", keys.len())
        );
        let query = keys.into_iter().fold(prepared(sql), Query::bind);
        for row in &query.fetch_all(&mut **transaction).await.map_err(sqlx_error)? {
            let tenant_key = get(row, 0)?;
            batch.head(tenant_key, get(row, 5)?, get(row, 6)?)?;
            batch.tenant(&TenantRow {
                tenant_key,
                closed: get(row, 1)?,
                security: get(row, 2)?,
                data_access: get(row, 3)?,
                custom: get(row, 4)?,
            })?;
        }
    }
    Ok(())
}

async fn look_up(transaction: &mut Transaction<'_, Sqlite>, batch: &mut Batch<'_>) -> Result<(), StoreError> {
    let wanted: Vec<(i32, Uuid)> = batch.wanted().collect();
    for wanted in padded(&wanted) {
        // CROSS JOIN: the ids come first, and each is looked for in the index.
        let sql = format!(
            "WITH w (tenant_key, event_id) AS (VALUES {}) \
             SELECT e.tenant_key, e.event_id, e.sequence, e.recorded_time, e.leaf_hash, e.fingerprint, \
             e.fingerprint_version \
             FROM w CROSS JOIN events e ON e.tenant_key = w.tenant_key AND e.event_id = w.event_id",
            groups("(?, ?)", wanted.len())
        );
        let query = wanted
            .into_iter()
            .fold(prepared(sql), |query, (key, id)| query.bind(key).bind(id.as_bytes().to_vec()));
        for row in &query.fetch_all(&mut **transaction).await.map_err(sqlx_error)? {
            let id: Vec<u8> = get(row, 1)?;
            let event_id = Uuid::from_slice(&id)
                .map_err(|_| StoreError::Damaged(format!("an event id of {} bytes, not 16", id.len())))?;
            batch.known(&KnownRow {
                tenant_key: get(row, 0)?,
                event_id,
                sequence: get(row, 2)?,
                recorded_time: get(row, 3)?,
                leaf_hash: get(row, 4)?,
                fingerprint: get(row, 5)?,
                fingerprint_version: get(row, 6)?,
            })?;
        }
    }
    Ok(())
}

/// Inserts rows, in as few statements as there can be; `end` is added to the last one.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    rows: Vec<Row>,
    end: &'static str,
) -> Result<(), sqlx::Error> {
    let mut left = rows.len();
    let mut rows = rows.into_iter();
    while left > 0 {
        let count = largest(left);
        left -= count;
        let sql = format!(
            "INSERT INTO events (sequence, recorded_time, occurred_time, tenant_key, event_type, \
             fingerprint_version, event_id, leaf_hash, fingerprint, payload, personal) VALUES {}{}",
            groups("(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", count),
            if left == 0 { end } else { "" }
        );
        let query = rows.by_ref().take(count).fold(prepared(sql), |query, row| {
            query
                .bind(row.sequence)
                .bind(row.recorded_time)
                .bind(row.occurred_time)
                .bind(row.tenant_key)
                .bind(row.event_type)
                .bind(row.fingerprint_version)
                .bind(row.event_id.as_bytes().to_vec())
                .bind(row.leaf_hash.to_vec())
                .bind(row.fingerprint.to_vec())
                .bind(row.payload)
                .bind(row.personal.map(Vec::from))
        });
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn save_heads(
    transaction: &mut Transaction<'_, Sqlite>,
    heads: &BTreeMap<TenantKey, Head>,
) -> Result<(), StoreError> {
    let heads: Vec<_> = heads
        .iter()
        .map(|(key, head)| (key.get(), convert::signed(head.sequence), head.recorded.micros()))
        .collect();
    for heads in padded(&heads) {
        let sql = format!(
            "WITH n (tenant_key, last_sequence, last_recorded) AS (VALUES {}) \
             UPDATE heads SET last_sequence = n.last_sequence, last_recorded = n.last_recorded \
             FROM n WHERE heads.tenant_key = n.tenant_key",
            groups("(?, ?, ?)", heads.len())
        );
        let query = heads.into_iter().fold(prepared(sql), |query, (key, sequence, recorded)| {
            query.bind(key).bind(sequence).bind(recorded)
        });
        query.execute(&mut **transaction).await.map_err(sqlx_error)?;
    }
    Ok(())
}

/// The largest size of a statement that `count` fills, at least 1.
fn largest(count: usize) -> usize {
    if count >= MAX_GROUPS { MAX_GROUPS } else { 1 << count.max(1).ilog2() }
}

/// Cut into pieces of the sizes of statements, the last one filled up by its own last item: what is named twice
/// makes no difference to who uses this.
fn padded<T: Clone>(items: &[T]) -> impl Iterator<Item = Vec<T>> {
    items.chunks(MAX_GROUPS).map(|chunk| {
        let mut chunk = chunk.to_vec();
        if let Some(last) = chunk.last().cloned() {
            chunk.resize(chunk.len().next_power_of_two(), last);
        }
        chunk
    })
}

fn groups(group: &str, count: usize) -> String {
    vec![group; count].join(", ")
}

/// Safe: no text from outside is ever in it.
fn prepared<'q>(sql: String) -> Query<'q, Sqlite, SqliteArguments> {
    sqlx::query(AssertSqlSafe(sql))
}

fn get<'r, T>(row: &'r SqliteRow, column: usize) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
{
    row.try_get(column).map_err(sqlx_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_of_any_size_is_few_statements_of_few_sizes() {
        for count in [1, 2, 3, 99, 511, 512, 513, 1_000, 10_000] {
            let (mut left, mut statements) = (count, 0);
            while left > 0 {
                assert!(largest(left).is_power_of_two() && largest(left) <= left.min(MAX_GROUPS));
                left -= largest(left);
                statements += 1;
            }
            assert!(statements <= count / MAX_GROUPS + 9, "{statements} for {count}");
            let pieces: Vec<_> = padded(&(0..count).collect::<Vec<_>>()).collect();
            assert!(pieces.iter().all(|piece| piece.len().is_power_of_two() && piece.len() <= MAX_GROUPS));
            let mut named: Vec<_> = pieces.concat();
            named.dedup();
            assert!(named.into_iter().eq(0..count), "all, in their order, and nothing else");
        }
    }
}
