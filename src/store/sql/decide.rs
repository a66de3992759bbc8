//! What becomes of new events: decided under the locks of their logs, without touching the database.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use uuid::Uuid;

use super::{convert, log::Log, tenant_key::TenantKey};
use crate::{
    codec::stored,
    domain::{
        id::{EventId, TenantId},
        receipt::Stamp,
        time::Timestamp,
    },
    store::contract::{AppendOutcome, Head, NewEvent},
};

/// What is known about an event under the same id.
pub(super) struct Known {
    pub(super) stamp: Stamp,
    /// `None` once the person in it was erased.
    pub(super) fingerprint: Option<[u8; 32]>,
    pub(super) fingerprint_version: i16,
}

/// What is known about events, by tenant and id.
pub(super) type KnownEvents = HashMap<(TenantKey, EventId), Known>;

/// One row to be written.
pub(super) struct Row {
    pub(super) sequence: i64,
    pub(super) recorded_time: i64,
    pub(super) occurred_time: i64,
    pub(super) tenant_key: i32,
    pub(super) event_type: i16,
    pub(super) fingerprint_version: i16,
    pub(super) event_id: Uuid,
    pub(super) leaf_hash: [u8; 32],
    pub(super) fingerprint: [u8; 32],
    pub(super) payload: Vec<u8>,
    pub(super) personal: Option<Bytes>,
}

/// What is to be done.
pub(super) struct Decision {
    /// One for each event.
    pub(super) outcomes: Vec<AppendOutcome>,
    /// Numbered, in their order.
    pub(super) rows: Vec<Row>,
    /// Where the logs that grow will end.
    pub(super) heads: BTreeMap<TenantKey, Head>,
    /// All logs as they will be.
    pub(super) logs: Vec<Log>,
}

/// Decides about each event and numbers the new ones. `logs` are the locked ones, `known` what was found under
/// the events' ids.
pub(super) fn decide(
    mut logs: HashMap<TenantId, Log>,
    mut known: KnownEvents,
    events: &[NewEvent],
    now: Timestamp,
) -> Decision {
    let mut outcomes = Vec::with_capacity(events.len());
    let mut rows = Vec::with_capacity(events.len());
    let mut heads = BTreeMap::new();
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
            heads.insert(log.key, log.head);
        }
    }
    Decision { outcomes, rows, heads, logs: logs.into_values().collect() }
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
fn number(log: &mut Log, event: &NewEvent, now: Timestamp) -> (Stamp, Row) {
    log.head.sequence += 1;
    log.head.recorded = log.head.recorded.max(now);
    let payload = stored::finish(&event.content, log.head.sequence, log.head.recorded);
    let leaf_hash = stored::leaf_hash(&payload);
    let stamp = Stamp { sequence: log.head.sequence, recorded: log.head.recorded, leaf_hash };
    let row = Row {
        sequence: convert::signed(stamp.sequence),
        recorded_time: stamp.recorded.micros(),
        occurred_time: event.occurred.micros(),
        tenant_key: log.key.get(),
        event_type: convert::event_type(event.event_type),
        fingerprint_version: i16::from(event.fingerprint_version),
        event_id: event.id.uuid(),
        leaf_hash,
        fingerprint: event.fingerprint,
        payload,
        personal: event.personal.clone(),
    };
    (stamp, row)
}
