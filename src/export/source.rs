//! The events that a job wants, in bounded steps.

use crate::{
    codec::wire,
    domain::{event::RecordedEvent, filter::EventFilter, id::TenantId, query::Order},
    store::{Store, StoreError, contract::ScanRequest},
};

use super::run::RunError;

const STEP_EVENTS: usize = 1_000;
const STEP_BYTES: usize = 1024 * 1024;

/// Where a file's events come from.
pub(super) struct Source<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) tenant: &'a TenantId,
    pub(super) filter: &'a EventFilter,
    pub(super) with_personal: bool,
}

/// What one step found.
pub(super) struct Step {
    /// Wanted events in order.
    pub(super) events: Vec<RecordedEvent>,
    /// Everything up to here has been looked at.
    pub(super) scanned: u64,
}

impl Source<'_> {
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
            with_personal: self.with_personal || self.filter.needs_personal(),
        };
        let page = self.store.scan_payloads(request).await?;
        if !(from..=through).contains(&page.scanned) {
            return Err(StoreError::Damaged("a scan did not get any further".to_owned()).into());
        }
        let mut events = Vec::with_capacity(page.events.len());
        for stored in &page.events {
            let event = wire::decode_stored(&stored.payload, stored.personal.as_ref())?;
            if self.filter.matches(&event) {
                events.push(event);
            }
        }
        Ok(Step { events, scanned: page.scanned })
    }
}
