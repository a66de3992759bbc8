//! The one reader of a log's tail.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::{Budget, Shared, State, Status, Window};
use crate::{
    domain::{filter::EventFilter, id::TenantId, query::Order},
    service::query::QueryOptions,
    store::{LogStore, StoreError, contract::ScanRequest},
};

/// Failures in a row after which followers are told. Until then the store may come back unnoticed.
const PATIENCE: u32 = 3;

pub(super) struct Task {
    pub(super) store: Arc<dyn LogStore>,
    pub(super) tenant: TenantId,
    pub(super) options: QueryOptions,
    pub(super) budget: Arc<Budget>,
    pub(super) shared: Arc<Shared>,
    pub(super) tell: watch::Sender<Status>,
}

impl Task {
    /// Follows the log until the tenant is closed and everything is read. Dropped when nobody follows any more.
    pub(super) async fn run(self) {
        // Registered before the head is read, so that no commit in between goes unnoticed.
        let mut wakeups = self.store.wakeups(&self.tenant);
        let mut failures = 0;
        let mut look_at_tenant = true;
        let mut earliest = Instant::now();
        loop {
            wakeups.borrow_and_update();
            sleep_until(earliest).await;
            // Commits that come faster than this are read together.
            earliest = Instant::now() + self.options.tail_pause;
            match self.look(look_at_tenant).await {
                Ok(State::Closed) => {
                    // Kept for those who are not done with the window; ends with the last of them.
                    return std::future::pending().await;
                }
                Ok(_) => failures = 0,
                Err(error) => {
                    failures += 1;
                    self.failed(failures, &error);
                }
            }
            tokio::select! {
                // Once the store is gone this branch rests.
                Ok(()) = wakeups.changed(), if failures == 0 => look_at_tenant = false,
                // Also finds what other servers recorded, should no notification come.
                () = sleep(self.options.poll_interval.max(Duration::from_millis(1))) => look_at_tenant = true,
            }
        }
    }

    /// Reads all there is after the window.
    async fn look(&self, look_at_tenant: bool) -> Result<State, StoreError> {
        // Looked at before the log: once a tenant is closed nothing is added to it.
        let closed = look_at_tenant && self.store.tenant(&self.tenant).await?.is_some_and(|t| t.closed);
        if self.shared.window().is_none() {
            let head = self.store.head(&self.tenant).await?.sequence;
            let window = Window::after(head, self.options.tail_events, self.budget.clone());
            *self.shared.window() = Some(window);
        }
        while self.read().await? {}
        let state = if closed { State::Closed } else { State::Following };
        self.tell(state);
        Ok(state)
    }

    /// Reads one chunk; whether there may be more.
    async fn read(&self) -> Result<bool, StoreError> {
        let Some(last) = self.shared.window().as_ref().map(Window::last) else { return Ok(false) };
        let chunk = self.options.chunk_events.max(1);
        let page = self
            .store
            .scan(ScanRequest {
                tenant: &self.tenant,
                order: Order::Ascending,
                from: last + 1,
                // Past the head, maybe: what counts here is what is found, and that is without holes.
                through: last.saturating_add(chunk as u64),
                filter: &EventFilter::default(),
                max_events: chunk,
                max_bytes: self.options.batch_bytes.max(1),
                with_personal: true,
                full_after: 0,
            })
            .await?;
        if page.events.is_empty() {
            return Ok(false);
        }
        if let Some(window) = self.shared.window().as_mut() {
            window.push(page.events).map_err(|sequence| {
                let last = window.last();
                StoreError::Damaged(format!(
                    "the log of {} goes on with {sequence} after {last}",
                    self.tenant
                ))
            })?;
        }
        self.tell(State::Following);
        Ok(true)
    }

    fn failed(&self, failures: u32, error: &StoreError) {
        if failures == PATIENCE {
            tracing::warn!(%error, tenant = %self.tenant, "a log cannot be followed; its followers are told");
            self.tell(State::Away);
        }
    }

    fn tell(&self, state: State) {
        let last = self.shared.window().as_ref().map_or(0, Window::last);
        self.tell.send_if_modified(|status| {
            let changed = status.last != last || status.state != state;
            *status = Status { last, state };
            changed
        });
    }
}
