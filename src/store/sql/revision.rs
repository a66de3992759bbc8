//! Revisions of export jobs: each change of settings makes one, none is ever changed.

use std::collections::HashMap;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
};

use super::{
    convert,
    entity::{export_job_revisions as revisions, export_jobs as jobs},
    error::db_error,
    tenant_key::TenantKey,
};
use crate::{
    codec::job::{decode_settings, encode_settings},
    domain::export::JobSettings,
    store::StoreError,
};

/// Keeps a revision of a job's settings.
pub(super) async fn insert(
    transaction: &DatabaseTransaction,
    key: TenantKey,
    job_id: &str,
    revision: i64,
    settings: &JobSettings,
) -> Result<(), StoreError> {
    let row = revisions::ActiveModel {
        tenant_key: Set(key.get()),
        job_id: Set(job_id.to_owned()),
        revision: Set(revision),
        settings: Set(encode_settings(settings)),
    };
    revisions::Entity::insert(row).exec_without_returning(transaction).await.map_err(db_error)?;
    Ok(())
}

/// The settings of a job as of a revision.
pub(super) async fn settings(
    db: &impl ConnectionTrait,
    key: TenantKey,
    job_id: &str,
    revision: u64,
) -> Result<JobSettings, StoreError> {
    let row = revisions::Entity::of(key)
        .filter(revisions::Column::JobId.eq(job_id))
        .filter(revisions::Column::Revision.eq(convert::signed(revision)))
        .one(db)
        .await
        .map_err(db_error)?;
    decode(&row.ok_or_else(|| missing(job_id, convert::signed(revision)))?)
}

/// The settings of these jobs as of their current revisions, by the jobs' ids.
pub(super) async fn current(
    db: &impl ConnectionTrait,
    key: TenantKey,
    rows: &[jobs::Model],
) -> Result<HashMap<String, JobSettings>, StoreError> {
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    // Each with its revision, since the old ones may be many.
    let wanted = rows.iter().fold(Condition::any(), |any, row| {
        let job = revisions::Column::JobId.eq(row.job_id.as_str());
        any.add(Condition::all().add(job).add(revisions::Column::Revision.eq(row.revision)))
    });
    let found = revisions::Entity::of(key).filter(wanted).all(db).await.map_err(db_error)?;
    found.into_iter().map(|row| Ok((row.job_id.clone(), decode(&row)?))).collect()
}

/// The error for a revision that should be there.
pub(super) fn missing(job_id: &str, revision: i64) -> StoreError {
    StoreError::Damaged(format!("export job {job_id} has no revision {revision}"))
}

fn decode(row: &revisions::Model) -> Result<JobSettings, StoreError> {
    decode_settings(&row.settings).map_err(|cause| {
        StoreError::Damaged(format!("revision {} of export job {}: {cause}", row.revision, row.job_id))
    })
}
