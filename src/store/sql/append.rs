//! Appends events: under the locks of their logs, decides about each, numbers the new ones, writes in bulk.

use std::collections::{HashMap, HashSet};

use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::{
    convert,
    entity::events,
    error::db_error,
    log::{Log, lock_logs, save_heads},
    mysql,
    tenant_key::TenantKey,
};
use crate::{
    codec::stored,
    domain::{
        id::{EventId, TenantId},
        receipt::Stamp,
        time::Timestamp,
    },
    store::{
        StoreError,
        contract::{AppendOutcome, NewEvent},
    },
};

/// Rows of one INSERT. 11 binds each: far below SQLite's limit of 32,766 and PostgreSQL's of 65,535, and where
/// more rows gain little.
const INSERT_ROWS: usize = 500;

/// Bytes after which an INSERT takes no more rows. MariaDB takes statements of 16 MiB by default.
const INSERT_BYTES: usize = 4 << 20;

/// Values of one IN.
pub(super) const LOOKUP_ROWS: usize = 1_000;

/// What is known about an event under the same id.
struct Known {
    stamp: Stamp,
    /// `None` once the person in it was erased.
    fingerprint: Option<[u8; 32]>,
    fingerprint_version: i16,
}

/// Appends within a transaction. `keys` are those of the events' tenants that exist.
pub(super) async fn append(
    transaction: &DatabaseTransaction,
    keys: &HashMap<TenantId, TenantKey>,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<Vec<AppendOutcome>, StoreError> {
    let mut logs = lock_logs(transaction, keys).await?;
    let mut known = look_up(transaction, &logs, events).await?;
    let mut outcomes = Vec::with_capacity(events.len());
    let mut rows = Vec::new();
    let mut grown = HashSet::new();
    for event in events {
        let Some(log) = logs.get_mut(&event.tenant) else {
            outcomes.push(AppendOutcome::TenantNotFound);
            continue;
        };
        if let Some(known) = known.get(&(log.key, event.id)) {
            outcomes.push(met_again(known, event));
        } else if log.closed {
            outcomes.push(AppendOutcome::TenantClosed);
        } else if event.switch.is_some_and(|category| !log.settings.keeps(category)) {
            outcomes.push(AppendOutcome::NotRecorded);
        } else {
            let (stamp, row) = number(log, event, now);
            let fingerprint = Some(event.fingerprint);
            let fingerprint_version = i16::from(event.fingerprint_version);
            known.insert((log.key, event.id), Known { stamp, fingerprint, fingerprint_version });
            outcomes.push(AppendOutcome::Recorded(stamp));
            rows.push(row);
            grown.insert(log.key);
        }
    }
    insert(transaction, rows).await?;
    save_heads(transaction, logs.values().filter(|log| grown.contains(&log.key))).await?;
    mysql::flush(transaction, logs.values().next().map(|log| log.key), &outcomes).await?;
    Ok(outcomes)
}

/// The same content, as far as can be told: a fingerprint that is gone or was made by another rule tells
/// nothing, and an id is not reused by accident.
fn met_again(known: &Known, event: &NewEvent) -> AppendOutcome {
    let comparable = known.fingerprint_version == i16::from(event.fingerprint_version);
    match known.fingerprint {
        Some(fingerprint) if comparable && fingerprint != event.fingerprint => AppendOutcome::IdReused,
        _ => AppendOutcome::Duplicate(known.stamp),
    }
}

/// Gives an event its place and time.
fn number(log: &mut Log, event: &NewEvent, now: Timestamp) -> (Stamp, events::ActiveModel) {
    log.head.sequence += 1;
    log.head.recorded = log.head.recorded.max(now);
    let payload = stored::finish(&event.content, log.head.sequence, log.head.recorded);
    let leaf_hash = stored::leaf_hash(&payload);
    let stamp = Stamp { sequence: log.head.sequence, recorded: log.head.recorded, leaf_hash };
    let row = events::ActiveModel {
        sequence: Set(convert::signed(stamp.sequence)),
        recorded_time: Set(stamp.recorded.micros()),
        occurred_time: Set(event.occurred.micros()),
        tenant_key: Set(log.key.get()),
        event_type: Set(convert::event_type(event.event_type)),
        fingerprint_version: Set(i16::from(event.fingerprint_version)),
        event_id: Set(event.id.uuid()),
        leaf_hash: Set(leaf_hash.to_vec()),
        fingerprint: Set(Some(event.fingerprint.to_vec())),
        payload: Set(payload),
        personal: Set(event.personal.as_ref().map(|bytes| bytes.to_vec())),
    };
    (stamp, row)
}

async fn look_up(
    transaction: &DatabaseTransaction,
    logs: &HashMap<TenantId, Log>,
    new: &[NewEvent],
) -> Result<HashMap<(TenantKey, EventId), Known>, StoreError> {
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

async fn insert(transaction: &DatabaseTransaction, rows: Vec<events::ActiveModel>) -> Result<(), StoreError> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let (mut some, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next_if(|_| some.len() < INSERT_ROWS && bytes < INSERT_BYTES) {
            bytes += row.payload.as_ref().len() + row.personal.as_ref().as_ref().map_or(0, Vec::len);
            some.push(row);
        }
        events::Entity::insert_many(some).exec_without_returning(transaction).await.map_err(db_error)?;
    }
    Ok(())
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
