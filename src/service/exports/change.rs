//! Changing jobs: new revisions, pausing and going on.

use super::{Exports, testimony};
use crate::{
    domain::{
        catalogue::EventType,
        export::{DestinationSecrets, ExportJob, FileState, Health, JobSettings},
        id::TenantId,
        selection::Selection,
        violation::Violations,
    },
    export::{ExportError, run::same_place, secrets},
    service::ServiceError,
    store::{
        StoreError,
        contract::{JobUpdate, NewEvent},
    },
};

impl Exports {
    /// Changes a job that was read at `revision`: `change` makes new settings and secrets of the present ones,
    /// such as `codec::job::apply_update` does. What changes nothing makes no new revision.
    pub async fn update(
        &self,
        tenant: &TenantId,
        key: &str,
        revision: u64,
        change: impl FnOnce(
            &JobSettings,
            DestinationSecrets,
        ) -> Result<(JobSettings, DestinationSecrets), Violations>,
        caller: &str,
    ) -> Result<ExportJob, ServiceError> {
        let kept = self.kept(tenant, key).await?;
        if kept.job.revision != revision {
            return Err(StoreError::RevisionMismatch { current: kept.job.revision }.into());
        }
        let old_secrets = self.secrets(&kept)?;
        let (settings, secrets) = change(&kept.job.settings, old_secrets.clone())?;
        if settings == kept.job.settings && secrets == old_secrets {
            return Ok(kept.job);
        }
        let declared = kept.job.standing.declared;
        let testimony = testimony::updated(&kept.job, &settings, &old_secrets, &secrets, declared, caller);
        let event_type = EventType::SERVICE_EXPORT_JOB_UPDATED;
        let witness = self.parts().witness.event(event_type, tenant, testimony)?;
        self.revise(&kept.job, settings, &secrets, declared, witness).await
    }

    /// Pauses a job, or lets it run by itself again, which it then does at its next time, or at once if it failed.
    pub async fn pause(
        &self,
        tenant: &TenantId,
        key: &str,
        paused: bool,
        caller: &str,
    ) -> Result<ExportJob, ServiceError> {
        let job = self.kept(tenant, key).await?.job;
        let waits = !paused && job.health == Health::Failing && self.runs_by_itself(&job);
        if job.standing.paused == paused && !waits {
            return Ok(job);
        }
        let (event_type, testimony) = match paused {
            true => (EventType::SERVICE_EXPORT_JOB_PAUSED, testimony::paused(&job, caller)),
            false => (EventType::SERVICE_EXPORT_JOB_RESUMED, testimony::resumed(&job, caller)),
        };
        let witness = self.parts().witness.event(event_type, tenant, testimony)?;
        let now = self.parts().clock.now();
        let next_run = match job.standing.next_run {
            _ if waits => Some(now),
            // A time that went by while it was paused is not made up for.
            Some(next) if next <= now && !paused => job.settings.delivery.schedule.next(now),
            next => next,
        };
        Ok(self.store().pause_job(tenant, &job.id, paused, next_run, witness).await?)
    }

    /// Makes a new revision of `job`.
    pub(super) async fn revise(
        &self,
        job: &ExportJob,
        settings: JobSettings,
        secrets: &DestinationSecrets,
        declared: bool,
        witness: NewEvent,
    ) -> Result<ExportJob, ServiceError> {
        self.refuse_to_leave_a_file_behind(job, &settings).await?;
        let now = self.parts().clock.now();
        let rescan = Selection::with(job, &settings) != Selection::of(job);
        let next_run = match job.health {
            // What was changed may be what it waits for.
            Health::Failing if self.runs_by_itself(job) => Some(now),
            _ if settings.delivery.schedule == job.settings.delivery.schedule => job.standing.next_run,
            _ => settings.delivery.schedule.next(now),
        };
        let update = JobUpdate {
            tenant: job.tenant.clone(),
            id: job.id.clone(),
            expected_revision: job.revision,
            settings,
            sealed_secrets: secrets::seal(&self.parts().vault, &job.id, secrets)?,
            updated: now,
            rescan,
            next_run,
            declared,
        };
        Ok(self.store().update_job(update, witness).await?)
    }

    /// Whether a file that is uploaded was published too can only be seen where it was uploaded to.
    async fn refuse_to_leave_a_file_behind(
        &self,
        job: &ExportJob,
        settings: &JobSettings,
    ) -> Result<(), ServiceError> {
        let Some(file) = self.store().pending_file(&job.id).await? else { return Ok(()) };
        if file.state != FileState::Uploaded {
            return Ok(());
        }
        let cut_with = self.store().job_settings(&job.id, file.job_revision).await?;
        if same_place(&cut_with.destination, &settings.destination) {
            return Ok(());
        }
        let message = format!(
            "file {} is uploaded at the present destination and not yet published there; run the job once, then \
             change the destination",
            file.name
        );
        Err(ExportError::destination(message).into())
    }
}
