//! Runs of export jobs: how they ended.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};

use super::{
    convert,
    entity::{export_jobs as jobs, export_runs as runs},
    error::db_error,
    lease::Held,
    numbered::Numbered,
    tenant_key::TenantKey,
};
use crate::{
    domain::{
        export::{ExportRun, Health, RunState, Trigger},
        time::Timestamp,
    },
    store::{
        StoreError,
        contract::{KEPT_RUNS, RunOutcome},
    },
};

/// Gives the lease up and keeps how the run ended.
pub(super) async fn end(held: &Held, outcome: &RunOutcome) -> Result<(), StoreError> {
    let ended = outcome.ended.micros();
    let mut change = held
        .change()
        .col_expr(jobs::Column::LeaseOwner, Expr::value(None::<String>))
        .col_expr(jobs::Column::LeaseUntil, Expr::value(None::<i64>))
        .col_expr(jobs::Column::LastRunTime, Expr::value(ended))
        .col_expr(jobs::Column::NextRunTime, Expr::value(outcome.next_run.map(Timestamp::micros)));
    if let Some(since) = outcome.silent_since {
        change = change.col_expr(jobs::Column::SilentSinceTime, Expr::value(since.micros()));
    }
    change = match outcome.state {
        RunState::Stopped => change,
        RunState::Ok => change
            .col_expr(jobs::Column::Health, Expr::value(Health::Ok.number()))
            .col_expr(jobs::Column::LastError, Expr::value(""))
            .col_expr(jobs::Column::LastSuccessTime, Expr::value(ended))
            .col_expr(jobs::Column::FailingSinceTime, Expr::value(None::<i64>))
            .col_expr(jobs::Column::Failures, Expr::value(0_i16))
            .col_expr(jobs::Column::Failure, Expr::value(0_i16)),
        RunState::Failed => {
            let since = held.job.failing_since_time.unwrap_or(ended);
            change
                .col_expr(jobs::Column::Health, Expr::value(Health::Failing.number()))
                .col_expr(jobs::Column::LastError, Expr::value(outcome.last_error.as_str()))
                .col_expr(jobs::Column::FailingSinceTime, Expr::value(since))
                .col_expr(jobs::Column::Failures, Expr::value(held.job.failures.saturating_add(1)))
                .col_expr(jobs::Column::Failure, Expr::value(outcome.failure.number()))
        }
    };
    change.exec(&held.transaction).await.map_err(db_error)?;
    match &outcome.kept {
        Some(run) => keep(held, run).await,
        None => Ok(()),
    }
}

async fn keep(held: &Held, run: &ExportRun) -> Result<(), StoreError> {
    let number = convert::signed(run.number);
    let row = runs::ActiveModel {
        tenant_key: Set(held.key.get()),
        job_id: Set(held.job.job_id.clone()),
        number: Set(number),
        trigger_kind: Set(run.trigger.number()),
        state: Set(run.state.number()),
        started_time: Set(run.started.micros()),
        ended_time: Set(run.ended.micros()),
        files: Set(convert::signed(run.files)),
        events: Set(convert::signed(run.events)),
        bytes: Set(convert::signed(run.bytes)),
        failure: Set(run.failure.number()),
        error: Set(run.error.clone()),
    };
    runs::Entity::insert(row).exec_without_returning(&held.transaction).await.map_err(db_error)?;
    runs::Entity::remove(held.key)
        .filter(runs::Column::JobId.eq(held.job.job_id.as_str()))
        .filter(runs::Column::Number.lte(convert::signed(run.number.saturating_sub(KEPT_RUNS))))
        .exec(&held.transaction)
        .await
        .map_err(db_error)?;
    Ok(())
}

pub(super) async fn list(
    db: &impl ConnectionTrait,
    key: TenantKey,
    job_id: &str,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<ExportRun>, StoreError> {
    let mut rows = runs::Entity::of(key).filter(runs::Column::JobId.eq(job_id));
    if let Some(before) = before {
        rows = rows.filter(runs::Column::Number.lt(convert::signed(before)));
    }
    let rows = rows.order_by_desc(runs::Column::Number).limit(limit as u64);
    rows.all(db).await.map_err(db_error)?.into_iter().map(run).collect()
}

fn run(row: runs::Model) -> Result<ExportRun, StoreError> {
    Ok(ExportRun {
        number: convert::unsigned(row.number)?,
        trigger: Trigger::numbered(row.trigger_kind)?,
        state: RunState::numbered(row.state)?,
        started: Timestamp::from_micros(row.started_time),
        ended: Timestamp::from_micros(row.ended_time),
        files: convert::unsigned(row.files)?,
        events: convert::unsigned(row.events)?,
        bytes: convert::unsigned(row.bytes)?,
        failure: Option::numbered(row.failure)?,
        error: row.error,
    })
}
