//! Making a job what the configuration declares.

use std::collections::BTreeSet;

use super::{Exports, NewAs, testimony};
use crate::{
    domain::{
        catalogue::EventType,
        declared::DeclaredJob,
        export::{Destination, DestinationSecrets, ExportJob, JobSettings},
        id::TenantId,
    },
    service::ServiceError,
    store::contract::KeptJob,
};

/// Jobs looked at for those that are no longer declared: more than an installation has.
const JOBS: usize = 100_000;

/// What became of a declared job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was as it is declared.
    Unchanged,
    /// There was none.
    Created,
    /// It differed.
    Updated,
    /// It was made by hand, and is declared now.
    Adopted,
    /// Nothing: a job of this name was made by hand and may not be adopted.
    ByHand,
}

impl Exports {
    /// Makes a job what is declared. What differs in nothing makes no new revision. With which event it begins and
    /// whether it is paused are decided when it is made, and host keys that were accepted stay if none are declared.
    ///
    /// `TenantNotFound`, `TenantClosed`; `JobExists`, `JobNotFound` and `RevisionMismatch` if somebody else is at the
    /// same job: the same again will do.
    pub async fn declare(&self, declared: &DeclaredJob, caller: &str) -> Result<Made, ServiceError> {
        let DeclaredJob { tenant, settings, paused, adopt } = declared;
        let Some(kept) = self.store().job(tenant, &settings.name).await? else {
            let as_what = NewAs { paused: *paused, declared: true };
            let none = DestinationSecrets::default();
            self.create(tenant.clone(), settings.clone(), none, as_what, caller).await?;
            return Ok(Made::Created);
        };
        // An id may be another job's name.
        if kept.job.settings.name != settings.name {
            return Ok(Made::ByHand);
        }
        let own = kept.job.standing.declared;
        if !own && (!adopt || kept.job.standing.reexport.is_some()) {
            return Ok(Made::ByHand);
        }
        if own {
            let changed = self.set(&kept, settings, true, caller).await?;
            return Ok(if changed { Made::Updated } else { Made::Unchanged });
        }
        self.adopt(kept, settings, *paused, caller).await?;
        Ok(Made::Adopted)
    }

    /// Makes a job that was made by hand the declared one. It is marked last, so that a server that stops in between
    /// leaves a job that is adopted again.
    async fn adopt(
        &self,
        kept: KeptJob,
        settings: &JobSettings,
        paused: bool,
        caller: &str,
    ) -> Result<(), ServiceError> {
        let ExportJob { tenant, id, .. } = &kept.job;
        if paused {
            self.pause(tenant, id, true, caller).await?;
        } else if kept.job.standing.paused {
            // It does not run with settings that nobody declared.
            self.set(&kept, settings, false, caller).await?;
            self.pause(tenant, id, false, caller).await?;
        }
        self.set(&self.kept(tenant, id).await?, settings, true, caller).await?;
        Ok(())
    }

    /// Gives a job the settings that are declared, and marks it or does not. Whether anything was different.
    async fn set(
        &self,
        kept: &KeptJob,
        settings: &JobSettings,
        declared: bool,
        caller: &str,
    ) -> Result<bool, ServiceError> {
        let wanted = wanted(settings, &kept.job.settings);
        let secrets = self.secrets(kept)?;
        let marked = kept.job.standing.declared == declared;
        if marked && wanted == kept.job.settings && secrets.is_empty() {
            return Ok(false);
        }
        self.redeclare(kept, wanted, secrets, DestinationSecrets::default(), declared, caller).await?;
        Ok(true)
    }

    /// Pauses a job that is no longer declared, and says so of it. It keeps all that it has.
    pub async fn undeclare(
        &self,
        tenant: &TenantId,
        id: &str,
        caller: &str,
    ) -> Result<ExportJob, ServiceError> {
        // First, so that a server that stops in between leaves a job that is found again.
        self.pause(tenant, id, true, caller).await?;
        let kept = self.kept(tenant, id).await?;
        if !kept.job.standing.declared {
            return Ok(kept.job);
        }
        let (settings, secrets) = (kept.job.settings.clone(), self.secrets(&kept)?);
        self.redeclare(&kept, settings, secrets.clone(), secrets, false, caller).await
    }

    async fn redeclare(
        &self,
        kept: &KeptJob,
        settings: JobSettings,
        old_secrets: DestinationSecrets,
        secrets: DestinationSecrets,
        declared: bool,
        caller: &str,
    ) -> Result<ExportJob, ServiceError> {
        let testimony = testimony::updated(&kept.job, &settings, &old_secrets, &secrets, declared, caller);
        let event_type = EventType::SERVICE_EXPORT_JOB_UPDATED;
        let witness = self.parts().witness.event(event_type, &kept.job.tenant, testimony)?;
        self.revise(&kept.job, settings, &secrets, declared, witness).await
    }

    /// The jobs of all tenants that are marked as declared.
    pub async fn declared(&self) -> Result<Vec<ExportJob>, ServiceError> {
        // One look at all jobs, so that the many tenants without one cost nothing.
        let tenants: BTreeSet<TenantId> =
            self.glance(JOBS).await?.into_iter().map(|job| job.tenant).collect();
        let mut found = Vec::new();
        for tenant in tenants {
            let jobs = self.list(&tenant, None, JOBS).await?;
            found.extend(jobs.into_iter().filter(|job| job.standing.declared));
        }
        Ok(found)
    }
}

/// What is declared, with what a declaration does not change of a job that is there.
fn wanted(declared: &JobSettings, present: &JobSettings) -> JobSettings {
    let mut wanted = declared.clone();
    wanted.delivery.start = present.delivery.start;
    if let (Destination::Sftp(wanted), Destination::Sftp(present)) =
        (&mut wanted.destination, &present.destination)
        && wanted.host_keys.is_empty()
        && wanted.address == present.address
    {
        wanted.host_keys.clone_from(&present.host_keys);
    }
    wanted
}
