//! How much of what a query looks at matches.

use crate::store::contract::{Payload, ScanPage};

/// What the last step of a scan found; before it, nothing is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Density {
    /// Positions looked at.
    positions: u64,
    events: u64,
    bytes: u64,
}

impl Density {
    /// The step that looked at so many positions found these.
    pub(super) fn learn(&mut self, positions: u64, page: &ScanPage<Payload>) {
        let bytes = page.events.iter().map(|event| event.payload.len() as u64).sum();
        *self = Self { positions, events: page.events.len() as u64, bytes };
    }

    /// Positions after which a page of so many events and bytes will be full; 0: not known.
    pub(super) fn full_after(&self, max_events: usize, max_bytes: usize) -> u64 {
        let by_events = (max_events as u64).saturating_mul(self.positions) / self.events.max(1);
        let by_bytes = (max_bytes as u64).saturating_mul(self.positions) / self.bytes.max(1);
        by_events.min(by_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_full_when_its_events_or_its_bytes_are() {
        let payload = |sequence, len| Payload { sequence, payload: vec![0; len].into(), personal: None };
        let page = |len| ScanPage { events: vec![payload(1, len), payload(2, len)], scanned: 100 };
        let mut density = Density::default();
        assert_eq!(density.full_after(1_000, 1_000), 0, "nothing is known");
        density.learn(100, &page(1));
        assert_eq!(density.full_after(10, 1_000), 500, "two events in a hundred positions");
        density.learn(100, &page(500));
        assert_eq!(density.full_after(10, 1_000), 100, "a thousand bytes in a hundred positions");
        density.learn(100, &ScanPage { events: Vec::new(), scanned: 100 });
        assert_eq!(density.full_after(10, 1_000), 1_000, "none of a hundred: not before ten times as many");
        density.learn(u64::MAX, &ScanPage { events: Vec::new(), scanned: u64::MAX });
        assert_eq!(density.full_after(10, 1_000), u64::MAX);
    }
}
