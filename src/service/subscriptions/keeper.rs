//! What a consumer writes to the store: its lease and its position.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    domain::{id::TenantId, time::Clock},
    service::ServiceError,
    store::{
        Store, StoreError,
        contract::{Holding, Taken},
    },
};

/// How often the last writes of a stream are tried, and the pause between.
const LAST_TRIES: usize = 3;
const LAST_PAUSE: Duration = Duration::from_millis(500);

/// Writes for one holder. Cheap to clone.
#[derive(Clone)]
pub(super) struct Keeper {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    holding: Holding,
    lease: Duration,
}

impl Keeper {
    pub(super) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        holding: Holding,
        lease: Duration,
    ) -> Self {
        Self { store, clock, holding, lease }
    }

    pub(super) fn tenant(&self) -> &TenantId {
        &self.holding.of.tenant
    }

    pub(super) async fn take(&self, consumer: &str) -> Result<Taken, ServiceError> {
        match self.store.take_subscription(&self.holding, consumer, self.lease).await {
            Ok(taken) => Ok(taken),
            Err(error) => {
                // A commit of unknown outcome may have taken it.
                if matches!(error, StoreError::Unavailable(_)) {
                    self.release().await;
                }
                Err(error.into())
            }
        }
    }

    pub(super) async fn renew(self) -> Result<(), StoreError> {
        self.store.renew_subscription(&self.holding, self.lease).await
    }

    pub(super) async fn acknowledge(self, position: u64) -> Result<(), StoreError> {
        self.store.acknowledge(&self.holding, position, self.clock.now()).await
    }

    /// The last acknowledgement of a stream: tried a few times, and logged if it cannot be kept. The events
    /// are then delivered again.
    pub(super) async fn acknowledge_last(&self, position: u64) -> Result<(), StoreError> {
        let mut tries = 1;
        loop {
            match self.clone().acknowledge(position).await {
                Err(error) if passes(&error) && tries < LAST_TRIES => {
                    tries += 1;
                    sleep(LAST_PAUSE).await;
                }
                Err(error) => {
                    tracing::warn!(subscription = self.holding.of.name, %error, "a last acknowledgement was lost");
                    return Err(error);
                }
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Gives the subscription back: tried a few times; else the lease has to end by itself.
    pub(super) async fn release(&self) {
        for attempt in 1..=LAST_TRIES {
            match self.store.release_subscription(&self.holding).await {
                Err(error) if passes(&error) && attempt < LAST_TRIES => sleep(LAST_PAUSE).await,
                Err(error) => {
                    let name = &self.holding.of.name;
                    tracing::warn!(subscription = name, %error, "a subscription is held until its lease ends");
                    return;
                }
                Ok(()) => return,
            }
        }
    }
}

fn passes(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_) | StoreError::Busy(_))
}
