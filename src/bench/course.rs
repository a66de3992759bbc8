//! How long one case goes on.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// What one case may take: it stops at whichever comes first.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// How long it may send.
    pub time: Duration,
    /// How many events it may send.
    pub events: u64,
}

impl Budget {
    /// A tenth: for what is sent before the clock counts.
    pub(super) fn warm_up(self) -> Self {
        Self { time: self.time / 10, events: (self.events / 10).max(1) }
    }
}

/// One run of a case, shared by all that send in it.
pub(super) struct Course {
    begun: Instant,
    until: Instant,
    left: AtomicU64,
}

impl Course {
    pub(super) fn begin(budget: Budget) -> Self {
        let begun = Instant::now();
        Self { begun, until: begun + budget.time, left: AtomicU64::new(budget.events) }
    }

    /// Takes `events` to be sent; `false` once the time is over or too few are left.
    pub(super) fn take(&self, events: u64) -> bool {
        let enough = |left: u64| left.checked_sub(events);
        Instant::now() < self.until
            && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, enough).is_ok()
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_ends_with_its_events_or_with_its_time() {
        let course = Course::begin(Budget { time: Duration::from_secs(3600), events: 25 });
        assert!(course.take(10) && course.take(10) && !course.take(10) && course.take(5));
        let over = Course::begin(Budget { time: Duration::ZERO, events: 25 });
        assert!(!over.take(1));
    }
}
