//! Reconciling tenants and export jobs with what the configuration declares.
//!
//! Several servers may do it at the same time: each step is one conditional write, and the one that comes second looks
//! again.

use std::collections::BTreeSet;

use super::{
    ServiceError,
    exports::{Exports, Made},
    tenants::Tenants,
};
use crate::{
    domain::{
        declared::{Declared, DeclaredJob, DeclaredTenant},
        export::ExportJob,
        id::TenantId,
        tenant::TenantSettings,
    },
    store::StoreError,
};

/// Who did it, in vidne's own events.
const CALLER: &str = "configuration";
/// How often one tenant or job is looked at again because somebody else changed it meanwhile.
const TRIES: u32 = 20;

/// Why what is declared cannot be had. Messages say what to do and hold no secrets.
#[derive(Debug, thiserror::Error)]
pub enum DeclaredError {
    /// A job of the same name was made by somebody else.
    #[error(
        "the export job {name} of tenant {tenant} is declared, but a job that was not made by a declaration has this \
         name or id; say `adopt = true` in its [[export_jobs]] to make it what is declared, or give the declared one \
         another name"
    )]
    ByHand {
        /// Its log.
        tenant: TenantId,
        /// Its name.
        name: String,
    },
    /// A tenant is closed.
    #[error(
        "the tenant {0} is declared or has declared export jobs, but it was deleted; take them out of the file"
    )]
    Closed(TenantId),
    /// A job's tenant does not exist.
    #[error(
        "the export job {name} is declared in tenant {tenant}, which does not exist; declare it in [[tenants]], or \
         create it before"
    )]
    NoTenant {
        /// Its log.
        tenant: TenantId,
        /// Its name.
        name: String,
    },
    /// It could not be done.
    #[error("{what} could not be made what is declared")]
    Failed {
        /// Which tenant or job.
        what: String,
        /// Why.
        #[source]
        source: ServiceError,
    },
}

impl DeclaredError {
    /// Another configuration mends it.
    pub fn is_configuration(&self) -> bool {
        !matches!(self, Self::Failed { .. })
    }
}

/// Makes tenants and jobs what is declared. What is as it should be is left alone; a job that was declared once and no
/// longer is, is paused and no longer marked; nothing is deleted.
pub async fn reconcile(
    tenants: &Tenants,
    exports: &Exports,
    declared: &Declared,
) -> Result<(), DeclaredError> {
    for tenant in &declared.tenants {
        reconcile_tenant(tenants, tenant).await?;
    }
    for job in &declared.jobs {
        reconcile_job(exports, job).await?;
    }
    let still: BTreeSet<(&TenantId, &str)> =
        declared.jobs.iter().map(|job| (&job.tenant, job.settings.name.as_str())).collect();
    for job in exports.declared().await.map_err(no_longer)? {
        if !still.contains(&(&job.tenant, job.settings.name.as_str())) {
            release(exports, &job).await?;
        }
    }
    Ok(())
}

async fn reconcile_tenant(tenants: &Tenants, declared: &DeclaredTenant) -> Result<(), DeclaredError> {
    let DeclaredTenant { id, values } = declared;
    let once = async || match tenants.get(id).await {
        Err(ServiceError::Store(StoreError::TenantNotFound)) => {
            let name = values.display_name.clone().unwrap_or_default();
            let settings = values.apply(TenantSettings::default());
            tenants.create(id.clone(), name, settings, CALLER).await?;
            tracing::info!(tenant = %id, "created the declared tenant");
            Ok(())
        }
        Err(error) => Err(error),
        Ok(tenant) if tenant.closed => Err(StoreError::TenantClosed.into()),
        Ok(tenant) => {
            let name = values.display_name.as_ref().unwrap_or(&tenant.display_name);
            if *name == tenant.display_name && values.apply(tenant.settings) == tenant.settings {
                return Ok(());
            }
            tenants.update(id, tenant.revision, values.clone(), CALLER).await?;
            tracing::info!(tenant = %id, "changed the tenant to what is declared");
            Ok(())
        }
    };
    match again(once).await {
        Err(ServiceError::Store(StoreError::TenantClosed)) => Err(DeclaredError::Closed(id.clone())),
        Err(source) => Err(DeclaredError::Failed { what: format!("the tenant {id}"), source }),
        Ok(()) => Ok(()),
    }
}

async fn reconcile_job(exports: &Exports, declared: &DeclaredJob) -> Result<(), DeclaredError> {
    let (tenant, name) = (declared.tenant.clone(), declared.settings.name.clone());
    match again(async || exports.declare(declared, CALLER).await).await {
        Ok(Made::Unchanged) => {}
        Ok(Made::ByHand) => return Err(DeclaredError::ByHand { tenant, name }),
        Ok(made) => tracing::info!(%tenant, job = name, "made the export job what is declared: {made:?}"),
        Err(ServiceError::Store(StoreError::TenantNotFound)) => {
            return Err(DeclaredError::NoTenant { tenant, name });
        }
        Err(ServiceError::Store(StoreError::TenantClosed)) => return Err(DeclaredError::Closed(tenant)),
        // A file is on its way to the old destination. Without a server it would never arrive.
        Err(ServiceError::Export(error)) => {
            tracing::warn!(
                %tenant, job = name, %error,
                "the export job stays as it is until a start after that; it is not what is declared"
            );
        }
        Err(source) => {
            return Err(DeclaredError::Failed {
                what: format!("the export job {name} of tenant {tenant}"),
                source,
            });
        }
    }
    Ok(())
}

/// Lets go of a job that is no longer declared.
async fn release(exports: &Exports, job: &ExportJob) -> Result<(), DeclaredError> {
    let (tenant, name) = (&job.tenant, &job.settings.name);
    match again(async || exports.undeclare(tenant, &job.id, CALLER).await).await {
        Ok(_) => {
            tracing::warn!(%tenant, job = name, "the export job is no longer declared: paused; delete or resume it");
            Ok(())
        }
        // Gone meanwhile, or its log takes no more events that would tell of it.
        Err(ServiceError::Store(StoreError::JobNotFound | StoreError::TenantClosed)) => Ok(()),
        Err(source) => {
            Err(DeclaredError::Failed { what: format!("the export job {name} of tenant {tenant}"), source })
        }
    }
}

fn no_longer(source: ServiceError) -> DeclaredError {
    DeclaredError::Failed { what: "what is no longer declared".to_owned(), source }
}

/// Does it until nobody else did something in between.
async fn again<T>(once: impl AsyncFn() -> Result<T, ServiceError>) -> Result<T, ServiceError> {
    let mut tries = 1;
    loop {
        match once().await {
            Err(ServiceError::Store(
                StoreError::RevisionMismatch { .. }
                | StoreError::TenantExists
                | StoreError::JobExists
                | StoreError::JobNotFound
                | StoreError::Busy(_),
            )) if tries < TRIES => tries += 1,
            result => return result,
        }
    }
}
