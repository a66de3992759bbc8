//! The bound on memory: events and bytes that are unanswered.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::RecorderError;

/// Bytes are counted in pieces of this size, since a semaphore counts to four billion at most.
const PIECE: usize = 64;

/// Room for events. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Room {
    events: Arc<Semaphore>,
    pieces: Arc<Semaphore>,
    max_events: usize,
    max_pieces: usize,
}

/// Room taken by one event, given back when dropped.
#[derive(Debug)]
pub(super) struct Taken {
    _event: OwnedSemaphorePermit,
    _pieces: OwnedSemaphorePermit,
}

impl Room {
    pub(super) fn new(events: usize, bytes: usize) -> Self {
        let max_events = events.clamp(1, u32::MAX as usize);
        let max_pieces = bytes.div_ceil(PIECE).clamp(1, u32::MAX as usize);
        Self {
            events: Arc::new(Semaphore::new(max_events)),
            pieces: Arc::new(Semaphore::new(max_pieces)),
            max_events,
            max_pieces,
        }
    }

    /// Room for an event of so many bytes, waited for. An event larger than all of it takes all of it.
    pub(super) async fn wait(&self, bytes: usize) -> Result<Taken, RecorderError> {
        let closed = |_| RecorderError::Closed;
        let event = self.events.clone().acquire_owned().await.map_err(closed)?;
        let pieces = self.pieces.clone().acquire_many_owned(self.count(bytes)).await.map_err(closed)?;
        Ok(Taken { _event: event, _pieces: pieces })
    }

    /// Room now, or `Full`.
    pub(super) fn now(&self, bytes: usize) -> Result<Taken, RecorderError> {
        if self.events.is_closed() {
            return Err(RecorderError::Closed);
        }
        let full = |_| RecorderError::Full { events: self.max_events, bytes: self.max_pieces * PIECE };
        let event = self.events.clone().try_acquire_owned().map_err(full)?;
        let pieces = self.pieces.clone().try_acquire_many_owned(self.count(bytes)).map_err(full)?;
        Ok(Taken { _event: event, _pieces: pieces })
    }

    /// Whoever waits, now or later, is told that the recorder is closed.
    pub(super) fn close(&self) {
        self.events.close();
        self.pieces.close();
    }

    fn count(&self, bytes: usize) -> u32 {
        // Fits, since the maximum does.
        bytes.div_ceil(PIECE).clamp(1, self.max_pieces) as u32
    }
}
