//! When a job runs next.

use std::time::Duration;

use super::Exports;
use crate::{
    domain::{
        export::{Delivery, ExportJob, Failure},
        time::Timestamp,
    },
    export::run::{RunError, RunResult},
};

/// How long a job that failed waits before it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPauses {
    /// After the first failure; doubled with each one more.
    pub first: Duration,
    /// At most.
    pub longest: Duration,
    /// Where a person is needed.
    pub person: Duration,
}

impl RetryPauses {
    /// The pause after so many failures in a row, `random` of it (0.0 to 1.0) drawn from its upper half, so that
    /// jobs which failed together do not all come back together.
    fn after(&self, failure: Failure, failures: u32, random: f64) -> Duration {
        let full = match failure.needs_a_person() {
            true => self.person,
            false => self.first.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(self.longest),
        };
        full.mul_f64(0.5 + random / 2.0)
    }
}

impl Exports {
    /// Whether a job ever runs without being told to.
    pub(super) fn runs_by_itself(&self, job: &ExportJob) -> bool {
        let Delivery { schedule, heartbeat, .. } = &job.settings.delivery;
        job.standing.reexport.is_some() || heartbeat.is_some() || !schedule.is_manual()
    }

    /// When a job runs next after a run that ended at `ended`.
    pub(super) fn next_run(
        &self,
        before: &ExportJob,
        result: &Result<RunResult, RunError>,
        failure: Option<Failure>,
        ended: Timestamp,
    ) -> Option<Timestamp> {
        if !self.runs_by_itself(before) {
            return None;
        }
        match (result, failure) {
            // Another server goes on at once.
            (Err(RunError::Cancelled), _) => Some(ended),
            (Err(_), Some(failure)) => {
                let random = getrandom::u32().map_or(1.0, |random| f64::from(random) / f64::from(u32::MAX));
                let pause = self.parts().pauses.after(failure, before.standing.failures + 1, random);
                Some(ended.plus_micros(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX)))
            }
            _ => before.settings.delivery.schedule.next(ended),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_long_where_a_person_is_needed() {
        let pauses = RetryPauses {
            first: Duration::from_secs(5),
            longest: Duration::from_secs(60),
            person: Duration::from_secs(3_600),
        };
        let full = |failures| pauses.after(Failure::Unavailable, failures, 1.0).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 50].map(full), [5, 10, 20, 40, 60, 60]);
        assert_eq!(pauses.after(Failure::Unavailable, 1, 0.0), Duration::from_millis(2_500));
        assert_eq!(pauses.after(Failure::Login, 1, 1.0), Duration::from_secs(3_600));
    }
}
