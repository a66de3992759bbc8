//! How long something takes, and how much of the machine.

use std::{
    fs,
    time::{Duration, Instant},
};

/// What `/proc/stat` counts in: hundredths of a second, on every Linux (`USER_HZ`, proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

/// Runs from when it is made.
pub(super) struct Stopwatch {
    begun: Instant,
    busy: Option<u64>,
}

/// So long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lap {
    pub(super) took: Duration,
    /// Processor time of everything on this machine meanwhile; `None` if the system does not tell.
    pub(super) busy: Option<Duration>,
}

impl Stopwatch {
    pub(super) fn start() -> Self {
        Self { begun: Instant::now(), busy: busy() }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    pub(super) fn lap(&self) -> Lap {
        let ticks = self.busy.zip(busy()).map(|(before, now)| now.saturating_sub(before));
        let busy = ticks.map(|ticks| Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND));
        Lap { took: self.begun.elapsed(), busy }
    }
}

fn busy() -> Option<u64> {
    busy_ticks(&fs::read_to_string("/proc/stat").ok()?)
}

/// What all cores have worked since the system began: the fields are user, nice, system, idle, iowait, irq, softirq and
/// steal; what guests took is in the first two already.
fn busy_ticks(stat: &str) -> Option<u64> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let ticks = fields.map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
    let [user, nice, system, _idle, _iowait, irq, softirq, ..] = ticks.as_slice() else { return None };
    Some(user + nice + system + irq + softirq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_that_waits_is_not_busy() {
        let stat = "cpu  100 20 3 5000 600 7 8 90 1 1\ncpu0 100 20 3 5000 600 7 8 90 1 1\nintr 5\n";
        assert_eq!(busy_ticks(stat), Some(138));
        assert_eq!(busy_ticks("cpu  1 2\n"), None);
        assert_eq!(busy_ticks(""), None);
    }
}
