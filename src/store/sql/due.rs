//! Jobs of all tenants: whose time has come, and how all of them fare.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, JoinType, Order, QueryFilter, QueryOrder,
    QuerySelect, RelationDef, Select,
    sea_query::{Expr, ExprTrait},
};

use super::{
    convert,
    entity::{events, export_jobs as jobs, heads, tenants},
    error::db_error,
    lease::now as database_now,
    numbered::Numbered,
    store::SqlStore,
    tenant_key::TenantKey,
};
use crate::{
    domain::{
        export::{ExportJob, Health},
        id::TenantId,
        time::Timestamp,
    },
    store::{
        StoreError,
        contract::{Due, DueJob, JobGlance},
    },
};

#[derive(FromQueryResult)]
struct Row {
    tenant: String,
    job_id: String,
    live_name: Option<String>,
    health: i16,
    paused: bool,
    scanned_sequence: i64,
    head_sequence: i64,
    lease_until: Option<i64>,
    next_run_time: Option<i64>,
    waiting_events: Option<i64>,
    waiting_bytes: Option<i64>,
    failing_since_time: Option<i64>,
    last_success_time: Option<i64>,
    closed: bool,
    created_time: i64,
    reexport_of: Option<String>,
    heartbeat_interval: Option<i64>,
    silent_since_time: Option<i64>,
}

pub(super) async fn due(store: &SqlStore, now: Timestamp, limit: usize) -> Result<Vec<DueJob>, StoreError> {
    let backend = sea_orm::ConnectionTrait::get_database_backend(&store.read);
    let column = |column: jobs::Column| Expr::col((jobs::Entity, column));
    let head = || Expr::col((heads::Entity, heads::Column::LastSequence));
    let free = Condition::any()
        .add(column(jobs::Column::LeaseUntil).is_null())
        .add(column(jobs::Column::LeaseUntil).lte(Expr::cust(database_now(backend))));
    let scanned = || column(jobs::Column::ScannedSequence);
    let waiting =
        Condition::all().add(column(jobs::Column::FailingSinceTime).is_null()).add(head().gt(scanned())).add(
            Condition::any()
                .add(column(jobs::Column::WaitingBytes).is_not_null())
                .add(head().gte(scanned().add(column(jobs::Column::WaitingEvents)))),
        );
    let certain = Condition::any()
        .add(column(jobs::Column::LeaseUntil).is_not_null())
        .add(column(jobs::Column::NextRunTime).lte(now.micros()));
    let heard_until = column(jobs::Column::SilentSinceTime)
        .if_null(column(jobs::Column::CreatedTime))
        .add(column(jobs::Column::HeartbeatInterval));
    let heartbeat = Condition::all()
        .add(column(jobs::Column::FailingSinceTime).is_null())
        .add(column(jobs::Column::ReexportOf).is_null())
        .add(Expr::col((tenants::Entity, tenants::Column::Closed)).eq(false))
        .add(heard_until.lte(now.micros()));
    let time = Condition::any().add(certain.clone()).add(heartbeat.clone()).add(waiting);
    // Else those for which it is not certain that enough waits could keep the others out.
    let first = Expr::expr(Expr::case(certain, 0).case(heartbeat, 1).finally(2));
    let rows = all()
        .filter(column(jobs::Column::Paused).eq(false))
        .filter(free)
        .filter(time)
        .order_by(first, Order::Asc)
        .order_by_asc(jobs::Column::NextRunTime)
        .limit(limit as u64)
        .into_model::<Row>()
        .all(&store.read)
        .await
        .map_err(db_error)?;
    rows.into_iter().map(|row| due_job(row, now)).collect()
}

fn due_job(row: Row, now: Timestamp) -> Result<DueJob, StoreError> {
    let (after, through) = (convert::unsigned(row.scanned_sequence)?, convert::unsigned(row.head_sequence)?);
    let heartbeat = heartbeat_is_due(&row, now);
    let due = match (row.next_run_time.map(Timestamp::from_micros), row.waiting_events, row.waiting_bytes) {
        _ if row.lease_until.is_some() => Due::Abandoned,
        (Some(next), ..) if next <= now => Due::Time(next),
        _ if heartbeat => Due::Heartbeat,
        (_, Some(events), _) if through.saturating_sub(after) >= convert::unsigned(events)? => Due::Events,
        (.., bytes) => Due::Bytes { after, through, bytes: convert::unsigned(bytes.unwrap_or(i64::MAX))? },
    };
    Ok(DueJob { tenant: convert::tenant_id(row.tenant)?, id: row.job_id, due })
}

/// As the question says it.
fn heartbeat_is_due(row: &Row, now: Timestamp) -> bool {
    let since = Timestamp::from_micros(row.silent_since_time.unwrap_or(row.created_time));
    let over = row.heartbeat_interval.is_some_and(|interval| since.plus_micros(interval) <= now);
    over && row.failing_since_time.is_none() && row.reexport_of.is_none() && !row.closed
}

pub(super) async fn glance(store: &SqlStore, limit: usize) -> Result<Vec<JobGlance>, StoreError> {
    let failing = Expr::col((jobs::Entity, jobs::Column::Health)).eq(Health::Failing.number());
    let rows = all()
        .order_by(failing, Order::Desc)
        .limit(limit as u64)
        .into_model::<Row>()
        .all(&store.read)
        .await
        .map_err(db_error)?;
    rows.into_iter().map(job_glance).collect()
}

fn job_glance(row: Row) -> Result<JobGlance, StoreError> {
    Ok(JobGlance {
        tenant: convert::tenant_id(row.tenant)?,
        id: row.job_id,
        name: row.live_name.unwrap_or_default(),
        health: Health::numbered(row.health)?,
        paused: row.paused,
        failing_since: row.failing_since_time.map(Timestamp::from_micros),
        last_success: row.last_success_time.map(Timestamp::from_micros),
        scanned_sequence: convert::unsigned(row.scanned_sequence)?,
        head_sequence: convert::unsigned(row.head_sequence)?,
    })
}

/// All live jobs with their tenant's id and where its log ends.
fn all() -> Select<jobs::Entity> {
    let to_tenants: RelationDef = jobs::Entity::belongs_to(tenants::Entity)
        .from(jobs::Column::TenantKey)
        .to(tenants::Column::TenantKey)
        .into();
    let to_heads: RelationDef = jobs::Entity::belongs_to(heads::Entity)
        .from(jobs::Column::TenantKey)
        .to(heads::Column::TenantKey)
        .into();
    jobs::of_everybody()
        .join(JoinType::InnerJoin, to_tenants)
        .join(JoinType::InnerJoin, to_heads)
        .select_only()
        .column_as(tenants::Column::Id, "tenant")
        .column_as(tenants::Column::Closed, "closed")
        .column_as(heads::Column::LastSequence, "head_sequence")
        .columns([
            jobs::Column::JobId,
            jobs::Column::LiveName,
            jobs::Column::Health,
            jobs::Column::Paused,
            jobs::Column::ScannedSequence,
            jobs::Column::LeaseUntil,
            jobs::Column::NextRunTime,
            jobs::Column::WaitingEvents,
            jobs::Column::WaitingBytes,
            jobs::Column::FailingSinceTime,
            jobs::Column::LastSuccessTime,
            jobs::Column::CreatedTime,
            jobs::Column::ReexportOf,
            jobs::Column::HeartbeatInterval,
            jobs::Column::SilentSinceTime,
        ])
}

pub(super) async fn postpone(
    store: &SqlStore,
    (tenant, id): (&TenantId, &str),
    expected: Timestamp,
    next_run: Option<Timestamp>,
) -> Result<(), StoreError> {
    let key = store.key(tenant).await?;
    jobs::Entity::change(key)
        .col_expr(jobs::Column::NextRunTime, Expr::value(next_run.map(Timestamp::micros)))
        .filter(jobs::Column::JobId.eq(id))
        .filter(jobs::Column::NextRunTime.eq(expected.micros()))
        .exec(&store.write)
        .await
        .map_err(db_error)?;
    Ok(())
}

pub(super) async fn pass_over(store: &SqlStore, job: &ExportJob, through: u64) -> Result<(), StoreError> {
    let key = store.key(&job.tenant).await?;
    jobs::Entity::change(key)
        .col_expr(jobs::Column::ScannedSequence, Expr::value(convert::signed(through)))
        .filter(jobs::Column::JobId.eq(job.id.as_str()))
        .filter(jobs::Column::Revision.eq(convert::signed(job.revision)))
        .filter(jobs::Column::ScannedSequence.eq(convert::signed(job.scanned_sequence)))
        .filter(jobs::Column::ScannedSequence.lt(convert::signed(through)))
        .filter(jobs::Column::LeaseUntil.is_null())
        .exec(&store.write)
        .await
        .map_err(db_error)?;
    Ok(())
}

pub(super) async fn stored_bytes(
    store: &SqlStore,
    key: TenantKey,
    from: u64,
    through: u64,
) -> Result<u64, StoreError> {
    // A sum of bigints is a decimal on PostgreSQL and MySQL.
    let sum = match sea_orm::ConnectionTrait::get_database_backend(&store.read) {
        sea_orm::DbBackend::Sqlite => "COALESCE(SUM(LENGTH(payload)), 0)",
        sea_orm::DbBackend::MySql => "CAST(COALESCE(SUM(LENGTH(payload)), 0) AS SIGNED)",
        _ => "CAST(COALESCE(SUM(LENGTH(payload)), 0) AS BIGINT)",
    };
    let bytes: Option<i64> = events::Entity::of(key)
        .filter(events::Column::Sequence.gte(convert::signed(from)))
        .filter(events::Column::Sequence.lte(convert::signed(through)))
        .select_only()
        .expr_as(Expr::cust(sum), "bytes")
        .into_tuple()
        .one(&store.read)
        .await
        .map_err(db_error)?;
    convert::unsigned(bytes.unwrap_or_default())
}
