//! Pauses between repetitions.

use std::time::Duration;

use super::options::ClientOptions;

/// Exponential back-off with jitter: pause `n` is drawn from the upper half of `first * 2^n`, cut to the
/// longest.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// The back-off that `options` describe, with no failure yet.
    pub fn new(options: &ClientOptions) -> Self {
        Self { first: options.first_backoff, longest: options.longest_backoff, failures: 0 }
    }

    /// Failures in a row so far.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Counts a failure and returns how long to wait before trying again; never shorter than what the server
    /// asked for, but never longer than the longest pause either.
    pub fn after_failure(&mut self, asked: Option<Duration>) -> Duration {
        let full = self.first.saturating_mul(1 << self.failures.min(16)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        // Without randomness a full pause is still a correct one.
        let part = getrandom::u32().map_or(1.0, |random| f64::from(random) / f64::from(u32::MAX));
        let pause = full.mul_f64(0.5 + part / 2.0);
        pause.max(asked.unwrap_or_default()).min(self.longest.max(self.first))
    }

    /// Starts again: something worked.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff() -> Backoff {
        Backoff::new(&ClientOptions {
            first_backoff: Duration::from_millis(100),
            longest_backoff: Duration::from_secs(2),
            ..ClientOptions::default()
        })
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_are_never_below_half() {
        let mut backoff = backoff();
        for full in [100, 200, 400, 800, 1600, 2000, 2000] {
            let pause = backoff.after_failure(None).as_millis();
            assert!((full / 2..=full).contains(&pause), "{pause} of {full}");
        }
        backoff.reset();
        assert!(backoff.after_failure(None) <= Duration::from_millis(100));
    }

    #[test]
    fn the_server_may_ask_for_a_longer_pause_within_the_limit() {
        let mut backoff = backoff();
        assert_eq!(backoff.after_failure(Some(Duration::from_secs(1))), Duration::from_secs(1));
        assert_eq!(backoff.after_failure(Some(Duration::from_secs(3600))), Duration::from_secs(2));
    }

    #[test]
    fn many_failures_do_not_overflow() {
        let mut backoff = backoff();
        backoff.failures = u32::MAX;
        assert!(backoff.after_failure(None) <= Duration::from_secs(2));
    }
}
