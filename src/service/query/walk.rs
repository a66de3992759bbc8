//! A bounded walk up the log: so many positions and for so long, then it says how far it came.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    Queries,
    range::{Bounds, rest},
};
use crate::{
    domain::{filter::EventFilter, id::TenantId, query::Order, summary::Extent},
    service::ServiceError,
};

/// How far a call has come. It always takes at least one step.
pub(super) struct Walk {
    head: u64,
    first: u64,
    /// The next position to look at.
    next: u64,
    /// The last one that the filter asks for.
    last: u64,
    /// The last one that this call may look at.
    end: u64,
    until: Instant,
}

impl Walk {
    /// At the first position that the filter asks for. `time`: how long the caller wants to wait, at most.
    pub(super) async fn start(
        queries: &Queries,
        tenant: &TenantId,
        filter: &EventFilter,
        time: Option<Duration>,
    ) -> Result<Self, ServiceError> {
        let options = &queries.options;
        let until = Instant::now() + time.map_or(options.count_time, |time| time.min(options.count_time));
        let head = queries.store.head(tenant).await?.sequence;
        let bounds = Bounds::find(&*queries.store, tenant, filter, head).await?;
        let (first, last) = rest(Order::Ascending, 0, head, bounds).unwrap_or_else(|| nothing(head, bounds));
        let end = last.min(first.saturating_add(options.count_positions.max(1) - 1));
        Ok(Self { head, first, next: first, last, end, until })
    }

    /// The first and the last position of the next step; `None` at the end or at a bound.
    pub(super) fn step(&self) -> Option<(u64, u64)> {
        let in_time = self.next == self.first || Instant::now() < self.until;
        (self.next <= self.end && in_time).then_some((self.next, self.end))
    }

    /// Everything up to `scanned` has been looked at.
    pub(super) fn looked(&mut self, scanned: u64) {
        self.next = scanned.saturating_add(1);
    }

    pub(super) fn extent(&self) -> Extent {
        Extent {
            head: self.head,
            scanned: self.last.min(self.next.saturating_sub(1)),
            complete: self.next > self.last,
            looked: self.next - self.first,
        }
    }
}

/// There is nothing that the filter asks for up to the head.
fn nothing(head: u64, bounds: Bounds) -> (u64, u64) {
    let last = match bounds.before {
        0 => head,
        before => head.min(before - 1),
    };
    (last.saturating_add(1), last)
}
