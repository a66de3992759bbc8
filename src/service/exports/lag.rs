//! How far a job is behind its log, and where a new one begins.

use super::Exports;
use crate::{
    domain::{
        export::{ExportJob, Lag, Start},
        filter::EventFilter,
        id::TenantId,
        query::Order,
    },
    service::ServiceError,
    store::contract::ScanRequest,
};

impl Exports {
    /// How far a job is behind its log.
    pub async fn lag(&self, job: &ExportJob) -> Result<Lag, ServiceError> {
        let head = self.store().head(&job.tenant).await?.sequence;
        let head_sequence = job.standing.reexport.as_ref().map_or(head, |again| again.end);
        if head_sequence <= job.scanned_sequence {
            return Ok(Lag { head_sequence, waiting_since: None });
        }
        let first = self.store().event_at(&job.tenant, job.scanned_sequence + 1).await?;
        Ok(Lag { head_sequence, waiting_since: first.map(|event| event.recorded) })
    }

    /// The position before the first one that a new job exports.
    pub(super) async fn start_after(&self, tenant: &TenantId, start: Start) -> Result<u64, ServiceError> {
        match start {
            Start::Beginning => Ok(0),
            Start::Sequence(sequence) => Ok(sequence.saturating_sub(1)),
            Start::Now => Ok(self.store().head(tenant).await?.sequence),
            Start::At(time) => {
                let filter = EventFilter { recorded_from: Some(time), ..EventFilter::default() };
                let head = self.store().head(tenant).await?.sequence;
                let first = self.first_match(tenant, &filter, 1, head).await?;
                Ok(first.map_or(head, |first| first - 1))
            }
        }
    }

    /// The first position in `from..=through` whose event matches, as far as columns tell.
    pub(super) async fn first_match(
        &self,
        tenant: &TenantId,
        filter: &EventFilter,
        mut from: u64,
        through: u64,
    ) -> Result<Option<u64>, ServiceError> {
        while from <= through {
            let request = ScanRequest {
                tenant,
                order: Order::Ascending,
                from,
                through,
                filter,
                max_events: 1,
                max_bytes: usize::MAX,
                with_personal: false,
                full_after: 0,
            };
            let page = self.store().scan(request).await?;
            if let Some(event) = page.events.first() {
                return Ok(Some(event.sequence));
            }
            from = page.scanned.max(from) + 1;
        }
        Ok(None)
    }
}
