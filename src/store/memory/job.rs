//! Finding jobs and their files.

use super::state::{Job, State};
use crate::{
    domain::{
        export::{ExportFile, FileState},
        id::TenantId,
    },
    store::{StoreError, contract::Lease},
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

impl Job {
    pub(super) fn pending(&self) -> Option<&ExportFile> {
        self.files.last().filter(|file| file.state != FileState::Published)
    }

    pub(super) fn file(&mut self, number: u64, state: FileState) -> Result<&mut ExportFile, StoreError> {
        let mut files = self.files.iter_mut();
        let file = files.find(|file| file.number == number && file.state == state);
        file.ok_or_else(|| StoreError::Damaged(format!("no file {number} in state {state:?}")))
    }
}
