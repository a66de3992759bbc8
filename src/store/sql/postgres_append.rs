//! Appends whole batches on PostgreSQL in four round trips: begin and lock, look up, write, commit.

use std::collections::{BTreeMap, HashMap};

use sqlx::{PgPool, Row as _, postgres::PgRow};

use super::{
    bulk::{Batch, KnownRow, TenantRow},
    convert,
    decide::Row,
    error::sqlx_error,
    log::{Heads, Log},
    postgres_copy::copy,
    postgres_transaction::PostgresTransaction,
    tenant_key::TenantKey,
};
use crate::{
    domain::{id::TenantId, time::Timestamp},
    store::{
        StoreError,
        contract::{AppendOutcome, Head, NewEvent},
    },
};

/// Rows of one statement, and thus of its arrays in memory.
const INSERT_ROWS: usize = 2_000;

/// From so many rows on, COPY is faster than arrays where it can be used. Measured; see the README.
const COPY_ROWS: usize = 100;

/// Tenants, their switches, and those of the wanted events that are there. The inner select is not taken apart
/// (OFFSET 0), so that each id is looked for in the index, however few rows the planner believes there are.
const LOOK_UP: &str = "\
    SELECT t.tenant_key, t.closed, t.security_events_enabled, t.data_access_events_enabled, \
        t.custom_events_enabled, k.event_id, k.sequence, k.recorded_time, k.leaf_hash, k.fingerprint, \
        k.fingerprint_version \
    FROM tenants t LEFT JOIN ( \
        SELECT w.tenant_key, w.event_id, e.sequence, e.recorded_time, e.leaf_hash, e.fingerprint, \
            e.fingerprint_version \
        FROM UNNEST($2::int4[], $3::uuid[]) AS w (tenant_key, event_id) CROSS JOIN LATERAL ( \
            SELECT sequence, recorded_time, leaf_hash, fingerprint, fingerprint_version FROM events \
            WHERE events.tenant_key = w.tenant_key AND events.event_id = w.event_id OFFSET 0 \
        ) e \
    ) k ON k.tenant_key = t.tenant_key \
    WHERE t.tenant_key = ANY($1)";

/// Rows and heads in one statement; either may be none.
const INSERT: &str = "\
    WITH grown AS ( \
        UPDATE heads SET last_sequence = n.last_sequence, last_recorded = n.last_recorded \
        FROM UNNEST($12::int4[], $13::int8[], $14::int8[]) AS n (tenant_key, last_sequence, last_recorded) \
        WHERE heads.tenant_key = n.tenant_key \
    ) \
    INSERT INTO events (sequence, recorded_time, occurred_time, tenant_key, event_type, fingerprint_version, \
        event_id, leaf_hash, fingerprint, payload, personal) \
    SELECT * FROM UNNEST($1::int8[], $2::int8[], $3::int8[], $4::int4[], $5::int2[], $6::int2[], $7::uuid[], \
        $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[])";

/// Appends in a transaction of its own. `keys` are those of the events' tenants that exist; `with_copy` if COPY
/// may be used. Also gives the logs as they are now.
pub(super) async fn append(
    pool: &PgPool,
    (heads, with_copy): (Heads, bool),
    keys: &HashMap<TenantId, TenantKey>,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<(Vec<AppendOutcome>, Vec<Log>), StoreError> {
    let mut batch = Batch::new(events, keys);
    let sql = lock(&batch.tenant_keys(), heads);
    let (mut transaction, rows) = PostgresTransaction::begin(pool, &sql).await?;
    for row in &rows {
        batch.head(get(row, 0)?, get(row, 1)?, get(row, 2)?)?;
    }
    // A statement of its own: it sees all that was committed under the locks, which the locking one does not.
    look_up(&mut transaction, &mut batch).await?;
    let decision = batch.decide(now);
    if with_copy && decision.rows.len() >= COPY_ROWS {
        copy(transaction.connection()?, &decision.rows).await?;
        write(&mut transaction, &[], &decision.heads).await?;
    } else {
        let mut chunks = decision.rows.chunks(INSERT_ROWS).peekable();
        while let Some(rows) = chunks.next() {
            let none = BTreeMap::new();
            let heads = if chunks.peek().is_some() { &none } else { &decision.heads };
            write(&mut transaction, rows, heads).await?;
        }
    }
    transaction.commit().await?;
    Ok((decision.outcomes, decision.logs))
}

/// Locks heads, in one order everywhere. Who waits does so on a connection that is not set up for appends alone
/// (`connect::bulk_server`).
fn lock(tenant_keys: &[i32], heads: Heads) -> String {
    let keys: Vec<String> = tenant_keys.iter().map(i32::to_string).collect();
    let (set, nowait) = match heads {
        Heads::FreeOrBusy => ("", " NOWAIT"),
        Heads::WaitedFor => ("SET LOCAL enable_seqscan = off; ", ""),
    };
    format!(
        "{set}SELECT tenant_key, last_sequence, last_recorded FROM heads WHERE tenant_key IN ({}) \
         ORDER BY tenant_key FOR UPDATE{nowait}",
        keys.join(", ")
    )
}

async fn look_up(transaction: &mut PostgresTransaction, batch: &mut Batch<'_>) -> Result<(), StoreError> {
    let (keys, ids): (Vec<i32>, Vec<uuid::Uuid>) = batch.wanted().unzip();
    let rows = sqlx::query(LOOK_UP)
        .bind(batch.tenant_keys())
        .bind(keys)
        .bind(ids)
        .fetch_all(transaction.connection()?)
        .await
        .map_err(sqlx_error)?;
    for row in &rows {
        let tenant_key = get(row, 0)?;
        batch.tenant(&TenantRow {
            tenant_key,
            closed: get(row, 1)?,
            security: get(row, 2)?,
            data_access: get(row, 3)?,
            custom: get(row, 4)?,
        })?;
        let Some(event_id) = get(row, 5)? else { continue };
        batch.known(&KnownRow {
            tenant_key,
            event_id,
            sequence: get(row, 6)?,
            recorded_time: get(row, 7)?,
            leaf_hash: get(row, 8)?,
            fingerprint: get(row, 9)?,
            fingerprint_version: get(row, 10)?,
        })?;
    }
    Ok(())
}

async fn write(
    transaction: &mut PostgresTransaction,
    rows: &[Row],
    heads: &BTreeMap<TenantKey, Head>,
) -> Result<(), StoreError> {
    sqlx::query(INSERT)
        .bind(rows.iter().map(|row| row.sequence).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.recorded_time).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.occurred_time).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.tenant_key).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.event_type).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.fingerprint_version).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.event_id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.leaf_hash.as_slice()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.fingerprint.as_slice()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.payload.as_slice()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.personal.as_deref()).collect::<Vec<_>>())
        .bind(heads.keys().map(|key| key.get()).collect::<Vec<_>>())
        .bind(heads.values().map(|head| convert::signed(head.sequence)).collect::<Vec<_>>())
        .bind(heads.values().map(|head| head.recorded.micros()).collect::<Vec<_>>())
        .execute(transaction.connection()?)
        .await
        .map_err(sqlx_error)?;
    Ok(())
}

fn get<'r, T>(row: &'r PgRow, column: usize) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(sqlx_error)
}
