//! Reading events: one by its key, a stream of those that match, or how many there are.

mod ahead;
mod density;
mod follow;
mod range;
mod stream;
mod summary;
mod tail;
mod walk;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::Stream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::{ahead::Ahead, tail::Tails};
use super::{ServiceError, token::Tokens};
use crate::{
    codec::stored::with_personal,
    domain::{
        id::{EventId, TenantId},
        query::{Message, Query},
    },
    store::LogStore,
};

/// How reading is bounded and timed.
#[derive(Clone, Debug)]
pub struct QueryOptions {
    /// Events read from the store in one step.
    pub chunk_events: usize,
    /// Bytes of one batch.
    pub batch_bytes: usize,
    /// Batches that all queries of a server may have read ahead, each one at most.
    pub batches_ahead: usize,
    /// The largest event there can be, in bytes.
    pub event_bytes: usize,
    /// A stream that has nothing to say for this long says so.
    pub progress_interval: Duration,
    /// How often a tail looks for events that nobody told it of.
    pub poll_interval: Duration,
    /// A tail reads at most once in this time; what was committed meanwhile is read together.
    pub tail_pause: Duration,
    /// Recent events that a tail keeps for its followers.
    pub tail_events: usize,
    /// Bytes that all tails keep.
    pub tail_bytes: usize,
    /// Positions that one call looks at when it counts.
    pub count_positions: u64,
    /// How long one call counts.
    pub count_time: Duration,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self {
            chunk_events: 1_000,
            batch_bytes: 1024 * 1024,
            batches_ahead: 16,
            event_bytes: 64 * 1024,
            progress_interval: Duration::from_secs(10),
            poll_interval: Duration::from_secs(1),
            tail_pause: Duration::from_millis(20),
            tail_events: 4_096,
            tail_bytes: 64 * 1024 * 1024,
            count_positions: 10_000_000,
            count_time: Duration::from_secs(20),
        }
    }
}

/// Which event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// By its id.
    Id(EventId),
    /// By its place.
    Sequence(u64),
}

/// One message of a query's stream: what it says, and the token that goes on after it.
pub type Item = (Message<Bytes>, Vec<u8>);

/// Reads events.
#[derive(Clone)]
pub struct Queries {
    store: Arc<dyn LogStore>,
    tokens: Tokens,
    installation: [u8; 16],
    options: QueryOptions,
    tails: Tails,
    ahead: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Queries {
    /// Everything that reading needs; `shutdown` ends streams with `ShuttingDown`.
    pub fn new(
        store: Arc<dyn LogStore>,
        tokens: Tokens,
        installation: [u8; 16],
        options: QueryOptions,
        shutdown: CancellationToken,
    ) -> Self {
        let tails = Tails::new(store.clone(), options.clone(), shutdown.clone());
        let ahead = Arc::new(Semaphore::new(options.batches_ahead.min(Semaphore::MAX_PERMITS)));
        Self { store, tokens, installation, options, tails, ahead, shutdown }
    }

    /// One event as an encoded `vidne.v1.Event`.
    pub async fn get(&self, tenant: &TenantId, key: Key, show_personal: bool) -> Result<Bytes, ServiceError> {
        let found = match key {
            Key::Id(id) => self.store.event_by_id(tenant, id).await?,
            Key::Sequence(sequence) => self.store.event_at(tenant, sequence).await?,
        };
        let Some(event) = found else {
            // Tells a missing tenant from a missing event.
            self.store.head(tenant).await?;
            return Err(ServiceError::EventNotFound);
        };
        Ok(with_personal(&event.payload, event.personal.as_ref().filter(|_| show_personal)))
    }

    /// The events that match, as encoded `vidne.v1.Event`s. Bad requests fail here, before the stream begins.
    pub async fn query(
        &self,
        query: Query,
    ) -> Result<impl Stream<Item = Result<Item, ServiceError>> + Send + 'static + use<>, ServiceError> {
        let reader = stream::Reader::start(self.clone(), query).await?;
        Ok(futures::stream::unfold(Ahead::new(reader, self.ahead.clone()), |mut ahead| async {
            let item = ahead.next().await?;
            Some((item, ahead))
        }))
    }
}
