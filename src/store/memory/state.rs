//! What the model keeps, and the rules for appending to it.

use std::{collections::BTreeMap, sync::Arc};

use uuid::Uuid;

use crate::{
    codec::stored,
    domain::{
        catalogue::EventType,
        export::{ExportFile, ExportJob, ExportRun, JobSettings},
        id::{EventId, TenantId},
        receipt::Stamp,
        subscription::Subscription,
        tenant::{Tenant, TenantSettings},
        time::Timestamp,
    },
    store::{
        StoreError,
        contract::{AppendOutcome, Installation, NewEvent, StoredEvent},
    },
};

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) installation: Option<Installation>,
    pub(super) logs: BTreeMap<TenantId, Log>,
    /// Deleted ones too.
    pub(super) jobs: Vec<Job>,
    pub(super) subscriptions: BTreeMap<(TenantId, String), Subscribed>,
}

#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) tenant: Tenant,
    pub(super) last_recorded: Timestamp,
    /// The event with sequence n stands at n - 1.
    pub(super) events: Vec<Arc<Kept>>,
}

#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) id: EventId,
    pub(super) event_type: EventType,
    pub(super) occurred: Timestamp,
    pub(super) fingerprint: [u8; 32],
    pub(super) fingerprint_version: u8,
    pub(super) stored: StoredEvent,
}

#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) job: ExportJob,
    pub(super) revisions: Vec<JobSettings>,
    pub(super) sealed_secrets: Option<Vec<u8>>,
    pub(super) deleted: bool,
    pub(super) fence: u64,
    /// `None`: nobody has it.
    pub(super) lease_until: Option<Timestamp>,
    /// The file with number n stands at n - 1.
    pub(super) files: Vec<ExportFile>,
    pub(super) runs: Vec<ExportRun>,
}

#[derive(Clone, Debug)]
pub(super) struct Subscribed {
    pub(super) subscription: Subscription,
    /// Who holds it, and until when unless renewed.
    pub(super) held: Option<(Uuid, Timestamp)>,
}

impl State {
    pub(super) fn new(now: Timestamp) -> Self {
        let mut state = Self::default();
        state.add_log(TenantId::default_tenant(), String::new(), TenantSettings::default(), now);
        state
    }

    pub(super) fn add_log(
        &mut self,
        id: TenantId,
        display_name: String,
        settings: TenantSettings,
        now: Timestamp,
    ) {
        let tenant = Tenant {
            id: id.clone(),
            display_name,
            closed: false,
            settings,
            revision: 1,
            created: now,
            updated: now,
            head_sequence: 0,
        };
        self.logs.insert(id, Log { tenant, last_recorded: Timestamp::default(), events: Vec::new() });
    }

    pub(super) fn log(&self, id: &TenantId) -> Result<&Log, StoreError> {
        self.logs.get(id).ok_or(StoreError::TenantNotFound)
    }

    pub(super) fn log_mut(&mut self, id: &TenantId) -> Result<&mut Log, StoreError> {
        self.logs.get_mut(id).ok_or(StoreError::TenantNotFound)
    }

    pub(super) fn append(&mut self, event: &NewEvent, now: Timestamp) -> AppendOutcome {
        let Some(log) = self.logs.get_mut(&event.tenant) else { return AppendOutcome::TenantNotFound };
        if let Some(known) = log.events.iter().find(|known| known.id == event.id) {
            return known.met_again(event);
        }
        if log.tenant.closed {
            return AppendOutcome::TenantClosed;
        }
        if event.switch.is_some_and(|category| !log.tenant.settings.keeps(category)) {
            return AppendOutcome::NotRecorded;
        }
        let sequence = log.events.len() as u64 + 1;
        let recorded = log.last_recorded.max(now);
        let payload = stored::finish(&event.content, sequence, recorded);
        let leaf_hash = stored::leaf_hash(&payload);
        let personal = event.personal.clone();
        log.events.push(Arc::new(Kept {
            id: event.id,
            event_type: event.event_type,
            occurred: event.occurred,
            fingerprint: event.fingerprint,
            fingerprint_version: event.fingerprint_version,
            stored: StoredEvent { sequence, recorded, leaf_hash, payload: payload.into(), personal },
        }));
        log.last_recorded = recorded;
        log.tenant.head_sequence = sequence;
        AppendOutcome::Recorded(Stamp { sequence, recorded, leaf_hash })
    }

    /// Appends the event that tells of a change, or refuses the change.
    pub(super) fn witness(&mut self, event: &NewEvent, now: Timestamp) -> Result<(), StoreError> {
        match self.append(event, now) {
            AppendOutcome::Recorded(_) => Ok(()),
            AppendOutcome::TenantNotFound => Err(StoreError::TenantNotFound),
            AppendOutcome::TenantClosed => Err(StoreError::TenantClosed),
            other => Err(StoreError::Database(format!("the witness was not recorded: {other:?}").into())),
        }
    }

    pub(super) fn grown_since(&self, before: &Self) -> Vec<TenantId> {
        let length = |state: &Self, id| state.logs.get(id).map_or(0, |log| log.events.len());
        self.logs.keys().filter(|id| length(self, id) > length(before, id)).cloned().collect()
    }
}

impl Kept {
    fn met_again(&self, event: &NewEvent) -> AppendOutcome {
        let comparable = self.fingerprint_version == event.fingerprint_version;
        if comparable && self.fingerprint != event.fingerprint {
            return AppendOutcome::IdReused;
        }
        let StoredEvent { sequence, recorded, leaf_hash, .. } = self.stored;
        AppendOutcome::Duplicate(Stamp { sequence, recorded, leaf_hash })
    }
}
