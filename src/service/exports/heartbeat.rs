//! Telling that a job had nothing to export.
//!
//! A heartbeat is an event of the job's log, and its file an ordinary file. It is recorded under the job's lease and only
//! when everything before it was looked at, so that one that is not published yet is always found first: whatever server
//! goes on, and wherever the one before it stopped, there is never a second one.

use super::{
    Exports,
    run::{Begun, Steps},
    testimony,
};
use crate::{
    domain::{
        catalogue::EventType,
        export::{ExportJob, Trigger},
        id::TenantId,
    },
    export::{
        ExportError,
        run::{RunError, RunResult, Waiting},
    },
    service::ServiceError,
    store::contract::Lease,
};

impl Exports {
    /// A run that the clock started ends with a heartbeat if one is due and it published nothing; one that a heartbeat
    /// started publishes that, if it is needed.
    pub(super) async fn work(
        &self,
        tenant: &TenantId,
        begun: &mut Begun,
        steps: &Steps,
    ) -> Result<RunResult, RunError> {
        let told = match begun.trigger {
            Trigger::Heartbeat => self.heartbeat_alone(tenant, &begun.lease).await?,
            Trigger::Request | Trigger::Schedule | Trigger::Waiting => {
                let result = self.drive(tenant, begun, steps).await?;
                let silent = begun.trigger == Trigger::Schedule && begun.done.files == 0;
                if !silent || !self.heartbeat_after(tenant, &begun.lease, result.scanned_sequence).await? {
                    return Ok(result);
                }
                true
            }
        };
        if told {
            return self.drive(tenant, begun, steps).await;
        }
        begun.not_needed = true;
        Ok(RunResult::default())
    }

    /// Records a heartbeat if one is due and nothing waits. Whether there is now something to publish for it.
    async fn heartbeat_alone(&self, tenant: &TenantId, lease: &Lease) -> Result<bool, RunError> {
        let Some(job) = self.silent(tenant, lease).await? else { return Ok(false) };
        match self.parts().runner.look(&job, lease, &self.parts().shutdown).await? {
            Waiting::Unfinished => Ok(true),
            Waiting::Nothing(through) => self.record_heartbeat(&job, lease, through).await,
            // They are told of in their own time.
            Waiting::Events => Ok(false),
        }
    }

    /// Records a heartbeat if one is due after a run that looked at everything up to `scanned`. Whether it did.
    async fn heartbeat_after(
        &self,
        tenant: &TenantId,
        lease: &Lease,
        scanned: u64,
    ) -> Result<bool, RunError> {
        match self.silent(tenant, lease).await? {
            Some(job) => self.record_heartbeat(&job, lease, scanned).await,
            None => Ok(false),
        }
    }

    /// The job as it is now, if a heartbeat is due.
    async fn silent(&self, tenant: &TenantId, lease: &Lease) -> Result<Option<ExportJob>, RunError> {
        let Some(kept) = self.store().job(tenant, &lease.job_id).await? else { return Ok(None) };
        Ok(Some(kept.job).filter(|job| job.heartbeat_is_due(self.parts().clock.now())))
    }

    async fn record_heartbeat(&self, job: &ExportJob, lease: &Lease, last: u64) -> Result<bool, RunError> {
        let Some(interval) = job.settings.delivery.heartbeat else { return Ok(false) };
        let said = testimony::heartbeat(job, interval, last);
        let heartbeat =
            self.parts().witness.event(EventType::SERVICE_EXPORT_JOB_HEARTBEAT, &job.tenant, said);
        let heartbeat = heartbeat.map_err(|error| match error {
            ServiceError::Store(error) => RunError::Store(error),
            _ => RunError::Export(ExportError::Bug("wording a heartbeat")),
        })?;
        Ok(self.store().record_heartbeat(lease, heartbeat).await?)
    }
}
