//! Files of export jobs: cut, uploaded, published.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};

use super::{
    convert,
    entity::{export_files as files, export_jobs as jobs},
    error::db_error,
    lease::{Held, begin},
    numbered::Numbered,
    store::SqlStore,
    tenant_key::TenantKey,
};
use crate::{
    domain::{
        export::{ExportFile, FileState, ManifestState},
        time::Timestamp,
    },
    store::{
        StoreError,
        contract::{FileCut, Lease},
    },
};

pub(super) async fn pending(
    db: &impl ConnectionTrait,
    key: TenantKey,
    job_id: &str,
) -> Result<Option<ExportFile>, StoreError> {
    let newest = list(db, key, job_id, None, 1).await?.pop();
    Ok(newest.filter(|file| !file.is_finished()))
}

pub(super) async fn list(
    db: &impl ConnectionTrait,
    key: TenantKey,
    job_id: &str,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<ExportFile>, StoreError> {
    let mut rows = files::Entity::of(key).filter(files::Column::JobId.eq(job_id));
    if let Some(before) = before {
        rows = rows.filter(files::Column::Number.lt(convert::signed(before)));
    }
    let rows = rows.order_by_desc(files::Column::Number).limit(limit as u64);
    rows.all(db).await.map_err(db_error)?.into_iter().map(file).collect()
}

pub(super) async fn cut(store: &SqlStore, lease: &Lease, cut: FileCut) -> Result<ExportFile, StoreError> {
    let held = begin(store, lease).await?;
    let newest = list(&held.transaction, held.key, &lease.job_id, None, 1).await?.pop();
    refuse_pending(newest.as_ref())?;
    let expected = convert::unsigned(held.job.published_sequence)? + 1;
    let new = convert::unsigned(held.job.scanned_sequence)? + 1..=cut.last_sequence;
    if cut.first_sequence != expected || !new.contains(&cut.first_event_sequence) {
        return Err(StoreError::Damaged(format!(
            "a file of export job {} was to cover {} to {} with events from {}, but the next position is {expected} \
             and everything before {} was looked at",
            lease.job_id,
            cut.first_sequence,
            cut.last_sequence,
            cut.first_event_sequence,
            new.start()
        )));
    }
    let row = files::Model {
        tenant_key: held.key.get(),
        job_id: lease.job_id.clone(),
        number: convert::signed(newest.map_or(1, |file| file.number + 1)),
        name: cut.name,
        state: FileState::Cut.number(),
        first_sequence: convert::signed(cut.first_sequence),
        last_sequence: convert::signed(cut.last_sequence),
        event_count: convert::signed(cut.event_count),
        size_bytes: 0,
        sha256: vec![0; 32],
        job_revision: convert::signed(cut.job_revision),
        fence: convert::signed(lease.fence),
        created_time: cut.created.micros(),
        published_time: None,
        directory: Some(cut.directory),
        manifest: if cut.with_manifest { ManifestState::Due } else { ManifestState::None }.number(),
        first_event_sequence: Some(convert::signed(cut.first_event_sequence)),
        first_recorded_time: Some(cut.first_recorded.micros()),
        last_recorded_time: Some(cut.last_recorded.micros()),
    };
    files::Entity::insert(all_set(row.clone()))
        .exec_without_returning(&held.transaction)
        .await
        .map_err(db_error)?;
    held.commit().await?;
    file(row)
}

pub(super) async fn take_over(
    store: &SqlStore,
    lease: &Lease,
    number: u64,
    state: FileState,
) -> Result<ExportFile, StoreError> {
    let held = begin(store, lease).await?;
    in_state(&held, number, state).await?;
    of_number(&held, number)
        .col_expr(files::Column::Fence, Expr::value(convert::signed(lease.fence)))
        .exec(&held.transaction)
        .await
        .map_err(db_error)?;
    finish(held, number).await
}

pub(super) async fn abandon(store: &SqlStore, lease: &Lease, number: u64) -> Result<(), StoreError> {
    let held = begin(store, lease).await?;
    let cut = in_state(&held, number, FileState::Cut).await?;
    files::Entity::remove(held.key)
        .filter(files::Column::JobId.eq(cut.job_id))
        .filter(files::Column::Number.eq(convert::signed(cut.number)))
        .exec(&held.transaction)
        .await
        .map_err(db_error)?;
    held.commit().await
}

pub(super) async fn uploaded(
    store: &SqlStore,
    lease: &Lease,
    number: u64,
    size_bytes: u64,
    sha256: [u8; 32],
) -> Result<ExportFile, StoreError> {
    let held = begin(store, lease).await?;
    let cut = in_state(&held, number, FileState::Cut).await?;
    // Its temporary name holds its fence: one that was not taken over was uploaded by somebody else.
    if cut.fence != lease.fence {
        return Err(StoreError::Damaged(format!(
            "file {number} of export job {} was cut under another lease and not taken over",
            lease.job_id
        )));
    }
    of_number(&held, number)
        .col_expr(files::Column::State, Expr::value(FileState::Uploaded.number()))
        .col_expr(files::Column::SizeBytes, Expr::value(convert::signed(size_bytes)))
        .col_expr(files::Column::Sha256, Expr::value(sha256.to_vec()))
        .exec(&held.transaction)
        .await
        .map_err(db_error)?;
    finish(held, number).await
}

pub(super) async fn published(
    store: &SqlStore,
    lease: &Lease,
    number: u64,
    published: Timestamp,
) -> Result<ExportFile, StoreError> {
    let held = begin(store, lease).await?;
    let uploaded = in_state(&held, number, FileState::Uploaded).await?;
    of_number(&held, number)
        .col_expr(files::Column::State, Expr::value(FileState::Published.number()))
        .col_expr(files::Column::PublishedTime, Expr::value(published.micros()))
        .exec(&held.transaction)
        .await
        .map_err(db_error)?;
    let last = convert::signed(uploaded.last_sequence);
    held.change()
        .col_expr(jobs::Column::ScannedSequence, Expr::value(last))
        .col_expr(jobs::Column::PublishedSequence, Expr::value(last))
        .col_expr(jobs::Column::SilentSinceTime, Expr::value(published.micros()))
        .exec(&held.transaction)
        .await
        .map_err(db_error)?;
    finish(held, number).await
}

pub(super) async fn manifest(store: &SqlStore, lease: &Lease, number: u64) -> Result<ExportFile, StoreError> {
    let held = begin(store, lease).await?;
    let published = in_state(&held, number, FileState::Published).await?;
    if published.manifest != ManifestState::Due {
        let message = format!("no manifest is due for file {number} of export job {}", lease.job_id);
        return Err(StoreError::Damaged(message));
    }
    of_number(&held, number)
        .col_expr(files::Column::Manifest, Expr::value(ManifestState::Published.number()))
        .exec(&held.transaction)
        .await
        .map_err(db_error)?;
    finish(held, number).await
}

pub(super) async fn advance_scanned(
    store: &SqlStore,
    lease: &Lease,
    sequence: u64,
) -> Result<(), StoreError> {
    let held = begin(store, lease).await?;
    let newest = list(&held.transaction, held.key, &lease.job_id, None, 1).await?.pop();
    refuse_pending(newest.as_ref())?;
    let scanned = held.job.scanned_sequence.max(convert::signed(sequence));
    held.change()
        .col_expr(jobs::Column::ScannedSequence, Expr::value(scanned))
        .exec(&held.transaction)
        .await
        .map_err(db_error)?;
    held.commit().await
}

fn refuse_pending(newest: Option<&ExportFile>) -> Result<(), StoreError> {
    match newest {
        Some(file) if !file.is_finished() => Err(StoreError::Damaged(format!(
            "file {} of export job {} is not finished yet",
            file.number, file.job_id
        ))),
        _ => Ok(()),
    }
}

fn of_number(held: &Held, number: u64) -> sea_orm::UpdateMany<files::Entity> {
    files::Entity::change(held.key)
        .filter(files::Column::JobId.eq(held.job.job_id.as_str()))
        .filter(files::Column::Number.eq(convert::signed(number)))
}

async fn read(held: &Held, number: u64) -> Result<ExportFile, StoreError> {
    let row = files::Entity::of(held.key)
        .filter(files::Column::JobId.eq(held.job.job_id.as_str()))
        .filter(files::Column::Number.eq(convert::signed(number)))
        .one(&held.transaction)
        .await
        .map_err(db_error)?;
    let missing = || StoreError::Damaged(format!("export job {} has no file {number}", held.job.job_id));
    file(row.ok_or_else(missing)?)
}

async fn in_state(held: &Held, number: u64, expected: FileState) -> Result<ExportFile, StoreError> {
    let file = read(held, number).await?;
    if file.state != expected {
        return Err(StoreError::Damaged(format!(
            "file {number} of export job {} is {:?} where only {expected:?} can be",
            file.job_id, file.state
        )));
    }
    Ok(file)
}

async fn finish(held: Held, number: u64) -> Result<ExportFile, StoreError> {
    let file = read(&held, number).await?;
    held.commit().await?;
    Ok(file)
}

fn all_set(row: files::Model) -> files::ActiveModel {
    files::ActiveModel {
        tenant_key: Set(row.tenant_key),
        job_id: Set(row.job_id),
        number: Set(row.number),
        name: Set(row.name),
        state: Set(row.state),
        first_sequence: Set(row.first_sequence),
        last_sequence: Set(row.last_sequence),
        event_count: Set(row.event_count),
        size_bytes: Set(row.size_bytes),
        sha256: Set(row.sha256),
        job_revision: Set(row.job_revision),
        fence: Set(row.fence),
        created_time: Set(row.created_time),
        published_time: Set(row.published_time),
        directory: Set(row.directory),
        manifest: Set(row.manifest),
        first_event_sequence: Set(row.first_event_sequence),
        first_recorded_time: Set(row.first_recorded_time),
        last_recorded_time: Set(row.last_recorded_time),
    }
}

fn file(row: files::Model) -> Result<ExportFile, StoreError> {
    Ok(ExportFile {
        number: convert::unsigned(row.number)?,
        state: FileState::numbered(row.state)?,
        first_sequence: convert::unsigned(row.first_sequence)?,
        last_sequence: convert::unsigned(row.last_sequence)?,
        event_count: convert::unsigned(row.event_count)?,
        size_bytes: convert::unsigned(row.size_bytes)?,
        sha256: convert::digest(&row.sha256)?,
        job_revision: convert::unsigned(row.job_revision)?,
        fence: convert::unsigned(row.fence)?,
        created: Timestamp::from_micros(row.created_time),
        published: row.published_time.map(Timestamp::from_micros),
        manifest: ManifestState::numbered(row.manifest)?,
        // A file of before there was this column: all of its range was looked at for it.
        first_event_sequence: convert::unsigned(row.first_event_sequence.unwrap_or(row.first_sequence))?,
        first_recorded: row.first_recorded_time.map(Timestamp::from_micros),
        last_recorded: row.last_recorded_time.map(Timestamp::from_micros),
        directory: row.directory.unwrap_or_default(),
        name: row.name,
        job_id: row.job_id,
    })
}
