//! The export store: jobs, leases and files by their modules.

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::{
    due,
    entity::{export_jobs, tenants},
    error::db_error,
    file, job, lease, revision, run,
    store::SqlStore,
    tenant_key::TenantKey,
};
use crate::{
    domain::{
        export::{ExportFile, ExportJob, ExportRun, FileState, JobSettings},
        id::TenantId,
        time::Timestamp,
    },
    store::{
        ExportStore, StoreError,
        contract::{DueJob, FileCut, JobGlance, JobUpdate, KeptJob, Lease, NewEvent, NewJob, RunOutcome},
    },
};

#[async_trait]
impl ExportStore for SqlStore {
    async fn create_job(&self, job: NewJob, witness: NewEvent) -> Result<ExportJob, StoreError> {
        job::create(self, job, witness).await
    }

    async fn job(&self, tenant: &TenantId, key: &str) -> Result<Option<KeptJob>, StoreError> {
        job::find(self, tenant, key).await
    }

    async fn jobs(
        &self,
        tenant: &TenantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ExportJob>, StoreError> {
        job::list(self, tenant, after, limit).await
    }

    async fn update_job(&self, update: JobUpdate, witness: NewEvent) -> Result<ExportJob, StoreError> {
        job::update(self, update, witness).await
    }

    async fn delete_job(&self, tenant: &TenantId, id: &str, witness: NewEvent) -> Result<(), StoreError> {
        job::delete(self, tenant, id, witness).await
    }

    async fn job_settings(&self, job_id: &str, revision: u64) -> Result<JobSettings, StoreError> {
        let key = tenant_of_job(&self.read, job_id).await?;
        revision::settings(&self.read, key, job_id, revision).await
    }

    async fn pause_job(
        &self,
        tenant: &TenantId,
        id: &str,
        paused: bool,
        next_run: Option<Timestamp>,
        witness: NewEvent,
    ) -> Result<ExportJob, StoreError> {
        job::pause(self, (tenant, id), paused, next_run, witness).await
    }

    async fn due_jobs(&self, now: Timestamp, limit: usize) -> Result<Vec<DueJob>, StoreError> {
        due::due(self, now, limit).await
    }

    async fn postpone_job(
        &self,
        tenant: &TenantId,
        id: &str,
        expected: Timestamp,
        next_run: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        due::postpone(self, (tenant, id), expected, next_run).await
    }

    async fn pass_over(&self, job: &ExportJob, through: u64) -> Result<(), StoreError> {
        due::pass_over(self, job, through).await
    }

    async fn stored_bytes(&self, tenant: &TenantId, from: u64, through: u64) -> Result<u64, StoreError> {
        due::stored_bytes(self, self.key(tenant).await?, from, through).await
    }

    async fn glance(&self, limit: usize) -> Result<Vec<JobGlance>, StoreError> {
        due::glance(self, limit).await
    }

    async fn lease_job(&self, job_id: &str, owner: &str, term: Duration) -> Result<Lease, StoreError> {
        lease::take(self, job_id, owner, term).await
    }

    async fn renew_lease(&self, lease: &Lease, term: Duration) -> Result<(), StoreError> {
        lease::renew(self, lease, term).await
    }

    async fn finish_run(
        &self,
        lease: &Lease,
        outcome: RunOutcome,
        witnesses: Vec<NewEvent>,
    ) -> Result<(), StoreError> {
        lease::finish(self, lease, outcome, witnesses).await
    }

    async fn record_heartbeat(&self, lease: &Lease, heartbeat: NewEvent) -> Result<bool, StoreError> {
        lease::record_heartbeat(self, lease, heartbeat).await
    }

    async fn pending_file(&self, job_id: &str) -> Result<Option<ExportFile>, StoreError> {
        let key = tenant_of_job(&self.read, job_id).await?;
        file::pending(&self.read, key, job_id).await
    }

    async fn cut_file(&self, lease: &Lease, cut: FileCut) -> Result<ExportFile, StoreError> {
        file::cut(self, lease, cut).await
    }

    async fn take_over_cut(&self, lease: &Lease, number: u64) -> Result<ExportFile, StoreError> {
        file::take_over(self, lease, number, FileState::Cut).await
    }

    async fn take_over_uploaded(&self, lease: &Lease, number: u64) -> Result<ExportFile, StoreError> {
        file::take_over(self, lease, number, FileState::Uploaded).await
    }

    async fn abandon_cut(&self, lease: &Lease, number: u64) -> Result<(), StoreError> {
        file::abandon(self, lease, number).await
    }

    async fn mark_uploaded(
        &self,
        lease: &Lease,
        number: u64,
        size_bytes: u64,
        sha256: [u8; 32],
    ) -> Result<ExportFile, StoreError> {
        file::uploaded(self, lease, number, size_bytes, sha256).await
    }

    async fn mark_published(
        &self,
        lease: &Lease,
        number: u64,
        published: Timestamp,
    ) -> Result<ExportFile, StoreError> {
        file::published(self, lease, number, published).await
    }

    async fn mark_manifest(&self, lease: &Lease, number: u64) -> Result<ExportFile, StoreError> {
        file::manifest(self, lease, number).await
    }

    async fn advance_scanned(&self, lease: &Lease, sequence: u64) -> Result<(), StoreError> {
        file::advance_scanned(self, lease, sequence).await
    }

    async fn files(
        &self,
        job_id: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ExportFile>, StoreError> {
        let key = tenant_of_job(&self.read, job_id).await?;
        file::list(&self.read, key, job_id, before, limit).await
    }

    async fn runs(
        &self,
        job_id: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ExportRun>, StoreError> {
        let key = tenant_of_job(&self.read, job_id).await?;
        run::list(&self.read, key, job_id, before, limit).await
    }
}

/// The tenant of a job, deleted or not; `JobNotFound`. The one question that is not asked of a tenant: ids of
/// jobs are random, and no index is kept for it, since there are few jobs.
pub(super) async fn tenant_of_job(db: &impl ConnectionTrait, job_id: &str) -> Result<TenantKey, StoreError> {
    let of_job = export_jobs::with_id(job_id).select_only().column(export_jobs::Column::TenantKey);
    let row = tenants::Entity::find()
        .filter(tenants::Column::TenantKey.in_subquery(sea_orm::QueryTrait::into_query(of_job)))
        .one(db)
        .await
        .map_err(db_error)?;
    row.as_ref().map(TenantKey::from).ok_or(StoreError::JobNotFound)
}
