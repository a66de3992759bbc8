//! Appends to one log in one round trip, if the log is as this server left it and all events are new.
//!
//! One statement takes the head if nobody holds it and it is where it was, moves it, and inserts the rows; being alone
//! in its transaction it is committed with it. Events that are there already break the unique index and with it the
//! statement. Whatever is not as expected leaves nothing behind, and the way of `postgres_append` finds out what it is.

use sqlx::PgPool;

use super::{
    compare::{Compared, if_as_left},
    decide::Row,
    error::sqlx_error,
    log::Log,
    postgres_transaction::lives_on,
};
use crate::{
    domain::{id::TenantId, time::Timestamp},
    store::{
        StoreError,
        contract::{Head, NewEvent},
    },
};

/// Larger batches go the other way.
pub(super) const COMPARE_ROWS: usize = 2_000;

/// `mine` has a row if the head is free and as expected. An insert or update without it does nothing.
const COMPARE_AND_APPEND: &str = "\
    WITH mine AS ( \
        SELECT tenant_key FROM heads \
        WHERE tenant_key = $11 AND last_sequence = $12 AND last_recorded = $13 FOR UPDATE NOWAIT \
    ), grown AS ( \
        UPDATE heads SET last_sequence = $14, last_recorded = $15 FROM mine WHERE heads.tenant_key = mine.tenant_key \
    ) \
    INSERT INTO events (tenant_key, sequence, recorded_time, occurred_time, event_type, fingerprint_version, \
        event_id, leaf_hash, fingerprint, payload, personal) \
    SELECT mine.tenant_key, new.* FROM mine CROSS JOIN UNNEST($1::int8[], $2::int8[], $3::int8[], $4::int2[], \
        $5::int2[], $6::uuid[], $7::bytea[], $8::bytea[], $9::bytea[], $10::bytea[]) AS new";

/// Tries it. All `events` are of `tenant`. `Busy` if somebody else holds the head.
pub(super) async fn compare_and_append(
    pool: &PgPool,
    tenant: &TenantId,
    log: Log,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<Compared, StoreError> {
    let expected = log.head;
    let Some((decision, head)) = if_as_left(tenant, &log, events, now) else {
        return Ok(Compared::Unexpected);
    };
    match insert(pool, log.key.get(), &decision.rows, expected, head).await {
        Ok(0) => Ok(Compared::Unexpected),
        Ok(_) => Ok(Compared::Appended(decision.outcomes, Log { head, ..log })),
        Err(error) if error.as_database_error().is_some_and(|cause| cause.is_unique_violation()) => {
            Ok(Compared::Unexpected)
        }
        Err(error) if lives_on(&error) => Err(sqlx_error(error)),
        // The connection is gone, and maybe was before. Whether it is committed, the other way finds out: it looks
        // the ids up under the lock of the head, and moves the head, after which this statement, should it still be
        // on its way, does nothing.
        Err(_) => Ok(Compared::Unexpected),
    }
}

async fn insert(
    pool: &PgPool,
    tenant_key: i32,
    rows: &[Row],
    expected: Head,
    head: Head,
) -> Result<u64, sqlx::Error> {
    use super::convert::signed;
    let done = sqlx::query(COMPARE_AND_APPEND)
        .bind(rows.iter().map(|row| row.sequence).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.recorded_time).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.occurred_time).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.event_type).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.fingerprint_version).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.event_id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.leaf_hash.as_slice()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.fingerprint.as_slice()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.payload.as_slice()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.personal.as_deref()).collect::<Vec<_>>())
        .bind(tenant_key)
        .bind(signed(expected.sequence))
        .bind(expected.recorded.micros())
        .bind(signed(head.sequence))
        .bind(head.recorded.micros())
        .execute(pool)
        .await?;
    Ok(done.rows_affected())
}
