//! Room for events in the queues.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::service::ServiceError;

/// Bytes are counted in pieces of this size, since a semaphore counts to four billion at most.
const PIECE: usize = 1024;

/// What to do when there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Refuse at once with `Overloaded`.
    Now,
    /// Wait: the caller holds its own sender back.
    Wait,
}

/// Places in one committer's queue.
pub(super) struct Room {
    events: Arc<Semaphore>,
    capacity: usize,
}

impl Room {
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, u32::MAX as usize);
        Self { events: Arc::new(Semaphore::new(capacity)), capacity }
    }
}

/// Bytes of the whole server.
pub(super) struct Budget {
    pieces: Arc<Semaphore>,
    capacity: usize,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        let capacity = bytes.div_ceil(PIECE).clamp(1, u32::MAX as usize);
        Self { pieces: Arc::new(Semaphore::new(capacity)), capacity }
    }
}

/// Room that is given back when this is dropped.
pub(super) struct Admitted {
    _events: OwnedSemaphorePermit,
    _pieces: OwnedSemaphorePermit,
}

/// Finds room for `events` events of `bytes` bytes. What is larger than all the room there is takes all of it.
pub(super) async fn admit(
    room: &Room,
    budget: &Budget,
    events: usize,
    bytes: usize,
    admission: Admission,
) -> Result<Admitted, ServiceError> {
    let events = take(&room.events, events, room.capacity, admission).await?;
    let pieces = take(&budget.pieces, bytes.div_ceil(PIECE), budget.capacity, admission).await?;
    Ok(Admitted { _events: events, _pieces: pieces })
}

async fn take(
    semaphore: &Arc<Semaphore>,
    count: usize,
    capacity: usize,
    admission: Admission,
) -> Result<OwnedSemaphorePermit, ServiceError> {
    // Fits, since the capacity does.
    let count = count.min(capacity) as u32;
    match admission {
        Admission::Now => {
            semaphore.clone().try_acquire_many_owned(count).map_err(|_| ServiceError::Overloaded)
        }
        Admission::Wait => {
            semaphore.clone().acquire_many_owned(count).await.map_err(|_| ServiceError::ShuttingDown)
        }
    }
}
