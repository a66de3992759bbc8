//! What came out.

use std::time::Duration;

use serde::Serialize;

use crate::bench::{goals::Goal, machine::Machine};

/// Everything that was found out.
#[derive(Clone, Debug, Serialize)]
pub struct Reading {
    /// On what.
    pub machine: Machine,
    /// By store.
    pub stores: Vec<StoreReading>,
}

/// What was found out about one store.
#[derive(Clone, Debug, Serialize)]
pub struct StoreReading {
    /// `sqlite` or `postgresql`.
    pub store: &'static str,
    /// Which version of it.
    pub version: String,
    /// The settings that decide how durable and how fast it is.
    pub settings: String,
    /// Events in the log.
    pub events: u64,
    /// How fast they were recorded, for the way; through one stream.
    pub recorded_per_second: f64,
    /// The limit: what asks the database without vidne.
    pub limit: String,
    /// Whole results.
    pub reads: Vec<Read>,
    /// First pages.
    pub pages: Vec<Page>,
    /// The goals.
    pub goals: Vec<Goal>,
    /// The server's memory before the first query, in MiB.
    pub idle_memory_mib: Option<u64>,
    /// The most it had up to the end of the first full scan, in MiB.
    pub scan_memory_mib: Option<u64>,
    /// The most it ever had, in MiB.
    pub peak_memory_mib: Option<u64>,
}

/// One query, read to its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Read {
    /// What was asked for.
    pub case: String,
    /// Events that came.
    pub events: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// How long it took: the middle one of all rounds.
    pub seconds: f64,
    /// Events by time.
    pub events_per_second: f64,
    /// Bytes of events by time, in units of 1,000,000.
    pub megabytes_per_second: f64,
    /// How long the first events took; the whole, if there are none.
    pub first_ms: f64,
    /// How long the database alone took for the payloads of the same rows; the middle one of all rounds.
    pub limit_seconds: f64,
    /// The limit's time by vidne's: 1 is as fast as the limit.
    pub ratio: f64,
}

/// First pages of a query, each a call of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Page {
    /// What was asked for.
    pub case: String,
    /// How often.
    pub calls: usize,
    /// Half of all calls were answered within this time.
    pub p50_ms: f64,
    /// All but one in a hundred were.
    pub p99_ms: f64,
}

/// What one reading to the end gave.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taken {
    pub(super) events: u64,
    pub(super) bytes: u64,
    /// Until the first events.
    pub(super) first: Duration,
    /// Until the end.
    pub(super) whole: Duration,
}

impl Read {
    /// From all rounds of vidne and of the limit, which must have found the same.
    pub(super) fn of(case: &str, taken: &mut [Taken], limits: &mut [Taken]) -> Self {
        let (taken, limit) = (middle(taken), middle(limits));
        let seconds = taken.whole.as_secs_f64();
        let per_second = |number: u64| if seconds > 0.0 { number as f64 / seconds } else { 0.0 };
        let limit_seconds = limit.whole.as_secs_f64();
        Self {
            case: case.to_owned(),
            events: taken.events,
            bytes: taken.bytes,
            seconds,
            events_per_second: per_second(taken.events),
            megabytes_per_second: per_second(taken.bytes) / 1_000_000.0,
            first_ms: taken.first.as_secs_f64() * 1_000.0,
            limit_seconds,
            ratio: if seconds > 0.0 { limit_seconds / seconds } else { 0.0 },
        }
    }
}

fn middle(rounds: &mut [Taken]) -> Taken {
    rounds.sort_unstable_by_key(|taken| taken.whole);
    rounds.get(rounds.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_round_counts_and_a_limit_that_takes_half_the_time_is_a_ratio_of_a_half() {
        let taken = |ms: u64| Taken {
            events: 10,
            bytes: 5_000_000,
            first: Duration::from_millis(1),
            whole: Duration::from_millis(ms),
        };
        let read = Read::of("x", &mut [taken(9_000), taken(2_000), taken(1)], &mut [taken(1_000)]);
        assert_eq!((read.seconds, read.limit_seconds, read.ratio), (2.0, 1.0, 0.5));
        assert_eq!((read.events_per_second, read.megabytes_per_second, read.first_ms), (5.0, 2.5, 1.0));
        let none = Read::of("x", &mut [], &mut []);
        assert_eq!((none.ratio, none.events_per_second), (0.0, 0.0));
    }
}
