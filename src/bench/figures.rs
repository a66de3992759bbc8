//! What one case gave.

use std::time::Duration;

use serde::Serialize;

/// The figures of one case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// What was measured, such as `unary, 16 in flight`.
    pub case: String,
    /// How many events were recorded; calls, if it is a case without events.
    pub events: u64,
    /// How long that took.
    pub seconds: f64,
    /// One by the other.
    pub events_per_second: f64,
    /// Half of all requests (transactions, where there is no vidne) were answered within this time.
    pub p50_ms: f64,
    /// All but one in a hundred were.
    pub p99_ms: f64,
}

/// The requests or transactions of a case.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// How long each took.
    pub(super) latencies: Vec<Duration>,
    /// The events in them.
    pub(super) events: u64,
}

impl Tally {
    pub(super) fn add(&mut self, events: u64, latency: Duration) {
        self.latencies.push(latency);
        self.events += events;
    }

    pub(super) fn join(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.events += other.events;
    }

    /// All of them together, where they came one after the other.
    pub(super) fn total(&self) -> Duration {
        self.latencies.iter().sum()
    }

    pub(super) fn figures(mut self, case: impl Into<String>, elapsed: Duration) -> Figures {
        self.latencies.sort_unstable();
        let seconds = elapsed.as_secs_f64();
        let events_per_second = if seconds > 0.0 { self.events as f64 / seconds } else { 0.0 };
        Figures {
            case: case.into(),
            events: self.events,
            seconds,
            events_per_second,
            p50_ms: percentile(&self.latencies, 50),
            p99_ms: percentile(&self.latencies, 99),
        }
    }
}

/// The nearest rank of sorted samples, in milliseconds; 0 of none.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).map_or(0.0, |latency| latency.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_samples() {
        let mut tally = Tally::default();
        for milliseconds in (1..=200).rev() {
            tally.add(10, Duration::from_millis(milliseconds));
        }
        let figures = tally.figures("x", Duration::from_secs(4));
        assert_eq!((figures.p50_ms, figures.p99_ms), (100.0, 198.0));
        assert_eq!((figures.events, figures.events_per_second), (2_000, 500.0));
        assert_eq!(percentile(&[], 99), 0.0);
        assert_eq!(percentile(&[Duration::from_millis(7)], 50), 7.0);
    }
}
