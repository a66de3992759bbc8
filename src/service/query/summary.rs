//! Counting what matches, in the same bounded steps as queries: no connection is held between two of them, and
//! a call that is dropped takes no further one.

use std::time::Duration;

use super::{Queries, density::Density, walk::Walk};
use crate::{
    codec::wire::decode_stored,
    domain::{
        event::RecordedEvent,
        filter::EventFilter,
        id::TenantId,
        query::Order,
        summary::{Count, Extent, Summary, SummaryRequest},
    },
    service::ServiceError,
    store::contract::{CountPage, CountRequest, ScanRequest},
};

impl Queries {
    /// How many events match. `time`: how long the caller wants to wait, at most.
    pub async fn count(
        &self,
        tenant: &TenantId,
        filter: &EventFilter,
        time: Option<Duration>,
    ) -> Result<Count, ServiceError> {
        let mut walk = Walk::start(self, tenant, filter, time).await?;
        let (mut count, mut density) = (0, Density::default());
        while let Some((from, through)) = walk.step() {
            let scanned = if filter.asks_columns_only() {
                let request = CountRequest { tenant, from, through, filter };
                let CountPage { count: found, scanned } = self.store.count(request).await?;
                count += found;
                scanned
            } else {
                self.visit(tenant, filter, (from, through), &mut density, |_| count += 1).await?
            };
            walk.looked(scanned);
            self.may_go_on().await?;
        }
        Ok(Count { count, extent: walk.extent() })
    }

    /// Counts what matches by time, type, actor and outcome. `time`: how long the caller wants to wait, at most.
    pub async fn summarize(
        &self,
        request: &SummaryRequest,
        time: Option<Duration>,
    ) -> Result<(Summary, Extent), ServiceError> {
        let SummaryRequest { tenant, filter, bucket_seconds, .. } = request;
        let mut walk = Walk::start(self, tenant, filter, time).await?;
        let (mut summary, mut density) = (Summary::new(*bucket_seconds), Density::default());
        while let Some((from, through)) = walk.step() {
            let add = |event: &RecordedEvent| summary.add(event, request.time);
            walk.looked(self.visit(tenant, filter, (from, through), &mut density, add).await?);
            self.may_go_on().await?;
        }
        Ok((summary, walk.extent()))
    }

    /// Reads one step, shows every event that matches, and returns how far it got.
    async fn visit(
        &self,
        tenant: &TenantId,
        filter: &EventFilter,
        (from, through): (u64, u64),
        density: &mut Density,
        mut show: impl FnMut(&RecordedEvent),
    ) -> Result<u64, ServiceError> {
        let (max_events, max_bytes) = (self.options.chunk_events, self.options.batch_bytes);
        let request = ScanRequest {
            tenant,
            order: Order::Ascending,
            from,
            through,
            filter,
            max_events,
            max_bytes,
            with_personal: filter.needs_personal(),
            full_after: density.full_after(max_events, max_bytes),
        };
        let page = self.store.scan_payloads(request).await?;
        let scanned = page.scanned;
        density.learn(scanned.abs_diff(from) + 1, &page);
        for event in &page.events {
            let event = decode_stored(&event.payload, event.personal.as_ref())?;
            if filter.matches(&event) {
                show(&event);
            }
        }
        Ok(scanned)
    }

    /// Lets others run between two steps, also over a store that never waits.
    async fn may_go_on(&self) -> Result<(), ServiceError> {
        tokio::task::yield_now().await;
        if self.shutdown.is_cancelled() { Err(ServiceError::ShuttingDown) } else { Ok(()) }
    }
}
