//! Managing, running and testing export jobs.

mod run;
mod test;
mod testimony;

use std::sync::Arc;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use run::RunEvent;
pub use test::{TestTarget, TestedDestination};

use super::{ServiceError, witness::Witness};
use crate::{
    domain::{
        catalogue::EventType,
        export::{DestinationSecrets, ExportFile, ExportJob, FileState, JobSettings},
        id::TenantId,
        time::Clock,
        violation::Violations,
    },
    export::{
        ExportError,
        destination::Destinations,
        run::{Runner, same_place},
        secrets::{self, SecretsError},
    },
    store::{
        Store, StoreError,
        contract::{JobUpdate, KeptJob, NewJob},
    },
    vault::{Vault, VaultError},
};

/// Export jobs; every change of one is witnessed in the same transaction. Cheap to clone.
#[derive(Clone)]
pub struct Exports(Arc<Inner>);

struct Inner {
    parts: ExportParts,
    owner: String,
}

/// Everything that export jobs need.
pub struct ExportParts {
    /// Where jobs and events are kept.
    pub store: Arc<dyn Store>,
    /// Seals secrets.
    pub vault: Vault,
    /// The server's clock.
    pub clock: Arc<dyn Clock>,
    /// Makes the events that tell of changes.
    pub witness: Witness,
    /// Makes folders of destinations.
    pub destinations: Arc<dyn Destinations>,
    /// Runs jobs.
    pub runner: Runner,
    /// Runs go on in here, whether their caller listens or not; the server waits for them when it stops.
    pub tasks: TaskTracker,
    /// Stops them.
    pub shutdown: CancellationToken,
}

impl Exports {
    /// Puts the parts together.
    pub fn new(parts: ExportParts) -> Self {
        // Tells this process from every other one that holds a lease.
        let owner = uuid::Uuid::new_v4().to_string();
        Self(Arc::new(Inner { parts, owner }))
    }

    fn parts(&self) -> &ExportParts {
        &self.0.parts
    }

    fn store(&self) -> &dyn Store {
        &*self.0.parts.store
    }

    /// Creates a job. `JobExists` if its name is taken, `TenantNotFound`, `TenantClosed`.
    pub async fn create(
        &self,
        tenant: TenantId,
        settings: JobSettings,
        secrets: DestinationSecrets,
        caller: &str,
    ) -> Result<ExportJob, ServiceError> {
        let id = new_job_id()?;
        let testimony = testimony::created(&id, &settings, caller);
        let witness =
            self.parts().witness.event(EventType::SERVICE_EXPORT_JOB_CREATED, &tenant, testimony)?;
        let sealed_secrets = secrets::seal(&self.parts().vault, &id, &secrets)?;
        let created = self.parts().clock.now();
        let job = NewJob { id, tenant, settings, sealed_secrets, created };
        Ok(self.store().create_job(job, witness).await?)
    }

    /// A job by its id or its name.
    pub async fn get(&self, tenant: &TenantId, key: &str) -> Result<ExportJob, ServiceError> {
        Ok(self.kept(tenant, key).await?.job)
    }

    /// At most `limit` jobs in the order of their creation, after the job with id `after`.
    pub async fn list(
        &self,
        tenant: &TenantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ExportJob>, ServiceError> {
        Ok(self.store().jobs(tenant, after, limit).await?)
    }

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
        let testimony = testimony::updated(&kept.job, &settings, &old_secrets, &secrets, caller);
        let event_type = EventType::SERVICE_EXPORT_JOB_UPDATED;
        let witness = self.parts().witness.event(event_type, tenant, testimony)?;
        self.revise(&kept.job, settings, &secrets, witness).await
    }

    /// Deletes a job; files that it published stay where they are.
    pub async fn delete(&self, tenant: &TenantId, key: &str, caller: &str) -> Result<(), ServiceError> {
        let job = self.kept(tenant, key).await?.job;
        let testimony = testimony::deleted(&job, caller);
        let witness = self.parts().witness.event(EventType::SERVICE_EXPORT_JOB_DELETED, tenant, testimony)?;
        Ok(self.store().delete_job(tenant, &job.id, witness).await?)
    }

    /// At most `limit` files of a job, newest first, with numbers below `before`.
    pub async fn files(
        &self,
        tenant: &TenantId,
        key: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ExportFile>, ServiceError> {
        let job = self.kept(tenant, key).await?.job;
        Ok(self.store().files(&job.id, before, limit).await?)
    }

    async fn kept(&self, tenant: &TenantId, key: &str) -> Result<KeptJob, ServiceError> {
        Ok(self.store().job(tenant, key).await?.ok_or(StoreError::JobNotFound)?)
    }

    fn secrets(&self, kept: &KeptJob) -> Result<DestinationSecrets, ServiceError> {
        Ok(secrets::open(&self.parts().vault, &kept.job.id, kept.sealed_secrets.as_deref())?)
    }

    /// Makes a new revision of `job`.
    async fn revise(
        &self,
        job: &ExportJob,
        settings: JobSettings,
        secrets: &DestinationSecrets,
        witness: crate::store::contract::NewEvent,
    ) -> Result<ExportJob, ServiceError> {
        self.refuse_to_leave_a_file_behind(job, &settings).await?;
        let update = JobUpdate {
            tenant: job.tenant.clone(),
            id: job.id.clone(),
            expected_revision: job.revision,
            settings,
            sealed_secrets: secrets::seal(&self.parts().vault, &job.id, secrets)?,
            updated: self.parts().clock.now(),
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

impl From<SecretsError> for ServiceError {
    fn from(error: SecretsError) -> Self {
        match error {
            SecretsError::Vault(error) => error.into(),
            SecretsError::Decode(error) => error.into(),
        }
    }
}

/// 10 random characters of a-z and 2-7: 50 bits, short enough for file names.
fn new_job_id() -> Result<String, VaultError> {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|_| VaultError::Random)?;
    Ok(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_ids_are_ten_characters_of_base_32() {
        let id = new_job_id().unwrap();
        assert_eq!(id.len(), 10);
        assert!(id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7')), "{id}");
        assert_ne!(id, new_job_id().unwrap());
    }
}
