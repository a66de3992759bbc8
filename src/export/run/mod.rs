//! One run of a job, under its lease: `work` goes on from where the last one stopped, `recover` finishes what an
//! earlier run left. `look` tells whether there is anything to do.

mod ahead;
mod look;
mod recover;
mod work;

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{ExportError, destination::Destinations, kept::KeptRoom, secrets::SecretsError};
use crate::{
    codec::error::DecodeError,
    domain::{export::ExportFile, id::TenantId, time::Clock},
    store::{Store, StoreError, contract::Lease},
    vault::Vault,
};

pub use look::Waiting;
pub use recover::same_place;
use work::Run;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunResult {
    /// Files published.
    pub files: u64,
    /// Events in them.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Every event up to here has been looked at.
    pub scanned_sequence: u64,
}

/// Why a run stopped. The next one goes on where it did.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The destination.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The store; `LeaseLost` if somebody else runs the job now.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stored events that do not decode.
    #[error("stored data is damaged")]
    Decode(#[from] DecodeError),
    /// The job's secrets.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// It was told to stop.
    #[error("the run was stopped; the next one goes on")]
    Cancelled,
}

/// Runs jobs.
#[derive(Clone)]
pub struct Runner {
    store: Arc<dyn Store>,
    destinations: Arc<dyn Destinations>,
    vault: Vault,
    clock: Arc<dyn Clock>,
    lease_term: Duration,
    kept: KeptRoom,
}

/// What a server keeps of planned files unless it is told otherwise.
const KEPT_BYTES: usize = 8 * 1024 * 1024;

impl Runner {
    /// Everything that a run needs. A lease is renewed three times within `lease_term`.
    pub fn new(
        store: Arc<dyn Store>,
        destinations: Arc<dyn Destinations>,
        vault: Vault,
        clock: Arc<dyn Clock>,
        lease_term: Duration,
    ) -> Self {
        Self { store, destinations, vault, clock, lease_term, kept: KeptRoom::new(KEPT_BYTES) }
    }

    /// The same with room for so many bytes of files that are planned and not sent yet, shared by all runs. What does
    /// not fit is read and rendered twice. 8 MiB unless this is called.
    pub fn with_kept_bytes(self, bytes: usize) -> Self {
        Self { kept: KeptRoom::new(bytes), ..self }
    }

    /// How long a lease lasts.
    pub fn lease_term(&self) -> Duration {
        self.lease_term
    }

    /// Exports what there is now, and sends `files` each change of a file's state. Stops at any point when
    /// `cancel` is cancelled or the lease is lost; may be dropped at any point. The caller gives the lease up.
    pub async fn run(
        &self,
        tenant: &TenantId,
        lease: &Lease,
        files: mpsc::Sender<ExportFile>,
        cancel: &CancellationToken,
    ) -> Result<RunResult, RunError> {
        let mut run = Run::new(self, tenant, lease, files);
        self.under(lease, cancel, run.work()).await
    }

    /// Works as long as the lease lasts and nobody cancels it.
    async fn under<T>(
        &self,
        lease: &Lease,
        cancel: &CancellationToken,
        work: impl Future<Output = Result<T, RunError>>,
    ) -> Result<T, RunError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(RunError::Cancelled),
            lost = self.keep(lease) => Err(lost.into()),
            done = work => done,
        }
    }

    /// Renews the lease until it is lost, or could not be renewed for so long that it must be.
    async fn keep(&self, lease: &Lease) -> StoreError {
        let pause = self.lease_term / 3;
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(pause).await;
            let asked = Instant::now();
            match tokio::time::timeout(pause, self.store.renew_lease(lease, self.lease_term)).await {
                Ok(Ok(())) => renewed = asked,
                Ok(Err(error @ (StoreError::LeaseLost | StoreError::JobNotFound))) => return error,
                Ok(Err(error)) => {
                    tracing::warn!(export.job_id = %lease.job_id, %error, "the export lease was not renewed");
                }
                Err(_) => {
                    tracing::warn!(export.job_id = %lease.job_id, "renewing the export lease takes long")
                }
            }
            if renewed.elapsed() >= self.lease_term {
                return StoreError::LeaseLost;
            }
        }
    }
}
