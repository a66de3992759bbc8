//! The recent events of one log, shared by all who follow it.

use std::{
    collections::VecDeque,
    ops::Range,
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
/// Events of one segment.
const SEGMENT_EVENTS: usize = 64;
/// A segment that weighs this much is full.
const SEGMENT_BYTES: usize = 256 << 10;

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

/// Some events in a row, handed to followers as one: a hundred that look at each new event would otherwise count its
/// holders up and down a hundred times.
#[derive(Debug)]
struct Segment {
    /// The position of the first event.
    first: u64,
    events: Vec<TailEvent>,
    weight: usize,
}

impl Segment {
    fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }
}

/// Events in a row out of one segment.
#[derive(Debug)]
pub(in crate::service::query) struct Run {
    segment: Arc<Segment>,
    range: Range<usize>,
}

impl Run {
    pub(in crate::service::query) fn events(&self) -> &[TailEvent] {
        &self.segment.events[self.range.clone()]
    }
}

/// What a follower gets of a window.
pub(in crate::service::query) enum Recent {
    /// The events after its position, at least one.
    Events(Vec<Run>),
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
    segments: VecDeque<Arc<Segment>>,
    events: usize,
    budget: Arc<Budget>,
    max_events: usize,
}

impl Window {
    /// An empty window that begins after the newest event.
    pub(super) fn after(last: u64, max_events: usize, budget: Arc<Budget>) -> Self {
        Self { last, segments: VecDeque::new(), events: 0, budget, max_events: max_events.max(1) }
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Adds the next events; the oldest make room.
    ///
    /// # Errors
    ///
    /// The position of the first event that is not the next one; those before it are added.
    pub(super) fn push(&mut self, events: Vec<StoredEvent>) -> Result<(), u64> {
        let mut events = events.into_iter().peekable();
        while let Some(next) = events.peek() {
            if next.sequence != self.last + 1 {
                return Err(next.sequence);
            }
            let first = next.sequence;
            let mut segment = Segment { first, events: Vec::new(), weight: 0 };
            while let Some(event) = events.next_if(|event| {
                event.sequence == segment.end()
                    && segment.events.len() < SEGMENT_EVENTS.min(self.max_events)
                    && segment.weight < SEGMENT_BYTES
            }) {
                let event = TailEvent::new(event);
                segment.weight += event.weight();
                segment.events.push(event);
            }
            self.add(segment);
        }
        Ok(())
    }

    fn add(&mut self, mut segment: Segment) {
        segment.events.shrink_to_fit();
        self.last = segment.end() - 1;
        self.events += segment.events.len();
        self.budget.held.fetch_add(segment.weight, Ordering::Relaxed);
        self.segments.push_back(Arc::new(segment));
        // The newest stays whatever others hold, so that every tail moves.
        while self.events > self.max_events || (self.segments.len() > 1 && self.budget.is_exceeded()) {
            self.drop_oldest();
        }
    }

    /// Events after `position`: as many as `max_bytes` of payload hold, at least one.
    pub(super) fn read(&self, position: u64, max_events: usize, max_bytes: usize) -> Recent {
        if position >= self.last {
            return Recent::Nothing;
        }
        if position < self.last - self.events as u64 {
            return Recent::Older;
        }
        let begin = self.segments.partition_point(|segment| segment.end() <= position + 1);
        let mut runs = Vec::new();
        let (mut events, mut bytes) = (0, 0);
        for segment in self.segments.iter().skip(begin) {
            let from = (position + 1).saturating_sub(segment.first) as usize;
            let fits = |event: &&TailEvent| {
                bytes += event.stored.payload.len();
                events += 1;
                events == 1 || (events <= max_events && bytes <= max_bytes)
            };
            let count = segment.events[from..].iter().take_while(fits).count();
            if count > 0 {
                runs.push(Run { segment: segment.clone(), range: from..from + count });
            }
            if from + count < segment.events.len() {
                break;
            }
        }
        Recent::Events(runs)
    }

    fn drop_oldest(&mut self) {
        if let Some(segment) = self.segments.pop_front() {
            self.events -= segment.events.len();
            self.budget.held.fetch_sub(segment.weight, Ordering::Relaxed);
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        while !self.segments.is_empty() {
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
            Recent::Events(runs) => {
                Some(runs.iter().flat_map(Run::events).map(|event| event.stored.sequence).collect())
            }
            Recent::Nothing => Some(Vec::new()),
            Recent::Older => None,
        }
    }

    proptest! {
        #[test]
        fn a_reader_gets_what_follows_its_position_or_is_sent_to_the_store(
            start in 0..5_u64, pages in prop::collection::vec(prop::collection::vec(1..3_000_usize, 0..90), 0..4),
            max_events in 1..150_usize, limit in 0..200_000_usize, position in 0..280_u64, wanted in 1..100_usize,
            bytes in 1..90_000_usize,
        ) {
            let budget = Arc::new(Budget::new(limit));
            let mut window = Window::after(start, max_events, budget.clone());
            let mut last = start;
            for page in &pages {
                let events = page.iter().zip(last + 1..).map(|(size, sequence)| event(sequence, *size)).collect();
                prop_assert_eq!(window.push(events), Ok(()));
                last += page.len() as u64;
                let held = window.segments.iter().map(|segment| segment.weight).sum::<usize>();
                prop_assert_eq!(budget.held.load(Ordering::Relaxed), held);
                prop_assert!(window.events <= max_events);
                prop_assert!(window.segments.len() <= 1 || held <= limit);
                prop_assert!(last == start || window.events > 0, "the newest stays");
            }
            let sizes: Vec<usize> = pages.concat();
            match places(window.read(position, wanted, bytes)) {
                None => prop_assert!(position < last - window.events as u64),
                Some(found) if position >= last => prop_assert!(found.is_empty()),
                Some(found) => {
                    prop_assert!(position >= last - window.events as u64);
                    prop_assert!(found.iter().copied().eq(position + 1..=position + found.len() as u64));
                    let all = &sizes[(position - start) as usize..];
                    let fits = |count: usize| {
                        count == 1 || (count <= wanted && all[..count].iter().sum::<usize>() <= bytes)
                    };
                    prop_assert!(!found.is_empty() && fits(found.len()));
                    prop_assert!(found.len() == all.len() || !fits(found.len() + 1), "more would have fitted");
                }
            }
            drop(window);
            prop_assert_eq!(budget.held.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn an_event_that_is_not_the_next_one_is_not_taken() {
        let mut window = Window::after(7, 10, Arc::new(Budget::new(1_000_000)));
        assert_eq!(window.push(vec![event(9, 1)]), Err(9));
        assert_eq!(window.push(vec![event(7, 1)]), Err(7));
        assert_eq!(window.push(vec![event(8, 1), event(10, 1)]), Err(10));
        assert_eq!(places(window.read(7, 9, 9)), Some(vec![8]));
        assert_eq!(places(window.read(6, 9, 9)), None);
    }
}
