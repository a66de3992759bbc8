//! Export jobs: made, read, changed, deleted.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr,
};

use super::{
    append::{append, witnessed},
    convert,
    entity::export_jobs as jobs,
    error::{db_error, is_unique_violation},
    log::{Heads, lock_heads, lock_logs},
    numbered::Numbered,
    revision,
    store::SqlStore,
    tenant_key::TenantKey,
};
use crate::{
    domain::{
        export::{ExportJob, Health, JobSettings, ReExport, Standing},
        id::TenantId,
        time::Timestamp,
    },
    store::{
        StoreError,
        contract::{JobUpdate, KeptJob, NewEvent, NewJob},
    },
};

pub(super) async fn create(
    store: &SqlStore,
    job: NewJob,
    witness: NewEvent,
) -> Result<ExportJob, StoreError> {
    let keys = store.keys.keys(&store.read, [&job.tenant, &witness.tenant]).await?;
    let key = *keys.get(&job.tenant).ok_or(StoreError::TenantNotFound)?;
    let transaction = store.begin().await?;
    let logs = lock_logs(&transaction, &keys, Heads::WaitedFor).await?;
    if logs.get(&job.tenant).is_none_or(|log| log.closed) {
        return Err(StoreError::TenantClosed);
    }
    let row = jobs::ActiveModel {
        tenant_key: Set(key.get()),
        job_id: Set(job.id.clone()),
        live_name: Set(Some(job.settings.name.clone())),
        revision: Set(1),
        scanned_sequence: Set(convert::signed(job.start_after)),
        published_sequence: Set(convert::signed(job.start_after)),
        health: Set(Health::Unknown.number()),
        last_error: Set(String::new()),
        created_time: Set(job.created.micros()),
        updated_time: Set(job.created.micros()),
        last_run_time: Set(None),
        deleted_time: Set(None),
        fence: Set(0),
        lease_owner: Set(None),
        lease_until: Set(None),
        sealed_secrets: Set(job.sealed_secrets.clone()),
        paused: Set(job.standing.paused),
        declared: Set(job.standing.declared),
        reexport_of: Set(job.standing.reexport.as_ref().map(|again| again.of.clone())),
        end_sequence: Set(job.standing.reexport.as_ref().map(|again| convert::signed(again.end))),
        next_run_time: Set(job.standing.next_run.map(Timestamp::micros)),
        waiting_events: Set(job.settings.delivery.schedule.waiting_events.map(convert::signed)),
        waiting_bytes: Set(job.settings.delivery.schedule.waiting_bytes.map(convert::signed)),
        last_success_time: Set(None),
        failing_since_time: Set(None),
        failure: Set(0),
        failures: Set(0),
        heartbeat_interval: Set(heartbeat(&job.settings)),
        silent_since_time: Set(job.standing.silent_since.map(Timestamp::micros)),
    };
    jobs::Entity::insert(row).exec_without_returning(&transaction).await.map_err(name_taken)?;
    revision::insert(&transaction, key, &job.id, 1, &job.settings).await?;
    witnessed(&append(&transaction, &keys, std::slice::from_ref(&witness), job.created).await?)?;
    store.finish(transaction, [&witness.tenant]).await?;
    Ok(ExportJob {
        id: job.id,
        tenant: job.tenant,
        settings: job.settings,
        revision: 1,
        scanned_sequence: job.start_after,
        published_sequence: job.start_after,
        health: Health::Unknown,
        last_error: String::new(),
        created: job.created,
        updated: job.created,
        last_run: None,
        standing: job.standing,
    })
}

/// A live job by its id, else by its name.
pub(super) async fn find(
    store: &SqlStore,
    tenant: &TenantId,
    key: &str,
) -> Result<Option<KeptJob>, StoreError> {
    let tenant_key = store.key(tenant).await?;
    let either = Condition::any().add(jobs::Column::JobId.eq(key)).add(jobs::Column::LiveName.eq(key));
    let rows = live(tenant_key).filter(either).all(&store.read).await.map_err(db_error)?;
    let by_id = rows.iter().position(|row| row.job_id == key).unwrap_or(0);
    let Some(row) = rows.into_iter().nth(by_id) else { return Ok(None) };
    let sealed_secrets = row.sealed_secrets.clone();
    let jobs = with_settings(&store.read, tenant, tenant_key, vec![row]).await?;
    Ok(jobs.into_iter().next().map(|job| KeptJob { job, sealed_secrets }))
}

pub(super) async fn list(
    store: &SqlStore,
    tenant: &TenantId,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<ExportJob>, StoreError> {
    let key = store.key(tenant).await?;
    let mut rows = live(key);
    if let Some(after) = after {
        let after = one(&store.read, key, after).await?;
        let later = Condition::all()
            .add(jobs::Column::CreatedTime.eq(after.created_time))
            .add(jobs::Column::JobId.gt(after.job_id));
        rows = rows.filter(Condition::any().add(jobs::Column::CreatedTime.gt(after.created_time)).add(later));
    }
    let rows = rows
        .order_by_asc(jobs::Column::CreatedTime)
        .order_by_asc(jobs::Column::JobId)
        .limit(limit as u64)
        .all(&store.read)
        .await
        .map_err(db_error)?;
    with_settings(&store.read, tenant, key, rows).await
}

pub(super) async fn update(
    store: &SqlStore,
    update: JobUpdate,
    witness: NewEvent,
) -> Result<ExportJob, StoreError> {
    let keys = store.keys.keys(&store.read, [&update.tenant, &witness.tenant]).await?;
    let key = *keys.get(&update.tenant).ok_or(StoreError::TenantNotFound)?;
    let transaction = store.begin().await?;
    lock_heads(&transaction, &keys, Heads::WaitedFor).await?;
    let old = lock(&transaction, key, &update.id).await?;
    let current = convert::unsigned(old.revision)?;
    if current != update.expected_revision {
        return Err(StoreError::RevisionMismatch { current });
    }
    let name = Some(update.settings.name.clone());
    let schedule = &update.settings.delivery.schedule;
    let scanned = if update.rescan { old.published_sequence } else { old.scanned_sequence };
    jobs::Entity::change(key)
        .col_expr(jobs::Column::ScannedSequence, Expr::value(scanned))
        .col_expr(jobs::Column::Declared, Expr::value(update.declared))
        .col_expr(jobs::Column::NextRunTime, Expr::value(update.next_run.map(Timestamp::micros)))
        .col_expr(jobs::Column::WaitingEvents, Expr::value(schedule.waiting_events.map(convert::signed)))
        .col_expr(jobs::Column::WaitingBytes, Expr::value(schedule.waiting_bytes.map(convert::signed)))
        .col_expr(jobs::Column::HeartbeatInterval, Expr::value(heartbeat(&update.settings)))
        .col_expr(jobs::Column::LiveName, Expr::value(name))
        .col_expr(jobs::Column::Revision, Expr::value(old.revision + 1))
        .col_expr(jobs::Column::UpdatedTime, Expr::value(update.updated.micros()))
        .col_expr(jobs::Column::SealedSecrets, Expr::value(update.sealed_secrets.clone()))
        .filter(jobs::Column::JobId.eq(update.id.as_str()))
        .exec(&transaction)
        .await
        .map_err(name_taken)?;
    revision::insert(&transaction, key, &update.id, old.revision + 1, &update.settings).await?;
    witnessed(&append(&transaction, &keys, std::slice::from_ref(&witness), update.updated).await?)?;
    let row = one(&transaction, key, &update.id).await?;
    let changed = job(&update.tenant, row, update.settings)?;
    store.finish(transaction, [&witness.tenant]).await?;
    Ok(changed)
}

pub(super) async fn pause(
    store: &SqlStore,
    (tenant, id): (&TenantId, &str),
    paused: bool,
    next_run: Option<Timestamp>,
    witness: NewEvent,
) -> Result<ExportJob, StoreError> {
    let keys = store.keys.keys(&store.read, [tenant, &witness.tenant]).await?;
    let key = *keys.get(tenant).ok_or(StoreError::TenantNotFound)?;
    let transaction = store.begin().await?;
    lock_heads(&transaction, &keys, Heads::WaitedFor).await?;
    let old = lock(&transaction, key, id).await?;
    let silent_since = if paused { old.silent_since_time } else { Some(witness.occurred.micros()) };
    jobs::Entity::change(key)
        .col_expr(jobs::Column::Paused, Expr::value(paused))
        .col_expr(jobs::Column::SilentSinceTime, Expr::value(silent_since))
        .col_expr(jobs::Column::NextRunTime, Expr::value(next_run.map(Timestamp::micros)))
        .filter(jobs::Column::JobId.eq(id))
        .exec(&transaction)
        .await
        .map_err(db_error)?;
    witnessed(&append(&transaction, &keys, std::slice::from_ref(&witness), witness.occurred).await?)?;
    let row = one(&transaction, key, id).await?;
    let changed = with_settings(&transaction, tenant, key, vec![row]).await?.pop();
    store.finish(transaction, [&witness.tenant]).await?;
    changed.ok_or(StoreError::JobNotFound)
}

pub(super) async fn delete(
    store: &SqlStore,
    tenant: &TenantId,
    id: &str,
    witness: NewEvent,
) -> Result<(), StoreError> {
    let keys = store.keys.keys(&store.read, [tenant, &witness.tenant]).await?;
    let key = *keys.get(tenant).ok_or(StoreError::TenantNotFound)?;
    let transaction = store.begin().await?;
    lock_heads(&transaction, &keys, Heads::WaitedFor).await?;
    let old = lock(&transaction, key, id).await?;
    // A run under way loses its lease.
    jobs::Entity::change(key)
        .col_expr(jobs::Column::LiveName, Expr::value(None::<String>))
        .col_expr(jobs::Column::SealedSecrets, Expr::value(None::<Vec<u8>>))
        .col_expr(jobs::Column::DeletedTime, Expr::value(witness.occurred.micros()))
        .col_expr(jobs::Column::Fence, Expr::value(old.fence + 1))
        .col_expr(jobs::Column::LeaseOwner, Expr::value(None::<String>))
        .col_expr(jobs::Column::LeaseUntil, Expr::value(None::<i64>))
        .filter(jobs::Column::JobId.eq(id))
        .exec(&transaction)
        .await
        .map_err(db_error)?;
    witnessed(&append(&transaction, &keys, std::slice::from_ref(&witness), witness.occurred).await?)?;
    // After the witness: in a closed tenant that is the trouble, and no restart helps.
    if old.declared {
        return Err(StoreError::JobDeclared);
    }
    store.finish(transaction, [&witness.tenant]).await
}

/// A job's row, deleted or not; `JobNotFound`.
async fn one(db: &impl ConnectionTrait, key: TenantKey, id: &str) -> Result<jobs::Model, StoreError> {
    let row = jobs::Entity::of(key).filter(jobs::Column::JobId.eq(id)).one(db).await.map_err(db_error)?;
    row.ok_or(StoreError::JobNotFound)
}

/// A live job's row, locked until the transaction ends; `JobNotFound`.
pub(super) async fn lock(
    transaction: &DatabaseTransaction,
    key: TenantKey,
    id: &str,
) -> Result<jobs::Model, StoreError> {
    let row = live(key).filter(jobs::Column::JobId.eq(id)).lock_exclusive();
    row.one(transaction).await.map_err(db_error)?.ok_or(StoreError::JobNotFound)
}

fn live(key: TenantKey) -> sea_orm::Select<jobs::Entity> {
    jobs::Entity::of(key).filter(jobs::Column::DeletedTime.is_null())
}

fn name_taken(error: sea_orm::DbErr) -> StoreError {
    if is_unique_violation(&error) { StoreError::JobExists } else { db_error(error) }
}

/// Adds the settings of the current revisions; keeps the order.
async fn with_settings(
    db: &impl ConnectionTrait,
    tenant: &TenantId,
    key: TenantKey,
    rows: Vec<jobs::Model>,
) -> Result<Vec<ExportJob>, StoreError> {
    let mut settings = revision::current(db, key, &rows).await?;
    rows.into_iter()
        .map(|row| {
            let settings =
                settings.remove(&row.job_id).ok_or_else(|| revision::missing(&row.job_id, row.revision))?;
            job(tenant, row, settings)
        })
        .collect()
}

fn job(tenant: &TenantId, row: jobs::Model, settings: JobSettings) -> Result<ExportJob, StoreError> {
    Ok(ExportJob {
        tenant: tenant.clone(),
        settings,
        revision: convert::unsigned(row.revision)?,
        scanned_sequence: convert::unsigned(row.scanned_sequence)?,
        published_sequence: convert::unsigned(row.published_sequence)?,
        health: Health::numbered(row.health)?,
        created: Timestamp::from_micros(row.created_time),
        updated: Timestamp::from_micros(row.updated_time),
        last_run: row.last_run_time.map(Timestamp::from_micros),
        standing: standing(&row)?,
        last_error: row.last_error,
        id: row.job_id,
    })
}

/// For the column: how long the job may be silent, in microseconds.
fn heartbeat(settings: &JobSettings) -> Option<i64> {
    settings.delivery.heartbeat.and_then(|interval| i64::try_from(interval.as_micros()).ok())
}

fn standing(row: &jobs::Model) -> Result<Standing, StoreError> {
    let reexport = match (&row.reexport_of, row.end_sequence) {
        (Some(of), Some(end)) => Some(ReExport { of: of.clone(), end: convert::unsigned(end)? }),
        _ => None,
    };
    Ok(Standing {
        paused: row.paused,
        declared: row.declared,
        reexport,
        next_run: row.next_run_time.map(Timestamp::from_micros),
        last_success: row.last_success_time.map(Timestamp::from_micros),
        failing_since: row.failing_since_time.map(Timestamp::from_micros),
        failures: u32::try_from(row.failures).unwrap_or_default(),
        failure: Option::numbered(row.failure)?,
        silent_since: row.silent_since_time.map(Timestamp::from_micros),
    })
}
