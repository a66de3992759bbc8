//! Finding jobs and their files.

use super::state::{Job, State};
use crate::{
    domain::{
        export::{ExportFile, ExportJob, FileState, Health, RunState},
        id::TenantId,
        tenant::Tenant,
        time::Timestamp,
    },
    store::{
        StoreError,
        contract::{Due, JobGlance, KEPT_RUNS, Lease, RunOutcome},
    },
};

impl State {
    pub(super) fn live(&self, tenant: &TenantId) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(move |job| !job.deleted && job.job.tenant == *tenant)
    }

    pub(super) fn live_mut(&mut self, tenant: &TenantId, id: &str) -> Result<&mut Job, StoreError> {
        let mut jobs = self.jobs.iter_mut().filter(|job| !job.deleted && job.job.tenant == *tenant);
        jobs.find(|job| job.job.id == id).ok_or(StoreError::JobNotFound)
    }

    pub(super) fn any_job(&self, id: &str) -> Result<&Job, StoreError> {
        self.jobs.iter().find(|job| job.job.id == id).ok_or(StoreError::JobNotFound)
    }

    /// The job of a lease that is in force.
    pub(super) fn held(&mut self, lease: &Lease) -> Result<&mut Job, StoreError> {
        let job =
            self.jobs.iter_mut().find(|job| job.job.id == lease.job_id).ok_or(StoreError::JobNotFound)?;
        if job.fence != lease.fence || job.lease_until.is_none() {
            return Err(StoreError::LeaseLost);
        }
        Ok(job)
    }
}

impl State {
    pub(super) fn glance(&self, job: &Job) -> Result<JobGlance, StoreError> {
        let ExportJob { id, tenant, settings, health, standing, scanned_sequence, .. } = &job.job;
        Ok(JobGlance {
            tenant: tenant.clone(),
            id: id.clone(),
            name: settings.name.clone(),
            health: *health,
            paused: standing.paused,
            failing_since: standing.failing_since,
            last_success: standing.last_success,
            scanned_sequence: *scanned_sequence,
            head_sequence: self.log(tenant)?.tenant.head_sequence,
        })
    }
}

impl Job {
    /// What a run leaves behind.
    pub(super) fn end(&mut self, outcome: &RunOutcome) {
        let standing = &mut self.job.standing;
        standing.next_run = outcome.next_run;
        match outcome.state {
            RunState::Stopped => {}
            RunState::Ok => {
                self.job.health = Health::Ok;
                self.job.last_error = String::new();
                standing.last_success = Some(outcome.ended);
                standing.failing_since = None;
                standing.failures = 0;
                standing.failure = None;
            }
            RunState::Failed => {
                self.job.health = Health::Failing;
                self.job.last_error.clone_from(&outcome.last_error);
                standing.failing_since.get_or_insert(outcome.ended);
                standing.failures += 1;
                standing.failure = outcome.failure;
            }
        }
        standing.silent_since = outcome.silent_since.or(standing.silent_since);
        self.job.last_run = Some(outcome.ended);
        if let Some(run) = &outcome.kept {
            let forgotten = run.number.saturating_sub(KEPT_RUNS);
            self.runs.retain(|old| old.number > forgotten);
            self.runs.push(run.clone());
        }
    }

    /// Why the job is due, if it is.
    pub(super) fn due(&self, now: Timestamp, leases: Timestamp, log: &Tenant) -> Option<Due> {
        let ExportJob { standing, settings, scanned_sequence: after, .. } = &self.job;
        let free = self.lease_until.is_none_or(|until| until <= leases);
        if self.deleted || standing.paused || !free {
            return None;
        }
        if self.lease_until.is_some() {
            return Some(Due::Abandoned);
        }
        if let Some(next) = standing.next_run.filter(|next| *next <= now) {
            return Some(Due::Time(next));
        }
        if self.job.health == Health::Failing {
            return None;
        }
        if !log.closed && self.job.heartbeat_is_due(now) {
            return Some(Due::Heartbeat);
        }
        let head = log.head_sequence;
        let waiting = head.saturating_sub(*after);
        let schedule = &settings.delivery.schedule;
        if waiting == 0 {
            return None;
        }
        if schedule.waiting_events.is_some_and(|events| waiting >= events) {
            return Some(Due::Events);
        }
        schedule.waiting_bytes.map(|bytes| Due::Bytes { after: *after, through: head, bytes })
    }

    pub(super) fn pending(&self) -> Option<&ExportFile> {
        self.files.last().filter(|file| !file.is_finished())
    }

    pub(super) fn file(&mut self, number: u64, state: FileState) -> Result<&mut ExportFile, StoreError> {
        let mut files = self.files.iter_mut();
        let file = files.find(|file| file.number == number && file.state == state);
        file.ok_or_else(|| StoreError::Damaged(format!("no file {number} in state {state:?}")))
    }
}
