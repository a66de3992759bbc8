//! Collecting events into requests that the server takes.

use prost::Message as _;

use crate::codec::proto::v1::Event;

/// Events that a server takes in one request unless it is configured otherwise.
pub const BATCH_EVENTS: usize = 1_000;
/// Bytes of events that go into one request; the server's limit is 4 MiB for all of it.
pub const BATCH_BYTES: usize = 4 * 1024 * 1024 - 64 * 1024;

/// Collects events, in order, until a request is full.
#[derive(Debug, Default)]
pub struct Batcher {
    events: Vec<Event>,
    bytes: usize,
}

impl Batcher {
    /// Adds an event; returns the batch before it if the two do not fit into one request, or the batch with it if
    /// that is full now. An event larger than a request stands alone, for the server to refuse.
    pub fn push(&mut self, event: Event) -> Option<Vec<Event>> {
        // Tag and length of a repeated field's element.
        let bytes = event.encoded_len() + 8;
        let full = (self.bytes + bytes > BATCH_BYTES && !self.events.is_empty()).then(|| self.take());
        self.events.push(event);
        self.bytes += bytes;
        if full.is_none() && self.events.len() >= BATCH_EVENTS { Some(self.take()) } else { full }
    }

    /// What is left, which may be nothing.
    pub fn take(&mut self) -> Vec<Event> {
        self.bytes = 0;
        std::mem::take(&mut self.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(bytes: usize) -> Event {
        Event { description: "x".repeat(bytes), ..Event::default() }
    }

    #[test]
    fn a_batch_ends_at_a_thousand_events() {
        let mut batcher = Batcher::default();
        for _ in 1..BATCH_EVENTS {
            assert!(batcher.push(event(1)).is_none());
        }
        assert_eq!(batcher.push(event(1)).unwrap().len(), BATCH_EVENTS);
        assert!(batcher.take().is_empty());
    }

    #[test]
    fn a_batch_ends_before_the_event_that_would_make_it_too_large() {
        let mut batcher = Batcher::default();
        assert!(batcher.push(event(BATCH_BYTES / 2)).is_none());
        let first = batcher.push(event(BATCH_BYTES / 2)).unwrap();
        assert_eq!(first.len(), 1);
        let alone = batcher.push(event(BATCH_BYTES * 2)).unwrap();
        assert_eq!(alone.len(), 1);
        assert_eq!(batcher.take().len(), 1);
    }
}
