//! Reads a query's next message while the one before is on its way to the client: one ahead, never more. Only from the
//! store: at the log's head, messages come when events do.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::{Item, stream::Reader};
use crate::service::ServiceError;

type Read = Result<Option<Item>, ServiceError>;

/// A query's stream. Dropping it ends what it does: a step under way is dropped with it.
pub(super) struct Ahead {
    reader: Option<Place>,
    /// One permit for each message that waits for its client, of all queries of a server.
    room: Arc<Semaphore>,
}

/// Where the reader is.
enum Place {
    Here(Box<Reader>),
    Reading(AbortOnDropHandle<(Box<Reader>, Read)>, OwnedSemaphorePermit),
}

impl Ahead {
    pub(super) fn new(reader: Reader, room: Arc<Semaphore>) -> Self {
        Self { reader: Some(Place::Here(Box::new(reader))), room }
    }

    /// The next message; `None` after the last one and after an error.
    pub(super) async fn next(&mut self) -> Option<Result<Item, ServiceError>> {
        let (reader, read) = match self.reader.take()? {
            Place::Here(mut reader) => {
                let read = reader.next().await;
                (reader, read)
            }
            Place::Reading(task, _room) => match task.await {
                Ok(read) => read,
                // Nobody else ends it.
                Err(_) => return Some(Err(ServiceError::Panicked)),
            },
        };
        if let Ok(Some(_)) = &read {
            self.reader = Some(self.go_on(reader));
        }
        read.transpose()
    }

    fn go_on(&self, mut reader: Box<Reader>) -> Place {
        match self.room.clone().try_acquire_owned() {
            Ok(room) if reader.has_more_in_store() => {
                let task = async move {
                    let read = reader.next().await;
                    (reader, read)
                };
                Place::Reading(AbortOnDropHandle::new(tokio::spawn(task.in_current_span())), room)
            }
            _ => Place::Here(reader),
        }
    }
}
