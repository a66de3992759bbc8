//! Signs of life of export jobs that have nothing to export.

use std::time::Duration;

use super::{
    export::{ExportJob, Standing},
    time::Timestamp,
};

/// A job can be silent for as little as this.
pub const SHORTEST: Duration = Duration::from_secs(60);
/// A job can be silent for as long as this.
pub const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

impl ExportJob {
    /// Whether it has been silent for as long as its settings allow, and a heartbeat may say so: not of a job that is
    /// paused, or that only exports a range once more.
    pub fn heartbeat_is_due(&self, now: Timestamp) -> bool {
        let Some(interval) = self.settings.delivery.heartbeat else { return false };
        let Standing { paused, reexport, silent_since, .. } = &self.standing;
        let since = silent_since.unwrap_or(self.created);
        let due = since.plus_micros(i64::try_from(interval.as_micros()).unwrap_or(i64::MAX));
        !paused && reexport.is_none() && due <= now
    }
}
