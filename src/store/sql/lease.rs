//! Leases of export jobs. Their times are the database's, so that the clocks of several servers do not matter.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, DbBackend, ExprTrait, QueryFilter,
    sea_query::{Expr, SimpleExpr},
};

use super::{
    append::{append, witnessed},
    convert,
    entity::export_jobs as jobs,
    error::db_error,
    export::tenant_of_job,
    job::lock,
    log::{Heads, lock_heads},
    run,
    store::SqlStore,
    tenant_key::TenantKey,
};
use crate::store::{
    StoreError,
    contract::{AppendOutcome, Lease, NewEvent, RunOutcome},
};

/// The database's clock, in microseconds since the epoch.
pub(super) fn now(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS BIGINT)",
        // When the statement began; the job's row was locked before.
        DbBackend::MySql => "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))",
        _ => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
    }
}

pub(super) fn after(backend: DbBackend, term: Duration) -> SimpleExpr {
    let micros = i64::try_from(term.as_micros()).unwrap_or(i64::MAX / 2);
    Expr::cust(format!("{} + {micros}", now(backend)))
}

/// Takes the lease; `JobBusy` while another one is in force.
pub(super) async fn take(
    store: &SqlStore,
    job_id: &str,
    owner: &str,
    term: Duration,
) -> Result<Lease, StoreError> {
    let key = tenant_of_job(&store.read, job_id).await?;
    let transaction = store.begin().await?;
    let row = lock(&transaction, key, job_id).await?;
    let backend = backend(&transaction);
    let fence = row.fence + 1;
    let expired = Condition::any()
        .add(jobs::Column::LeaseUntil.is_null())
        .add(Expr::col(jobs::Column::LeaseUntil).lte(Expr::cust(now(backend))));
    let taken = jobs::Entity::change(key)
        .col_expr(jobs::Column::Fence, Expr::value(fence))
        .col_expr(jobs::Column::LeaseOwner, Expr::value(owner))
        .col_expr(jobs::Column::LeaseUntil, after(backend, term))
        .filter(jobs::Column::JobId.eq(job_id))
        .filter(expired)
        .exec(&transaction)
        .await
        .map_err(db_error)?;
    if taken.rows_affected == 0 {
        return Err(StoreError::JobBusy);
    }
    transaction.commit().await.map_err(db_error)?;
    Ok(Lease { job_id: job_id.to_owned(), fence: convert::unsigned(fence)? })
}

pub(super) async fn renew(store: &SqlStore, lease: &Lease, term: Duration) -> Result<(), StoreError> {
    let held = begin(store, lease).await?;
    held.change()
        .col_expr(jobs::Column::LeaseUntil, after(backend(&held.transaction), term))
        .exec(&held.transaction)
        .await
        .map_err(db_error)?;
    held.commit().await
}

pub(super) async fn finish(
    store: &SqlStore,
    lease: &Lease,
    outcome: RunOutcome,
    witnesses: Vec<NewEvent>,
) -> Result<(), StoreError> {
    let keys = store.keys.keys(&store.read, witnesses.iter().map(|witness| &witness.tenant)).await?;
    let key = tenant_of_job(&store.read, &lease.job_id).await?;
    let transaction = store.begin().await?;
    // Heads before jobs, as everywhere.
    lock_heads(&transaction, &keys, Heads::WaitedFor).await?;
    let held = hold(transaction, key, lease).await?;
    run::end(&held, &outcome).await?;
    if !witnesses.is_empty() {
        let outcomes = append(&held.transaction, &keys, &witnesses, outcome.ended).await?;
        // A closed tenant's jobs still finish what is there; its log takes no more events.
        for outcome in outcomes.iter().filter(|outcome| **outcome != AppendOutcome::TenantClosed) {
            witnessed(std::slice::from_ref(outcome))?;
        }
    }
    store.finish(held.transaction, witnesses.iter().map(|witness| &witness.tenant)).await
}

/// Appends a heartbeat under the lease; `false` where the tenant is closed.
pub(super) async fn record_heartbeat(
    store: &SqlStore,
    lease: &Lease,
    heartbeat: NewEvent,
) -> Result<bool, StoreError> {
    let keys = store.keys.keys(&store.read, [&heartbeat.tenant]).await?;
    let key = tenant_of_job(&store.read, &lease.job_id).await?;
    let transaction = store.begin().await?;
    // Heads before jobs, as everywhere.
    lock_heads(&transaction, &keys, Heads::WaitedFor).await?;
    let held = hold(transaction, key, lease).await?;
    let now = heartbeat.occurred;
    let outcomes = append(&held.transaction, &keys, std::slice::from_ref(&heartbeat), now).await?;
    if outcomes == [AppendOutcome::TenantClosed] {
        return Ok(false);
    }
    witnessed(&outcomes)?;
    store.finish(held.transaction, [&heartbeat.tenant]).await?;
    Ok(true)
}

/// A transaction that has locked the job and found the lease to be the job's: until it ends nobody else takes
/// the lease, so that every write in it is conditional on the fence.
pub(super) struct Held {
    pub(super) transaction: DatabaseTransaction,
    pub(super) key: TenantKey,
    pub(super) job: jobs::Model,
}

impl Held {
    /// An update of the job.
    pub(super) fn change(&self) -> sea_orm::UpdateMany<jobs::Entity> {
        jobs::Entity::change(self.key).filter(jobs::Column::JobId.eq(self.job.job_id.as_str()))
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().await.map_err(db_error)
    }
}

/// Begins a transaction that holds the lease; `LeaseLost`.
pub(super) async fn begin(store: &SqlStore, lease: &Lease) -> Result<Held, StoreError> {
    let key = tenant_of_job(&store.read, &lease.job_id).await?;
    hold(store.begin().await?, key, lease).await
}

async fn hold(transaction: DatabaseTransaction, key: TenantKey, lease: &Lease) -> Result<Held, StoreError> {
    let job = match lock(&transaction, key, &lease.job_id).await {
        Err(StoreError::JobNotFound) => return Err(StoreError::LeaseLost),
        locked => locked?,
    };
    // A lease that was given up is not in force, whoever asks.
    if job.lease_until.is_none() || job.fence != convert::signed(lease.fence) {
        return Err(StoreError::LeaseLost);
    }
    Ok(Held { transaction, key, job })
}

pub(super) fn backend(transaction: &DatabaseTransaction) -> DbBackend {
    sea_orm::ConnectionTrait::get_database_backend(transaction)
}
