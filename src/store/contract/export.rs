//! Export jobs, their revisions, leases and files.

use std::time::Duration;

use async_trait::async_trait;

use super::NewEvent;
use crate::{
    domain::{
        export::{ExportFile, ExportJob, Health, JobSettings},
        id::TenantId,
        time::Timestamp,
    },
    store::StoreError,
};

/// A job to be created.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its short random id.
    pub id: String,
    /// Its log.
    pub tenant: TenantId,
    /// Its first revision.
    pub settings: JobSettings,
    /// Its destination's secrets, sealed by the vault.
    pub sealed_secrets: Option<Vec<u8>>,
    /// When.
    pub created: Timestamp,
}

/// A new revision of a job.
#[derive(Clone, Debug)]
pub struct JobUpdate {
    /// Its log.
    pub tenant: TenantId,
    /// Its id.
    pub id: String,
    /// The revision that the new one was made from.
    pub expected_revision: u64,
    /// The new revision.
    pub settings: JobSettings,
    /// All of its destination's secrets, sealed anew.
    pub sealed_secrets: Option<Vec<u8>>,
    /// When.
    pub updated: Timestamp,
}

/// A job with what only the exporter may see.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptJob {
    /// The job.
    pub job: ExportJob,
    /// Its destination's secrets, sealed by the vault.
    pub sealed_secrets: Option<Vec<u8>>,
}

/// The right to run a job for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job_id: String,
    /// Goes up with each lease of the job; every write of a run is conditional on it.
    pub fence: u64,
}

/// A file to be cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCut {
    /// Its final name.
    pub name: String,
    /// The first position that it covers.
    pub first_sequence: u64,
    /// The last position that it covers.
    pub last_sequence: u64,
    /// Events in it.
    pub event_count: u64,
    /// The revision that it is cut with.
    pub job_revision: u64,
    /// When.
    pub created: Timestamp,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOutcome {
    /// Well or not.
    pub health: Health,
    /// Why not, in words without secrets.
    pub last_error: String,
    /// When.
    pub ended: Timestamp,
}

/// Keeps export jobs. Times of leases are the database's own, so that the clocks of several servers do not
/// matter. A write with a lease whose fence is no longer the job's MUST fail with `LeaseLost` and change
/// nothing.
#[async_trait]
pub trait ExportStore: Send + Sync + 'static {
    /// Creates a job; `JobExists` if the name is taken, `TenantNotFound`, `TenantClosed`. The witness MUST be
    /// appended in the same transaction.
    async fn create_job(&self, job: NewJob, witness: NewEvent) -> Result<ExportJob, StoreError>;

    /// One job by its id or its name.
    async fn job(&self, tenant: &TenantId, key: &str) -> Result<Option<KeptJob>, StoreError>;

    /// At most `limit` jobs of a tenant in the order of creation, after the job with id `after`.
    async fn jobs(
        &self,
        tenant: &TenantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ExportJob>, StoreError>;

    /// Makes a new revision. `RevisionMismatch` if the job has moved on, `JobExists` if the new name is taken.
    async fn update_job(&self, update: JobUpdate, witness: NewEvent) -> Result<ExportJob, StoreError>;

    /// Deletes a job: its name is free again, its secrets are gone; its files stay known by its id.
    async fn delete_job(&self, tenant: &TenantId, id: &str, witness: NewEvent) -> Result<(), StoreError>;

    /// The settings of a job as of a revision.
    async fn job_settings(&self, job_id: &str, revision: u64) -> Result<JobSettings, StoreError>;

    /// Takes the job's lease for `term`; `JobBusy` while another one is in force.
    async fn lease_job(&self, job_id: &str, owner: &str, term: Duration) -> Result<Lease, StoreError>;

    /// Makes the lease last for `term` from now.
    async fn renew_lease(&self, lease: &Lease, term: Duration) -> Result<(), StoreError>;

    /// Gives the lease up, keeps how the run ended, and appends the witness if there is one; a witness that its
    /// closed tenant takes no more is left out, since a closed tenant's jobs still finish what is there.
    async fn finish_run(
        &self,
        lease: &Lease,
        outcome: RunOutcome,
        witness: Option<NewEvent>,
    ) -> Result<(), StoreError>;

    /// The job's file that is cut or uploaded but not published; there is at most one.
    async fn pending_file(&self, job_id: &str) -> Result<Option<ExportFile>, StoreError>;

    /// Fixes the next file: its number follows the last one, its fence is the lease's. Fails with `Damaged` if
    /// one is pending, or if its range does not follow the job's scanned position.
    async fn cut_file(&self, lease: &Lease, cut: FileCut) -> Result<ExportFile, StoreError>;

    /// Takes a file in state `Cut` over: its fence becomes the lease's.
    async fn take_over_cut(&self, lease: &Lease, number: u64) -> Result<ExportFile, StoreError>;

    /// Forgets a file in state `Cut`, which nobody can have seen: its number and its range are free to be cut
    /// again, with other settings. Fails with `Damaged` if there is no such file in state `Cut`.
    async fn abandon_cut(&self, lease: &Lease, number: u64) -> Result<(), StoreError>;

    /// `Cut` becomes `Uploaded`, with size and digest.
    async fn mark_uploaded(
        &self,
        lease: &Lease,
        number: u64,
        size_bytes: u64,
        sha256: [u8; 32],
    ) -> Result<ExportFile, StoreError>;

    /// `Uploaded` becomes `Published`; the job's scanned and published positions become the file's last.
    async fn mark_published(
        &self,
        lease: &Lease,
        number: u64,
        published: Timestamp,
    ) -> Result<ExportFile, StoreError>;

    /// Everything up to `sequence` has been looked at and did not match. Fails with `Damaged` if a file is
    /// pending; never goes back.
    async fn advance_scanned(&self, lease: &Lease, sequence: u64) -> Result<(), StoreError>;

    /// At most `limit` files of a job, newest first, with numbers below `before`.
    async fn files(
        &self,
        job_id: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ExportFile>, StoreError>;
}
