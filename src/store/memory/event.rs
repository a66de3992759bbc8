//! Events.

use async_trait::async_trait;
use tokio::sync::watch;

use super::{MemoryStore, state::Kept};
use crate::{
    domain::{
        catalogue::EventType,
        filter::EventFilter,
        id::{EventId, TenantId},
        query::Order,
        time::Timestamp,
    },
    store::{
        EventStore, StoreError,
        contract::{
            AppendOutcome, CountPage, CountRequest, Head, NewEvent, ScanPage, ScanRequest, StoredEvent,
        },
    },
};

#[async_trait]
impl EventStore for MemoryStore {
    async fn append(&self, events: &[NewEvent], now: Timestamp) -> Result<Vec<AppendOutcome>, StoreError> {
        self.change(|state| Ok(events.iter().map(|event| state.append(event, now)).collect()))
    }

    async fn event_by_id(&self, tenant: &TenantId, id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        let state = self.state();
        let kept = state.log(tenant)?.events.iter().find(|kept| kept.id == id);
        Ok(kept.map(|kept| kept.stored.clone()))
    }

    async fn event_at(&self, tenant: &TenantId, sequence: u64) -> Result<Option<StoredEvent>, StoreError> {
        let state = self.state();
        let kept = state.log(tenant)?.events.iter().find(|kept| kept.stored.sequence == sequence);
        Ok(kept.map(|kept| kept.stored.clone()))
    }

    async fn head(&self, tenant: &TenantId) -> Result<Head, StoreError> {
        let state = self.state();
        let log = state.log(tenant)?;
        Ok(Head { sequence: log.tenant.head_sequence, recorded: log.last_recorded })
    }

    async fn scan(&self, request: ScanRequest<'_>) -> Result<ScanPage, StoreError> {
        let state = self.state();
        let (lowest, highest) = match request.order {
            Order::Ascending => (request.from, request.through),
            Order::Descending => (request.through, request.from),
        };
        let mut hits: Vec<&Kept> = state
            .log(request.tenant)?
            .events
            .iter()
            .map(AsRef::as_ref)
            .filter(|kept| (lowest..=highest).contains(&kept.stored.sequence))
            .filter(|kept| may_match(kept, request.filter))
            .collect();
        if request.order == Order::Descending {
            hits.reverse();
        }
        let mut page = ScanPage { events: Vec::new(), scanned: request.through };
        let mut bytes = 0;
        for kept in hits {
            let mut event = kept.stored.clone();
            if !request.with_personal {
                event.personal = None;
            }
            bytes += event.payload.len();
            page.events.push(event);
            if bytes >= request.max_bytes || page.events.len() >= request.max_events {
                page.scanned = kept.stored.sequence;
                break;
            }
        }
        Ok(page)
    }

    async fn count(&self, request: CountRequest<'_>) -> Result<CountPage, StoreError> {
        let state = self.state();
        let events = state.log(request.tenant)?.events.iter();
        let within = |kept: &Kept| (request.from..=request.through).contains(&kept.stored.sequence);
        let hits = events.filter(|kept| within(kept) && may_match(kept, request.filter));
        Ok(CountPage { count: hits.count() as u64, scanned: request.through })
    }

    fn wakeups(&self, tenant: &TenantId) -> watch::Receiver<u64> {
        self.wakeups.subscribe(tenant)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What columns can tell.
fn may_match(kept: &Kept, filter: &EventFilter) -> bool {
    let sequence = kept.stored.sequence;
    let within = |time: Timestamp, from: Option<Timestamp>, before: Option<Timestamp>| {
        from.is_none_or(|from| from <= time) && before.is_none_or(|before| time < before)
    };
    let custom = kept.event_type == EventType::CUSTOM && !filter.custom_types.is_empty();
    let any_type = filter.types.is_empty() && filter.custom_types.is_empty();
    sequence >= filter.sequence_from
        && (filter.sequence_before == 0 || sequence < filter.sequence_before)
        && within(kept.stored.recorded, filter.recorded_from, filter.recorded_before)
        && within(kept.occurred, filter.occurred_from, filter.occurred_before)
        && (any_type || custom || filter.types.contains(&kept.event_type))
        && (filter.categories.is_empty() || filter.categories.contains(&kept.event_type.category()))
        && (filter.event_ids.is_empty() || filter.event_ids.contains(&kept.id))
}
