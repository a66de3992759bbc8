//! The recent events of one log, shared by all who follow it.

use std::{
    collections::VecDeque,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    codec::wire::decode_stored,
    domain::{event::RecordedEvent, filter::EventFilter},
    service::ServiceError,
    store::contract::StoredEvent,
};

/// What an event weighs beside its bytes, which count twice: encoded and, as soon as a filter asks, decoded.
const OVERHEAD: usize = 1024;

/// One event, decoded at most once for all followers.
#[derive(Debug)]
pub(in crate::service::query) struct TailEvent {
    pub(in crate::service::query) stored: StoredEvent,
    decoded: OnceLock<RecordedEvent>,
}

impl TailEvent {
    pub(super) fn new(stored: StoredEvent) -> Self {
        Self { stored, decoded: OnceLock::new() }
    }

    /// Whether a filter lets it through.
    pub(in crate::service::query) fn matches(&self, filter: &EventFilter) -> Result<bool, ServiceError> {
        if let Some(event) = self.decoded.get() {
            return Ok(filter.matches(event));
        }
        let event = decode_stored(&self.stored.payload, self.stored.personal.as_ref())?;
        Ok(filter.matches(self.decoded.get_or_init(|| event)))
    }

    fn weight(&self) -> usize {
        let personal = self.stored.personal.as_ref().map_or(0, bytes::Bytes::len);
        OVERHEAD + 2 * (self.stored.payload.len() + personal)
    }
}

/// The bytes that all windows of a server hold together.
#[derive(Debug)]
pub(super) struct Budget {
    held: AtomicUsize,
    limit: usize,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self { held: AtomicUsize::new(0), limit }
    }

    fn is_exceeded(&self) -> bool {
        self.held.load(Ordering::Relaxed) > self.limit
    }
}

/// What a follower gets of a window.
pub(in crate::service::query) enum Recent {
    /// The events after its position, at least one.
    Events(Vec<Arc<TailEvent>>),
    /// There is nothing after its position.
    Nothing,
    /// Its position is before the window: the store has what it needs.
    Older,
}

/// Recent events without a hole, the newest last.
#[derive(Debug)]
pub(super) struct Window {
    /// The position of the newest event seen, in the window or not.
    last: u64,
    events: VecDeque<Arc<TailEvent>>,
    budget: Arc<Budget>,
    max_events: usize,
}

impl Window {
    /// An empty window that begins after the newest event.
    pub(super) fn after(last: u64, max_events: usize, budget: Arc<Budget>) -> Self {
        Self { last, events: VecDeque::new(), budget, max_events: max_events.max(1) }
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Adds the next event; the oldest make room. `false`, and nothing is added, if it is not the next one.
    pub(super) fn push(&mut self, event: StoredEvent) -> bool {
        if event.sequence != self.last + 1 {
            return false;
        }
        self.last = event.sequence;
        let event = Arc::new(TailEvent::new(event));
        self.budget.held.fetch_add(event.weight(), Ordering::Relaxed);
        self.events.push_back(event);
        // The newest stays whatever others hold, so that every tail moves.
        while self.events.len() > self.max_events || (self.events.len() > 1 && self.budget.is_exceeded()) {
            self.drop_oldest();
        }
        true
    }

    /// Events after `position`: as many as `max_bytes` of payload hold, at least one.
    pub(super) fn read(&self, position: u64, max_events: usize, max_bytes: usize) -> Recent {
        if position >= self.last {
            return Recent::Nothing;
        }
        let first = self.last + 1 - self.events.len() as u64;
        let Some(skip) = (position + 1).checked_sub(first) else { return Recent::Older };
        let mut bytes = 0;
        let mut events = Vec::new();
        for event in self.events.iter().skip(skip as usize).take(max_events.max(1)) {
            bytes += event.stored.payload.len();
            if bytes > max_bytes && !events.is_empty() {
                break;
            }
            events.push(event.clone());
        }
        Recent::Events(events)
    }

    fn drop_oldest(&mut self) {
        if let Some(event) = self.events.pop_front() {
            self.budget.held.fetch_sub(event.weight(), Ordering::Relaxed);
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        while !self.events.is_empty() {
            self.drop_oldest();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::time::Timestamp;

    fn event(sequence: u64, bytes: usize) -> StoredEvent {
        StoredEvent {
            sequence,
            recorded: Timestamp::from_micros(0),
            leaf_hash: [0; 32],
            payload: vec![0; bytes].into(),
            personal: None,
        }
    }

    fn places(recent: Recent) -> Option<Vec<u64>> {
        match recent {
            Recent::Events(events) => Some(events.iter().map(|event| event.stored.sequence).collect()),
            Recent::Nothing => Some(Vec::new()),
            Recent::Older => None,
        }
    }

    proptest! {
        #[test]
        fn a_reader_gets_what_follows_its_position_or_is_sent_to_the_store(
            start in 0..5_u64, sizes in prop::collection::vec(1..3_000_usize, 0..60), max_events in 1..20_usize,
            limit in 0..60_000_usize, position in 0..80_u64, wanted in 1..30_usize, bytes in 1..9_000_usize,
        ) {
            let budget = Arc::new(Budget::new(limit));
            let mut window = Window::after(start, max_events, budget.clone());
            for (n, size) in sizes.iter().enumerate() {
                prop_assert!(window.push(event(start + 1 + n as u64, *size)));
            }
            let last = start + sizes.len() as u64;
            prop_assert!(window.events.len() <= max_events);
            prop_assert!(window.events.len() <= 1 || budget.held.load(Ordering::Relaxed) <= limit);
            match places(window.read(position, wanted, bytes)) {
                None => prop_assert!(position < last - window.events.len() as u64),
                Some(found) if position >= last => prop_assert!(found.is_empty()),
                Some(found) => {
                    prop_assert!(!found.is_empty() && found.len() <= wanted);
                    prop_assert!(found.iter().copied().eq(position + 1..=position + found.len() as u64));
                }
            }
            drop(window);
            prop_assert_eq!(budget.held.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn an_event_that_is_not_the_next_one_is_not_taken() {
        let mut window = Window::after(7, 10, Arc::new(Budget::new(1_000_000)));
        assert!(!window.push(event(9, 1)) && !window.push(event(7, 1)) && window.push(event(8, 1)));
        assert_eq!(places(window.read(7, 9, 9)), Some(vec![8]));
        assert_eq!(places(window.read(6, 9, 9)), None);
    }
}
