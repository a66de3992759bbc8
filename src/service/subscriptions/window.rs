//! What a stream has delivered and not heard of again, and what it holds back until it has.

use std::collections::VecDeque;

use bytes::Bytes;

/// Holds one batch at most, and one position per unacknowledged event.
#[derive(Debug)]
pub(super) struct Window {
    /// Unacknowledged events that there may be.
    limit: usize,
    /// The client has been told that every matching event up to here was delivered.
    position: u64,
    /// Positions of delivered events that are not acknowledged, in order.
    unacknowledged: VecDeque<u64>,
    /// Read but not delivered, in order.
    waiting: VecDeque<(u64, Bytes)>,
}

impl Window {
    /// Everything up to `position` is dealt with. `limit` is at least 1.
    pub(super) fn new(position: u64, limit: usize) -> Self {
        Self { limit: limit.max(1), position, unacknowledged: VecDeque::new(), waiting: VecDeque::new() }
    }

    /// Everything up to here has been delivered.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether every delivered event is acknowledged.
    pub(super) fn is_clear(&self) -> bool {
        self.unacknowledged.is_empty()
    }

    /// Whether nothing waits to be delivered.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether another event may be delivered.
    pub(super) fn has_room(&self) -> bool {
        self.unacknowledged.len() < self.limit
    }

    /// Events that were read, with their positions, in order.
    pub(super) fn fill(&mut self, events: impl IntoIterator<Item = (u64, Bytes)>) {
        self.waiting.extend(events);
    }

    /// Takes what may be delivered now; it counts as delivered.
    pub(super) fn take(&mut self) -> Vec<Bytes> {
        let room = self.limit - self.unacknowledged.len().min(self.limit);
        let count = room.min(self.waiting.len());
        let mut events = Vec::with_capacity(count);
        for (position, event) in self.waiting.drain(..count) {
            self.unacknowledged.push_back(position);
            self.position = position;
            events.push(event);
        }
        events
    }

    /// Nothing matched up to here.
    pub(super) fn advance(&mut self, position: u64) {
        self.position = self.position.max(position);
    }

    /// Everything up to here is dealt with. Answers what may be kept: if nothing is left unacknowledged, also
    /// what did not match behind it.
    pub(super) fn acknowledge(&mut self, position: u64) -> u64 {
        while self.unacknowledged.front().is_some_and(|&first| first <= position) {
            self.unacknowledged.pop_front();
        }
        if self.is_clear() { self.position } else { position }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(limit: usize, positions: &[u64]) -> Window {
        let mut window = Window::new(0, limit);
        window.fill(positions.iter().map(|&position| (position, Bytes::new())));
        window
    }

    #[test]
    fn no_more_than_the_limit_is_ever_unacknowledged() {
        let mut window = filled(2, &[3, 5, 8, 9]);
        assert_eq!((window.take().len(), window.position()), (2, 5));
        assert!(!window.has_room() && window.take().is_empty());
        assert_eq!(window.acknowledge(3), 3);
        assert_eq!((window.take().len(), window.position()), (1, 8));
        assert_eq!(window.acknowledge(8), 8);
        assert_eq!((window.take().len(), window.position()), (1, 9));
        assert!(window.is_empty());
    }

    #[test]
    fn what_does_not_match_is_acknowledged_with_the_last_event_before_it() {
        let mut window = filled(10, &[3, 5]);
        window.take();
        window.advance(7);
        assert_eq!(window.acknowledge(4), 4);
        assert_eq!(window.acknowledge(5), 7);
        assert!(window.is_clear());
    }
}
