//! What the bulk paths of all databases share: the batch with the keys of its tenants, and its rows read back.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::{
    convert,
    decide::{Decision, Known, KnownEvents, decide},
    log::Log,
    tenant_key::TenantKey,
};
use crate::{
    domain::{
        id::{EventId, TenantId},
        tenant::TenantSettings,
        time::Timestamp,
    },
    store::{
        StoreError,
        contract::{Head, NewEvent},
    },
};

/// A batch to append, and what was read about it. Only tenants that exist have keys.
pub(super) struct Batch<'a> {
    events: &'a [NewEvent],
    keys: &'a HashMap<TenantId, TenantKey>,
    tenants: HashMap<i32, (&'a TenantId, TenantKey)>,
    heads: HashMap<i32, Head>,
    logs: HashMap<TenantId, Log>,
    known: KnownEvents,
}

/// What a tenant's row says about new events.
pub(super) struct TenantRow {
    pub(super) tenant_key: i32,
    pub(super) closed: bool,
    pub(super) security: bool,
    pub(super) data_access: bool,
    pub(super) custom: bool,
}

/// What an event's row says about one with the same id.
pub(super) struct KnownRow {
    pub(super) tenant_key: i32,
    pub(super) event_id: Uuid,
    pub(super) sequence: i64,
    pub(super) recorded_time: i64,
    pub(super) leaf_hash: Vec<u8>,
    pub(super) fingerprint: Option<Vec<u8>>,
    pub(super) fingerprint_version: i16,
}

impl<'a> Batch<'a> {
    pub(super) fn new(events: &'a [NewEvent], keys: &'a HashMap<TenantId, TenantKey>) -> Self {
        let tenants = keys.iter().map(|(id, key)| (key.get(), (id, *key))).collect();
        Self { events, keys, tenants, heads: HashMap::new(), logs: HashMap::new(), known: HashMap::new() }
    }

    /// The tenants, in the order in which their heads are locked.
    pub(super) fn tenant_keys(&self) -> Vec<i32> {
        self.tenants.keys().copied().collect::<BTreeSet<i32>>().into_iter().collect()
    }

    /// The ids to look up.
    pub(super) fn wanted(&self) -> impl Iterator<Item = (i32, Uuid)> {
        self.events.iter().filter_map(|event| Some((self.keys.get(&event.tenant)?.get(), event.id.uuid())))
    }

    /// Notes a locked head.
    pub(super) fn head(&mut self, tenant_key: i32, sequence: i64, recorded: i64) -> Result<(), StoreError> {
        let head =
            Head { sequence: convert::unsigned(sequence)?, recorded: Timestamp::from_micros(recorded) };
        self.heads.insert(tenant_key, head);
        Ok(())
    }

    /// Notes a tenant whose head was noted before; again and again, if need be.
    pub(super) fn tenant(&mut self, row: &TenantRow) -> Result<(), StoreError> {
        let Some((id, key)) = self.tenants.get(&row.tenant_key) else { return Ok(()) };
        let Some(head) = self.heads.get(&row.tenant_key) else {
            return Err(StoreError::Damaged(format!("tenant {id} has no head")));
        };
        let settings = TenantSettings {
            security_events_enabled: row.security,
            data_access_events_enabled: row.data_access,
            custom_events_enabled: row.custom,
        };
        let log = Log { key: *key, head: *head, closed: row.closed, settings };
        self.logs.insert((*id).clone(), log);
        Ok(())
    }

    /// Notes an event that is there; again and again, if need be.
    pub(super) fn known(&mut self, row: &KnownRow) -> Result<(), StoreError> {
        let Some((_, key)) = self.tenants.get(&row.tenant_key) else { return Ok(()) };
        let known = Known {
            stamp: convert::stamp(row.sequence, row.recorded_time, &row.leaf_hash)?,
            fingerprint: row.fingerprint.as_deref().map(convert::digest).transpose()?,
            fingerprint_version: row.fingerprint_version,
        };
        self.known.insert((*key, EventId::from(row.event_id)), known);
        Ok(())
    }

    /// Decides about the whole batch, once all is noted.
    pub(super) fn decide(self, now: Timestamp) -> Decision {
        decide(self.logs, self.known, self.events, now)
    }
}
