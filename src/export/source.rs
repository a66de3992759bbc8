//! The events that a job wants, in bounded steps.

use crate::{
    codec::wire,
    domain::{
        event::{Personal, RecordedEvent},
        export::{JobSettings, NationalIdMode},
        filter::EventFilter,
        id::TenantId,
        query::Order,
    },
    store::{Store, StoreError, contract::ScanRequest},
    vault::Vault,
};

use super::run::RunError;

const STEP_EVENTS: usize = 1_000;
const STEP_BYTES: usize = 1024 * 1024;

/// Where a file's events come from.
pub(super) struct Source<'a> {
    store: &'a dyn Store,
    tenant: &'a TenantId,
    filter: &'a EventFilter,
    national_id: NationalIdMode,
    vault: &'a Vault,
}

/// What one step found.
pub(super) struct Step {
    /// Wanted events in order.
    pub(super) events: Vec<RecordedEvent>,
    /// Everything up to here has been looked at.
    pub(super) scanned: u64,
}

impl<'a> Source<'a> {
    /// The events that a job with `settings` wants.
    pub(super) fn new(
        store: &'a dyn Store,
        vault: &'a Vault,
        tenant: &'a TenantId,
        settings: &'a JobSettings,
    ) -> Self {
        Self { store, tenant, filter: &settings.filter, national_id: settings.national_id, vault }
    }

    /// Looks at some positions of `from..=through`, at least at one.
    pub(super) async fn step(&self, from: u64, through: u64) -> Result<Step, RunError> {
        let request = ScanRequest {
            tenant: self.tenant,
            order: Order::Ascending,
            from,
            through,
            filter: self.filter,
            max_events: STEP_EVENTS,
            max_bytes: STEP_BYTES,
            with_personal: self.national_id != NationalIdMode::Omit || self.filter.needs_personal(),
        };
        let page = self.store.scan_payloads(request).await?;
        if !(from..=through).contains(&page.scanned) {
            return Err(StoreError::Damaged("a scan did not get any further".to_owned()).into());
        }
        let mut events = Vec::with_capacity(page.events.len());
        for stored in &page.events {
            let mut event = wire::decode_stored(&stored.payload, stored.personal.as_ref())?;
            if self.filter.matches(&event) {
                self.hide(&mut event);
                events.push(event);
            }
        }
        Ok(Step { events, scanned: page.scanned })
    }

    /// Puts what stands for national ids in their place, where that is wanted. The filter has seen them.
    fn hide(&self, event: &mut RecordedEvent) {
        if self.national_id != NationalIdMode::Hash {
            return;
        }
        let Some(Personal { actor_national_id, subject_national_ids }) = &mut event.event.personal else {
            return;
        };
        let ids = std::iter::once(actor_national_id).chain(subject_national_ids);
        for id in ids.filter(|id| !id.is_empty()) {
            *id = self.vault.pseudonym(self.tenant.as_str(), id);
        }
    }
}
