//! Appends the few events that go with another change, such as its witness, within that change's transaction.
//! Whole batches go by `postgres_append` and `sqlite_append`.

use std::collections::{HashMap, HashSet};

use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::{
    convert,
    decide::{Decision, Known, KnownEvents, Row, decide},
    entity::events,
    error::db_error,
    log::{Heads, Log, lock_logs, save_heads},
    mysql,
    tenant_key::TenantKey,
};
use crate::{
    domain::{
        id::{EventId, TenantId},
        time::Timestamp,
    },
    store::{
        StoreError,
        contract::{AppendOutcome, NewEvent},
    },
};

/// Rows of one INSERT. 11 binds each: far below SQLite's limit of 32,766 and PostgreSQL's of 65,535.
const INSERT_ROWS: usize = 500;

/// Bytes after which an INSERT takes no more rows. MariaDB takes statements of 16 MiB by default.
const INSERT_BYTES: usize = 4 << 20;

/// Values of one IN.
pub(super) const LOOKUP_ROWS: usize = 1_000;

/// Appends within a transaction. `keys` are those of the events' tenants that exist.
pub(super) async fn append(
    transaction: &DatabaseTransaction,
    keys: &HashMap<TenantId, TenantKey>,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<Vec<AppendOutcome>, StoreError> {
    append_to(transaction, (keys, Heads::WaitedFor), events, now).await
}

/// As [`append`], with a choice of what to do about heads that somebody else holds.
pub(super) async fn append_to(
    transaction: &DatabaseTransaction,
    (keys, held): (&HashMap<TenantId, TenantKey>, Heads),
    events: &[NewEvent],
    now: Timestamp,
) -> Result<Vec<AppendOutcome>, StoreError> {
    let logs = lock_logs(transaction, keys, held).await?;
    let known = look_up(transaction, &logs, events).await?;
    let some_key = logs.values().next().map(|log| log.key);
    let Decision { outcomes, rows, heads, logs: _ } = decide(logs, known, events, now);
    insert(transaction, rows).await?;
    save_heads(transaction, &heads).await?;
    mysql::flush(transaction, some_key, &outcomes).await?;
    Ok(outcomes)
}

async fn look_up(
    transaction: &DatabaseTransaction,
    logs: &HashMap<TenantId, Log>,
    new: &[NewEvent],
) -> Result<KnownEvents, StoreError> {
    let mut ids: HashMap<TenantKey, HashSet<EventId>> = HashMap::new();
    for event in new {
        if let Some(log) = logs.get(&event.tenant) {
            ids.entry(log.key).or_default().insert(event.id);
        }
    }
    let mut known = HashMap::new();
    for (key, ids) in ids {
        let ids: Vec<_> = ids.into_iter().map(EventId::uuid).collect();
        for ids in ids.chunks(LOOKUP_ROWS) {
            let rows = events::Entity::of(key).filter(events::Column::EventId.is_in(ids.iter().copied()));
            for row in events::known(rows).all(transaction).await.map_err(db_error)? {
                let stamp = convert::stamp(row.sequence, row.recorded_time, &row.leaf_hash)?;
                let fingerprint = row.fingerprint.as_deref().map(convert::digest).transpose()?;
                let fingerprint_version = row.fingerprint_version;
                let id = EventId::from(row.event_id);
                known.insert((key, id), Known { stamp, fingerprint, fingerprint_version });
            }
        }
    }
    Ok(known)
}

async fn insert(transaction: &DatabaseTransaction, rows: Vec<Row>) -> Result<(), StoreError> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let (mut some, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next_if(|_| some.len() < INSERT_ROWS && bytes < INSERT_BYTES) {
            bytes += row.payload.len() + row.personal.as_ref().map_or(0, bytes::Bytes::len);
            some.push(model(row));
        }
        events::Entity::insert_many(some).exec_without_returning(transaction).await.map_err(db_error)?;
    }
    Ok(())
}

fn model(row: Row) -> events::ActiveModel {
    events::ActiveModel {
        sequence: Set(row.sequence),
        recorded_time: Set(row.recorded_time),
        occurred_time: Set(row.occurred_time),
        tenant_key: Set(row.tenant_key),
        event_type: Set(row.event_type),
        fingerprint_version: Set(row.fingerprint_version),
        event_id: Set(row.event_id),
        leaf_hash: Set(row.leaf_hash.to_vec()),
        fingerprint: Set(Some(row.fingerprint.to_vec())),
        payload: Set(row.payload),
        personal: Set(row.personal.map(Vec::from)),
    }
}

/// A witness must be written, or what it tells of must not be.
pub(super) fn witnessed(outcomes: &[AppendOutcome]) -> Result<(), StoreError> {
    let refusal = match outcomes {
        [AppendOutcome::Recorded(_)] => return Ok(()),
        [AppendOutcome::TenantNotFound] => return Err(StoreError::TenantNotFound),
        [AppendOutcome::TenantClosed] => return Err(StoreError::TenantClosed),
        [AppendOutcome::NotRecorded] => "its category is switched off",
        [AppendOutcome::Duplicate(_) | AppendOutcome::IdReused] => "its id was used before",
        _ => "not exactly one outcome",
    };
    Err(StoreError::Database(format!("the witness of a change was not recorded: {refusal}").into()))
}
