//! Managing, running and testing export jobs.
//!
//! `change` makes new revisions and pauses; `run` runs one and keeps how that ended, `due` finds those whose time has
//! come, `heartbeat` tells that there was nothing to export, `next` says when a job runs next; `again` exports a past range once more, `declare` makes a job what the configuration
//! says, `preview` shows what comes next, `lag` how much waits, `test` tries a destination; `testimony` words events.

mod again;
mod change;
mod declare;
mod due;
mod heartbeat;
mod lag;
mod next;
mod preview;
mod run;
mod test;
mod testimony;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use declare::Made;
pub use due::WaitingBytes;
pub use next::RetryPauses;
pub use preview::{Preview, PreviewTarget};
pub use run::RunEvent;
pub use test::{TestTarget, TestedDestination};

use super::{ServiceError, witness::Witness};
use crate::{
    domain::{
        catalogue::EventType,
        export::{DestinationSecrets, ExportFile, ExportJob, ExportRun, JobSettings, Standing},
        id::TenantId,
        time::Clock,
    },
    export::{
        destination::Destinations,
        run::Runner,
        secrets::{self, SecretsError},
    },
    metrics::Metrics,
    store::{
        Store, StoreError,
        contract::{JobGlance, KeptJob, NewJob},
    },
    vault::{Vault, VaultError},
};

/// Export jobs; every change of one is witnessed in the same transaction. Cheap to clone.
#[derive(Clone)]
pub struct Exports(Arc<Inner>);

struct Inner {
    parts: ExportParts,
    owner: String,
    running: AtomicUsize,
}

/// How a job is created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewAs {
    /// It runs only when it is told to.
    pub paused: bool,
    /// It is declared in the configuration.
    pub declared: bool,
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
    /// How long a job that failed waits.
    pub pauses: RetryPauses,
    /// Counts runs and what they publish.
    pub metrics: Metrics,
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
        Self(Arc::new(Inner { parts, owner, running: AtomicUsize::new(0) }))
    }

    /// Runs under way in this process.
    pub fn running(&self) -> usize {
        self.0.running.load(Ordering::Relaxed)
    }

    /// At most `limit` jobs of all tenants, those that fail first, for whoever watches over all of them.
    pub async fn glance(&self, limit: usize) -> Result<Vec<JobGlance>, ServiceError> {
        Ok(self.store().glance(limit).await?)
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
        as_what: NewAs,
        caller: &str,
    ) -> Result<ExportJob, ServiceError> {
        let id = new_job_id()?;
        let start_after = self.start_after(&tenant, settings.delivery.start).await?;
        let testimony = testimony::created(&id, &settings, caller);
        let witness =
            self.parts().witness.event(EventType::SERVICE_EXPORT_JOB_CREATED, &tenant, testimony)?;
        let sealed_secrets = secrets::seal(&self.parts().vault, &id, &secrets)?;
        let created = self.parts().clock.now();
        let standing = Standing {
            paused: as_what.paused,
            declared: as_what.declared,
            next_run: settings.delivery.schedule.next(created),
            ..Standing::default()
        };
        let job = NewJob { id, tenant, settings, sealed_secrets, created, start_after, standing };
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

    /// Deletes a job; files that it published stay where they are. `JobDeclared` if it is declared in the
    /// configuration.
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

    /// At most `limit` kept runs of a job, newest first, with numbers below `before`.
    pub async fn runs(
        &self,
        tenant: &TenantId,
        key: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ExportRun>, ServiceError> {
        let job = self.kept(tenant, key).await?.job;
        Ok(self.store().runs(&job.id, before, limit).await?)
    }

    async fn kept(&self, tenant: &TenantId, key: &str) -> Result<KeptJob, ServiceError> {
        Ok(self.store().job(tenant, key).await?.ok_or(StoreError::JobNotFound)?)
    }

    fn secrets(&self, kept: &KeptJob) -> Result<DestinationSecrets, ServiceError> {
        Ok(secrets::open(&self.parts().vault, &kept.job.id, kept.sealed_secrets.as_deref())?)
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
