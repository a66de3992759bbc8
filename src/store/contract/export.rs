//! Export jobs, their revisions, leases and files.

use std::time::Duration;

use async_trait::async_trait;

use super::NewEvent;
use crate::{
    domain::{
        export::{ExportFile, ExportJob, ExportRun, Failure, Health, JobSettings, RunState, Standing},
        id::TenantId,
        time::Timestamp,
    },
    store::StoreError,
};

/// So many of the newest runs of a job are kept; those with numbers further back are forgotten.
pub const KEPT_RUNS: u64 = 10_000;

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
    /// The position before the first one that it exports.
    pub start_after: u64,
    /// Whether and when it runs by itself.
    pub standing: Standing,
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
    /// Look again at what was looked at since the last published file, since other events are wanted now.
    pub rescan: bool,
    /// When it runs next by the clock.
    pub next_run: Option<Timestamp>,
    /// It is declared in the configuration.
    pub declared: bool,
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
    /// Its folder below the destination's.
    pub directory: String,
    /// Its final name.
    pub name: String,
    /// A manifest is to follow it.
    pub with_manifest: bool,
    /// The first position that it covers: the one after the last published.
    pub first_sequence: u64,
    /// The last position that it covers.
    pub last_sequence: u64,
    /// The position of its first event, after what was looked at before.
    pub first_event_sequence: u64,
    /// When its first event was recorded.
    pub first_recorded: Timestamp,
    /// When its last event was recorded.
    pub last_recorded: Timestamp,
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
    /// Well or not. `Stopped` leaves the job's health as it was.
    pub state: RunState,
    /// What kind of trouble it had.
    pub failure: Option<Failure>,
    /// Why it failed, in words without secrets.
    pub last_error: String,
    /// When.
    pub ended: Timestamp,
    /// When the job runs next by the clock.
    pub next_run: Option<Timestamp>,
    /// What is kept of the run, if anything.
    pub kept: Option<ExportRun>,
    /// From when on the job counts as silent from now on, if that changes: a heartbeat was due and is not needed yet.
    pub silent_since: Option<Timestamp>,
}

/// A job whose time has come, or may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueJob {
    /// Its log.
    pub tenant: TenantId,
    /// Its id.
    pub id: String,
    /// Why.
    pub due: Due,
}

/// Why a job is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The clock says so; this is when it was to run.
    Time(Timestamp),
    /// Whoever ran it last vanished.
    Abandoned,
    /// It has been silent for as long as its heartbeat says.
    Heartbeat,
    /// Enough events wait.
    Events,
    /// If the stored events of `after + 1..=through` have this many bytes.
    Bytes {
        /// Looked at already.
        after: u64,
        /// The last position of the log.
        through: u64,
        /// How many.
        bytes: u64,
    },
}

/// A job as the watch over all of them sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobGlance {
    /// Its log.
    pub tenant: TenantId,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How its last run went.
    pub health: Health,
    /// It runs only when it is told to.
    pub paused: bool,
    /// Since when it has failed.
    pub failing_since: Option<Timestamp>,
    /// When a run last ended well.
    pub last_success: Option<Timestamp>,
    /// Every event up to here has been looked at.
    pub scanned_sequence: u64,
    /// The last position of the log.
    pub head_sequence: u64,
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

    /// Deletes a job: its name is free again, its secrets are gone; its files stay known by its id. `JobDeclared` if it
    /// is declared in the configuration, decided in the same transaction.
    async fn delete_job(&self, tenant: &TenantId, id: &str, witness: NewEvent) -> Result<(), StoreError>;

    /// The settings of a job as of a revision.
    async fn job_settings(&self, job_id: &str, revision: u64) -> Result<JobSettings, StoreError>;

    /// Pauses or resumes a job, and sets when it runs next by the clock. A job that is resumed counts as silent from the
    /// time of the witness on.
    async fn pause_job(
        &self,
        tenant: &TenantId,
        id: &str,
        paused: bool,
        next_run: Option<Timestamp>,
        witness: NewEvent,
    ) -> Result<ExportJob, StoreError>;

    /// At most `limit` jobs of all tenants that are not paused, that nobody runs, and whose time has come at `now`,
    /// that were abandoned, that have been silent for as long as their heartbeat says and whose tenant is not closed, or for
    /// which enough may wait; those that fail only by the clock. Those for which enough may wait come last.
    async fn due_jobs(&self, now: Timestamp, limit: usize) -> Result<Vec<DueJob>, StoreError>;

    /// Sets when a job runs next, if that is still `expected`: there was nothing to do.
    async fn postpone_job(
        &self,
        tenant: &TenantId,
        id: &str,
        expected: Timestamp,
        next_run: Option<Timestamp>,
    ) -> Result<(), StoreError>;

    /// Notes that `job`, as it was read, wants nothing up to `through`. Does nothing if it has been changed or has moved on
    /// since, or if somebody runs it.
    async fn pass_over(&self, job: &ExportJob, through: u64) -> Result<(), StoreError>;

    /// Bytes of the stored events at the positions `from..=through`, of which there may be at most 100,000.
    async fn stored_bytes(&self, tenant: &TenantId, from: u64, through: u64) -> Result<u64, StoreError>;

    /// At most `limit` live jobs of all tenants, those that fail first.
    async fn glance(&self, limit: usize) -> Result<Vec<JobGlance>, StoreError>;

    /// Takes the job's lease for `term`; `JobBusy` while another one is in force.
    async fn lease_job(&self, job_id: &str, owner: &str, term: Duration) -> Result<Lease, StoreError>;

    /// Makes the lease last for `term` from now.
    async fn renew_lease(&self, lease: &Lease, term: Duration) -> Result<(), StoreError>;

    /// Gives the lease up, keeps how the run ended, and appends the witnesses, all of the job's own tenant; they are
    /// left out where the tenant is closed, since a closed tenant's jobs still finish what is there.
    async fn finish_run(
        &self,
        lease: &Lease,
        outcome: RunOutcome,
        witnesses: Vec<NewEvent>,
    ) -> Result<(), StoreError>;

    /// Appends a heartbeat of the lease's job to its tenant's log; `false`, and nothing, where that is closed.
    async fn record_heartbeat(&self, lease: &Lease, heartbeat: NewEvent) -> Result<bool, StoreError>;

    /// The job's file for which something is left to do; there is at most one.
    async fn pending_file(&self, job_id: &str) -> Result<Option<ExportFile>, StoreError>;

    /// Fixes the next file: its number follows the last one, its fence is the lease's. Fails with `Damaged` if
    /// one is pending, or if its range does not follow the job's published position, or its first event its scanned
    /// one.
    async fn cut_file(&self, lease: &Lease, cut: FileCut) -> Result<ExportFile, StoreError>;

    /// Takes a file in state `Cut` over: its fence becomes the lease's.
    async fn take_over_cut(&self, lease: &Lease, number: u64) -> Result<ExportFile, StoreError>;

    /// The same for a file in state `Uploaded`, whose bytes are there again under the lease's own temporary name.
    async fn take_over_uploaded(&self, lease: &Lease, number: u64) -> Result<ExportFile, StoreError>;

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

    /// `Uploaded` becomes `Published`; the job's scanned and published positions become the file's last, and it counts as
    /// silent from `published` on.
    async fn mark_published(
        &self,
        lease: &Lease,
        number: u64,
        published: Timestamp,
    ) -> Result<ExportFile, StoreError>;

    /// The manifest of a published file is at the destination.
    async fn mark_manifest(&self, lease: &Lease, number: u64) -> Result<ExportFile, StoreError>;

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

    /// At most `limit` kept runs of a job, newest first, with numbers below `before`. Runs whose numbers are
    /// [`KEPT_RUNS`] or more behind the newest one's are forgotten.
    async fn runs(
        &self,
        job_id: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ExportRun>, StoreError>;
}
