//! How many bytes of requests may be in flight in the whole server: being received, or being handled.
//!
//! `received` is the body of a request that asks for room before it takes a message in; `messages` gives the messages
//! of a stream of requests. `Held` is the room of one call; whoever has handled a message gives it back.

mod messages;
mod received;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::status::{Answer, plain};
use crate::{
    codec::proto::v1::ErrorReason,
    metrics::{Metrics, RequestBytes},
};
use tonic::Code;

pub use messages::Messages;
pub use received::{Received, Rule};

/// After how long a refused call may be sent again.
const RETRY: Duration = Duration::from_millis(100);

/// The room of the whole server. Cheap to clone; whoever waits is served in the order in which it came.
#[derive(Clone)]
pub struct Budget {
    room: Arc<Semaphore>,
    bytes: usize,
    metrics: Metrics,
}

impl Budget {
    /// Room for so many bytes.
    pub fn new(bytes: usize, metrics: Metrics) -> Self {
        Self { room: Arc::new(Semaphore::new(bytes.clamp(1, Semaphore::MAX_PERMITS))), bytes, metrics }
    }

    /// Room for a message, if there is some now.
    fn try_take(&self, bytes: usize) -> Option<Taken> {
        let permit = self.room.clone().try_acquire_many_owned(self.share(bytes)).ok();
        if permit.is_none() {
            self.metrics.request_refused();
        }
        self.taken(permit?, bytes)
    }

    /// Room for a message, as soon as there is some. Never `None` while the server lives.
    async fn take(self, bytes: usize) -> Option<Taken> {
        let permit = self.room.clone().acquire_many_owned(self.share(bytes)).await.ok();
        self.taken(permit?, bytes)
    }

    /// What is larger than all the room there is takes all of it.
    fn share(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.min(self.bytes)).unwrap_or(u32::MAX)
    }

    fn taken(&self, permit: OwnedSemaphorePermit, bytes: usize) -> Option<Taken> {
        Some(Taken { _counted: self.metrics.request_bytes(bytes), _permit: permit })
    }

    /// The answer to a call that found no room.
    fn refusal(&self) -> Answer {
        let text = format!(
            "requests of other calls fill the {} bytes that may be in flight (server.in_flight_bytes); send the \
             same again after the delay",
            self.bytes
        );
        plain(Code::ResourceExhausted, ErrorReason::Overloaded, text)
            .with("limit_bytes", self.bytes)
            .retry_after(RETRY)
    }
}

/// Room for one message, given back when this is dropped.
struct Taken {
    _counted: RequestBytes,
    _permit: OwnedSemaphorePermit,
}

/// The room that one call holds: that of the message which it is receiving or handling.
#[derive(Clone, Default)]
pub struct Held(Arc<Mutex<Option<Taken>>>);

impl Held {
    /// Gives the room back: the message is no longer here, or is counted by somebody else.
    pub fn release(&self) {
        drop(self.replace(None));
    }

    fn keep(&self, taken: Taken) {
        drop(self.replace(Some(taken)));
    }

    fn replace(&self, taken: Option<Taken>) -> Option<Taken> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), taken)
    }
}
