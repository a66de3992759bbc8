//! One run of a job, under its lease.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    ExportError,
    clean::clean,
    destination::{Destinations, DropFolder},
    format::Renderer,
    plan::{Plan, plan},
    publish::{Settled, Uploader, settle},
    secrets::{self, SecretsError},
    sftp::Address,
    source::Source,
    upload::upload,
};
use crate::{
    codec::error::DecodeError,
    domain::{
        export::{Destination, ExportFile, ExportJob, FileState, Health, JobSettings, file_name, part_name},
        id::TenantId,
        time::Clock,
    },
    store::{
        Store, StoreError,
        contract::{FileCut, Lease},
    },
    vault::Vault,
};

/// Listing a large folder is slow, so it is not done by every run.
const CLEAN_EVERY: u64 = 32;

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
}

/// A job as of one revision, with its folder.
struct Opened {
    job: ExportJob,
    folder: Arc<dyn DropFolder>,
    renderer: Renderer,
}

impl Runner {
    /// Everything that a run needs. A lease is renewed three times within `lease_term`.
    pub fn new(
        store: Arc<dyn Store>,
        destinations: Arc<dyn Destinations>,
        vault: Vault,
        clock: Arc<dyn Clock>,
        lease_term: Duration,
    ) -> Self {
        Self { store, destinations, vault, clock, lease_term }
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
        let mut run = Run { runner: self, tenant, lease, files, result: RunResult::default() };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(RunError::Cancelled),
            lost = self.keep(lease) => Err(lost.into()),
            done = run.work() => done,
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

struct Run<'a> {
    runner: &'a Runner,
    tenant: &'a TenantId,
    lease: &'a Lease,
    files: mpsc::Sender<ExportFile>,
    result: RunResult,
}

impl Run<'_> {
    async fn work(&mut self) -> Result<RunResult, RunError> {
        // Pinned, so that a run ends however fast events come in.
        let head = self.store().head(self.tenant).await?.sequence;
        let mut opened = self.open(None).await?;
        let pending = self.store().pending_file(&self.lease.job_id).await?;
        let left_over = pending.is_some() || opened.job.health != Health::Ok;
        if let Some(file) = pending {
            self.recover(&opened, file).await?;
            opened = self.open(Some(opened)).await?;
        }
        // What a killed run left is found at once; what one left that was only paused, now and then.
        if (left_over && self.lease.fence > 1) || self.lease.fence.is_multiple_of(CLEAN_EVERY) {
            self.clean(&opened).await;
        }
        while opened.job.scanned_sequence < head {
            self.next(&opened, head).await?;
            // Settings that changed meanwhile apply from the next file on.
            opened = self.open(Some(opened)).await?;
        }
        self.result.scanned_sequence = opened.job.scanned_sequence;
        Ok(self.result)
    }

    fn store(&self) -> &dyn Store {
        &*self.runner.store
    }

    /// The job as it is now; its folder stays open while its settings are the same.
    async fn open(&self, before: Option<Opened>) -> Result<Opened, RunError> {
        let kept = self.store().job(self.tenant, &self.lease.job_id).await?.ok_or(StoreError::JobNotFound)?;
        let job = kept.job;
        if let Some(before) = before.filter(|before| before.job.revision == job.revision) {
            return Ok(Opened { job, ..before });
        }
        let secrets = secrets::open(&self.runner.vault, &job.id, kept.sealed_secrets.as_deref())?;
        let folder = self.runner.destinations.open(&job.settings.destination, &secrets).await?;
        let renderer = Renderer::new(&job.settings);
        Ok(Opened { job, folder, renderer })
    }

    /// Cuts and publishes the next file, or moves on where nothing matches.
    async fn next(&mut self, opened: &Opened, head: u64) -> Result<(), RunError> {
        let job = &opened.job;
        let first = job.scanned_sequence + 1;
        let source = self.source(&job.settings, &opened.renderer);
        match plan(&source, &opened.renderer, &job.settings, first, head).await? {
            Plan::Nothing { through } => Ok(self.store().advance_scanned(self.lease, through).await?),
            Plan::File { last, events } => {
                let created = self.runner.clock.now();
                let cut = FileCut {
                    name: file_name(job, created, first, last),
                    first_sequence: first,
                    last_sequence: last,
                    event_count: events,
                    job_revision: job.revision,
                    created,
                };
                let file = self.store().cut_file(self.lease, cut).await?;
                self.deliver(opened, file).await
            }
        }
    }

    /// From `Cut` to `Published`.
    async fn deliver(&mut self, opened: &Opened, file: ExportFile) -> Result<(), RunError> {
        self.report(&file).await;
        let part = file.part_name();
        let source = self.source(&opened.job.settings, &opened.renderer);
        let uploaded = upload(&source, &opened.renderer, &*opened.folder, &file, &part).await;
        let sent = match uploaded {
            Ok(sent) => sent,
            Err(error) => {
                self.discard(opened, &file, &part, &error).await;
                return Err(error);
            }
        };
        let number = file.number;
        let marked = self.store().mark_uploaded(self.lease, number, sent.size_bytes, sent.sha256).await;
        if let Err(error @ (StoreError::LeaseLost | StoreError::Damaged(_))) = marked {
            // Refused for sure, so the temporary file is nobody's. After any other error it may have happened,
            // and then this file is the only one: it is never deleted.
            self.discard(opened, &file, &part, &RunError::Cancelled).await;
            return Err(error.into());
        }
        let file = marked?;
        self.report(&file).await;
        self.publish(opened, &opened.job.settings, file, Uploader::Us).await
    }

    /// From `Uploaded` to `Published`; `settings` are those that the file was cut with.
    async fn publish(
        &mut self,
        opened: &Opened,
        settings: &JobSettings,
        file: ExportFile,
        uploader: Uploader,
    ) -> Result<(), RunError> {
        self.store().renew_lease(self.lease, self.runner.lease_term).await?;
        if settle(&*opened.folder, &file, uploader).await? == Settled::PartDamaged {
            self.repair(opened, settings, &file).await?;
        }
        let now = self.runner.clock.now();
        let file = self.store().mark_published(self.lease, file.number, now).await?;
        self.result.files += 1;
        self.result.events += file.event_count;
        self.result.bytes += file.size_bytes;
        self.report(&file).await;
        Ok(())
    }

    /// Finishes what an earlier run left.
    async fn recover(&mut self, opened: &Opened, file: ExportFile) -> Result<(), RunError> {
        match file.state {
            FileState::Cut if file.job_revision == opened.job.revision => {
                opened.folder.delete(&file.part_name()).await?;
                let file = self.store().take_over_cut(self.lease, file.number).await?;
                self.deliver(opened, file).await
            }
            FileState::Cut => self.abandon(opened, &file).await,
            FileState::Uploaded => {
                let settings = self.store().job_settings(&file.job_id, file.job_revision).await?;
                if !same_place(&settings.destination, &opened.job.settings.destination) {
                    return Err(moved_away(&file).into());
                }
                self.publish(opened, &settings, file, Uploader::Earlier).await
            }
            FileState::Published => {
                Err(StoreError::Damaged("a published file is still pending".to_owned()).into())
            }
        }
    }

    /// The settings have changed since the cut, which nobody has seen yet: it is cut anew.
    async fn abandon(&self, opened: &Opened, file: &ExportFile) -> Result<(), RunError> {
        let settings = self.store().job_settings(&file.job_id, file.job_revision).await?;
        if same_place(&settings.destination, &opened.job.settings.destination) {
            opened.folder.delete(&file.part_name()).await?;
        } else {
            tracing::warn!(
                export.job_id = %file.job_id,
                file.name = %file.part_name(),
                "a temporary file may be left at the job's former destination"
            );
        }
        tracing::info!(export.job_id = %file.job_id, file.name = %file.name, "the settings changed: cut anew");
        Ok(self.store().abandon_cut(self.lease, file.number).await?)
    }

    /// After a failed upload: takes the partial file away, and the cut too if its range no longer fits it.
    async fn discard(&self, opened: &Opened, file: &ExportFile, part: &str, why: &RunError) {
        if let Err(error) = opened.folder.delete(part).await {
            tracing::debug!(export.job_id = %file.job_id, file.name = part, %error, "the next run removes it");
            return;
        }
        if matches!(why, RunError::Store(StoreError::Damaged(_)))
            && let Err(error) = self.store().abandon_cut(self.lease, file.number).await
        {
            tracing::warn!(export.job_id = %file.job_id, file.name = %file.name, %error, "the cut stays");
        }
    }

    /// The server lost bytes of an uploaded file, by a crash: the same bytes are sent again under our own
    /// fence and published in its place. The damaged one goes last, so that whoever looks meanwhile never
    /// takes both for gone.
    async fn repair(
        &self,
        opened: &Opened,
        settings: &JobSettings,
        file: &ExportFile,
    ) -> Result<(), RunError> {
        let ours = ExportFile { fence: self.lease.fence, ..file.clone() };
        if ours.fence == file.fence {
            let message = format!("the destination changed {} right after it was uploaded", file.part_name());
            return Err(ExportError::destination(message).into());
        }
        tracing::warn!(export.job_id = %file.job_id, file.name = %file.name, "the uploaded file is damaged: sent again");
        let part = part_name(&ours.name, ours.fence);
        let renderer = Renderer::new(settings);
        let source = self.source(settings, &renderer);
        let sent = upload(&source, &renderer, &*opened.folder, &ours, &part).await?;
        if sent.sha256 != file.sha256 {
            opened.folder.delete(&part).await?;
            let message = format!(
                "{} is damaged at the destination and its events no longer give the same bytes",
                file.part_name()
            );
            return Err(ExportError::destination(message).into());
        }
        settle(&*opened.folder, &ours, Uploader::Us).await?;
        Ok(opened.folder.delete(&file.part_name()).await?)
    }

    /// Best effort: a folder may be for writing only, and what is left over harms nobody.
    async fn clean(&self, opened: &Opened) {
        if let Err(error) = clean(&*opened.folder, &self.lease.job_id, self.lease.fence).await {
            tracing::debug!(export.job_id = %self.lease.job_id, %error, "could not look for left-over files");
        }
    }

    fn source<'a>(&'a self, settings: &'a JobSettings, renderer: &Renderer) -> Source<'a> {
        Source {
            store: self.store(),
            tenant: self.tenant,
            filter: &settings.filter,
            with_personal: renderer.needs_personal(),
        }
    }

    async fn report(&self, file: &ExportFile) {
        // Nobody may be listening; the run goes on all the same.
        let _ = self.files.send(file.clone()).await;
    }
}

/// Whether both mean the same folder, whatever keys and secrets it is reached with.
pub fn same_place(one: &Destination, other: &Destination) -> bool {
    match (one, other) {
        (Destination::Sftp(one), Destination::Sftp(other)) => {
            same_server(&one.address, &other.address)
                && one.directory == other.directory
                // Where a folder is, even an absolute one, depends on who logs in and is locked in where.
                && one.user_name == other.user_name
        }
        (Destination::Fs { directory: one }, Destination::Fs { directory: other }) => one == other,
        (Destination::Sftp(_), Destination::Fs { .. }) | (Destination::Fs { .. }, Destination::Sftp(_)) => {
            false
        }
    }
}

fn same_server(one: &str, other: &str) -> bool {
    match (one.parse::<Address>(), other.parse::<Address>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

fn moved_away(file: &ExportFile) -> ExportError {
    ExportError::destination(format!(
        "file {} was uploaded to the job's former destination and not yet published there; set that destination \
         again and run the job once, then change it",
        file.name
    ))
}
