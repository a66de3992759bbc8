//! Cutting, uploading and publishing one file after the other.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::mpsc;

use super::{RunError, RunResult, Runner, ahead::Ahead};
use crate::{
    domain::{
        export::{ExportFile, ExportJob, Health, JobSettings, ManifestState, file_place},
        id::TenantId,
    },
    export::{
        clean::clean,
        destination::DropFolder,
        format::Renderer,
        kept::Kept,
        manifest,
        plan::Plan,
        publish::{Settled, Uploader, settle},
        secrets,
        source::{Reading, Source},
        upload::upload,
    },
    store::{
        Store, StoreError,
        contract::{FileCut, Lease},
    },
};

/// Listing a large folder is slow, so it is not done by every run.
const CLEAN_EVERY: u64 = 32;
/// Files whose folders are looked into.
const CLEAN_FOLDERS: usize = 16;

/// A job as of one revision, with its folder.
pub(super) struct Opened {
    pub(super) job: ExportJob,
    pub(super) folder: Arc<dyn DropFolder>,
    pub(super) renderer: Renderer,
}

/// A run that goes on.
pub(super) struct Run<'a> {
    pub(super) runner: &'a Runner,
    pub(super) tenant: &'a TenantId,
    pub(super) lease: &'a Lease,
    pub(super) files: mpsc::Sender<ExportFile>,
    pub(super) result: RunResult,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        runner: &'a Runner,
        tenant: &'a TenantId,
        lease: &'a Lease,
        files: mpsc::Sender<ExportFile>,
    ) -> Self {
        Self { runner, tenant, lease, files, result: RunResult::default() }
    }
}

impl Run<'_> {
    pub(super) async fn work(&mut self) -> Result<RunResult, RunError> {
        // Pinned, so that a run ends however fast events come in.
        let head = self.store().head(self.tenant).await?.sequence;
        let mut opened = self.open(None).await?;
        let head = opened.job.standing.reexport.as_ref().map_or(head, |again| again.end.min(head));
        let was_paused = opened.job.standing.paused;
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
        let paused = |job: &ExportJob| job.standing.paused && !was_paused;
        let mut ahead = None;
        while opened.job.scanned_sequence < head && !paused(&opened.job) {
            ahead = self.next(&opened, head, ahead).await?;
            // Settings that changed meanwhile apply from the next file on.
            opened = self.open(Some(opened)).await?;
        }
        self.result.scanned_sequence = opened.job.scanned_sequence;
        Ok(self.result)
    }

    pub(super) fn store(&self) -> &dyn Store {
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

    /// Cuts and publishes the next file, or moves on where nothing matches. `ahead` is what was planned while the last
    /// file was sent; gives the same for the file after this one.
    async fn next(
        &mut self,
        opened: &Opened,
        head: u64,
        ahead: Option<Ahead>,
    ) -> Result<Option<Ahead>, RunError> {
        let job = &opened.job;
        let from = job.scanned_sequence + 1;
        let ahead = ahead.filter(|ahead| ahead.is_for(job, from));
        let ahead = ahead.unwrap_or_else(|| {
            let steps = self.source(job, &job.settings).read(from, head);
            self.plan(opened, from, steps)
        });
        match ahead.plan().await? {
            Plan::Nothing { through } => {
                self.store().advance_scanned(self.lease, through).await?;
                Ok(None)
            }
            Plan::File(planned, kept, steps) => {
                let created = self.runner.clock.now();
                // Files follow one another without a gap, though nothing between them matched.
                let first_sequence = job.published_sequence + 1;
                let (directory, name) = file_place(job, created, first_sequence, planned.last);
                let cut = FileCut {
                    directory,
                    name,
                    with_manifest: job.settings.delivery.manifest.directory().is_some(),
                    first_sequence,
                    last_sequence: planned.last,
                    first_event_sequence: planned.first_event,
                    first_recorded: planned.first_recorded,
                    last_recorded: planned.last_recorded,
                    event_count: planned.events,
                    job_revision: job.revision,
                    created,
                };
                let file = self.store().cut_file(self.lease, cut).await?;
                let next = planned.last + 1;
                let ahead = (next <= head).then(|| self.plan(opened, next, steps));
                self.deliver(opened, file, *kept).await?;
                Ok(ahead)
            }
        }
    }

    /// Begins to plan the file that begins at `from`, where `steps` do.
    fn plan(&self, opened: &Opened, from: u64, steps: Reading) -> Ahead {
        Ahead::begin(
            self.source(&opened.job, &opened.job.settings),
            &opened.job,
            from,
            steps,
            &self.runner.kept,
        )
    }

    /// From `Cut` to `Published`.
    pub(super) async fn deliver(
        &mut self,
        opened: &Opened,
        file: ExportFile,
        kept: Kept,
    ) -> Result<(), RunError> {
        self.report(&file).await;
        let part = file.part_path();
        let source = self.source(&opened.job, &opened.job.settings);
        let uploaded = upload(&source, &opened.renderer, kept, &*opened.folder, &file, &part).await;
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
    pub(super) async fn publish(
        &mut self,
        opened: &Opened,
        settings: &JobSettings,
        file: ExportFile,
        uploader: Uploader,
    ) -> Result<(), RunError> {
        self.store().renew_lease(self.lease, self.runner.lease_term).await?;
        let damaged = settle(&*opened.folder, &file, uploader).await? == Settled::PartDamaged;
        if damaged {
            self.repair(opened, settings, &file).await?;
        }
        let (now, part) = (self.runner.clock.now(), file.part_path());
        let file = self.store().mark_published(self.lease, file.number, now).await?;
        // Last, so that whoever looks meanwhile never takes both for gone; and only once it is known to be published,
        // or a failure here would have it repaired, and delivered, again.
        if damaged && let Err(error) = opened.folder.delete(&part).await {
            tracing::debug!(export.job_id = %file.job_id, file.name = %file.name, %error, "a later run removes it");
        }
        self.result.files += 1;
        self.result.events += file.event_count;
        self.result.bytes += file.size_bytes;
        self.report(&file).await;
        if file.manifest == ManifestState::Due { self.write_manifest(opened, file).await } else { Ok(()) }
    }

    /// Puts the manifest of a published file beside it.
    pub(super) async fn write_manifest(&self, opened: &Opened, file: ExportFile) -> Result<(), RunError> {
        let settings = self.store().job_settings(&file.job_id, file.job_revision).await?;
        if let Some(directory) = settings.delivery.manifest.directory() {
            let before = self.store().files(&file.job_id, Some(file.number), 1).await?;
            let content = manifest::render(self.tenant.as_str(), &settings, &file, before.first())?;
            manifest::publish(&*opened.folder, directory, &file, self.lease.fence, &content).await?;
        }
        self.store().mark_manifest(self.lease, file.number).await?;
        Ok(())
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
            tracing::warn!(export.job_id = %file.job_id, file.name = %file.path(), %error, "the cut stays");
        }
    }

    /// Where a job's files and their manifests are and were, as far as its last files tell.
    async fn folders(&self, job: &ExportJob) -> BTreeSet<String> {
        let files = self.store().files(&job.id, None, CLEAN_FOLDERS).await.unwrap_or_default();
        let mut revisions: Vec<JobSettings> = vec![job.settings.clone()];
        for revision in files.iter().map(|file| file.job_revision).collect::<BTreeSet<_>>() {
            if revision != job.revision {
                revisions.extend(self.store().job_settings(&job.id, revision).await.ok());
            }
        }
        let manifests = revisions.iter().filter_map(|settings| settings.delivery.manifest.directory());
        let mut folders: BTreeSet<String> = manifests.map(str::to_owned).collect();
        folders.extend(files.into_iter().map(|file| file.directory));
        folders.insert(String::new());
        folders
    }

    /// Best effort: a folder may be for writing only, and what is left over harms nobody.
    async fn clean(&self, opened: &Opened) {
        for directory in self.folders(&opened.job).await {
            let cleaned = clean(&*opened.folder, &directory, &self.lease.job_id, self.lease.fence).await;
            if let Err(error) = cleaned {
                tracing::debug!(export.job_id = %self.lease.job_id, %error, "could not look for left-over files");
            }
        }
    }

    pub(super) fn source(&self, job: &ExportJob, settings: &JobSettings) -> Source {
        Source::new(&self.runner.store, &self.runner.vault, job, settings)
    }

    async fn report(&self, file: &ExportFile) {
        // Nobody may be listening; the run goes on all the same.
        let _ = self.files.send(file.clone()).await;
    }
}
