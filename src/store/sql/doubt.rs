//! Which connections of the pool are asked whether they are alive before they are used.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A connection that was idle for less is used unasked: asking costs a round trip.
const TRUSTED: Duration = Duration::from_millis(250);

/// Remembers when a connection last failed. All that were idle then are doubtful, since what ended one has
/// likely ended them all.
#[derive(Debug, Default)]
pub(super) struct Doubt(Mutex<Option<Instant>>);

impl Doubt {
    /// A connection failed.
    pub(super) fn raise(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection that has been idle for so long is to be asked first.
    pub(super) fn covers(&self, idle: Duration) -> bool {
        let failed = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle >= TRUSTED || failed.is_some_and(|failed| failed.elapsed() <= idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_idle_when_another_failed_or_for_long_is_doubtful() {
        let doubt = Doubt::default();
        assert!(!doubt.covers(Duration::ZERO) && doubt.covers(TRUSTED));
        doubt.raise();
        assert!(doubt.covers(Duration::from_millis(249)), "idle since before the failure");
        std::thread::sleep(Duration::from_millis(2));
        assert!(!doubt.covers(Duration::from_millis(1)), "used after it");
    }
}
