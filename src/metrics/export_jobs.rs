//! How each export job fares.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use crate::{
    domain::{export::Health, time::Timestamp},
    store::contract::JobGlance,
};

/// Jobs at one moment.
#[derive(Clone, Copy, Debug)]
pub struct ExportJobs<'a> {
    /// The jobs.
    pub jobs: &'a [JobGlance],
    /// The moment.
    pub now: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    tenant: String,
    job: String,
}

/// One series for each job that there is.
#[derive(Clone, Debug, Default)]
pub(super) struct ExportJobGauges {
    failing: Family<JobLabels, Gauge>,
    paused: Family<JobLabels, Gauge>,
    waiting: Family<JobLabels, Gauge>,
    last_success: Family<JobLabels, Gauge>,
}

impl ExportJobGauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let gauges = Self::default();
        registry.register(
            "export_job_failing",
            "1 if the last run of the export job failed, else 0",
            gauges.failing.clone(),
        );
        registry.register(
            "export_job_paused",
            "1 if the export job is paused, else 0",
            gauges.paused.clone(),
        );
        registry.register(
            "export_job_waiting_events",
            "Events that the export job has not looked at",
            gauges.waiting.clone(),
        );
        registry.register_with_unit(
            "export_job_last_success",
            "Seconds since a run of the export job last ended well",
            Unit::Seconds,
            gauges.last_success.clone(),
        );
        gauges
    }

    pub(super) fn set(&self, at: &ExportJobs<'_>) {
        // Jobs that are gone leave no series behind.
        self.failing.clear();
        self.paused.clear();
        self.waiting.clear();
        self.last_success.clear();
        for job in at.jobs {
            let labels = JobLabels { tenant: job.tenant.to_string(), job: job.name.clone() };
            self.failing.get_or_create(&labels).set(i64::from(job.health == Health::Failing));
            self.paused.get_or_create(&labels).set(i64::from(job.paused));
            let waiting = job.head_sequence.saturating_sub(job.scanned_sequence);
            self.waiting.get_or_create(&labels).set(i64::try_from(waiting).unwrap_or(i64::MAX));
            if let Some(success) = job.last_success {
                self.last_success.get_or_create(&labels).set(at.now.seconds() - success.seconds());
            }
        }
    }
}
