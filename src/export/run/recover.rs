//! Finishing what an earlier run left, as its row and the folder tell.

use super::{
    RunError,
    work::{Opened, Run},
};
use crate::{
    domain::export::{Destination, ExportFile, FileState, JobSettings},
    export::{
        ExportError,
        format::Renderer,
        kept::Kept,
        publish::{Uploader, settle},
        sftp::Address,
        upload::upload,
    },
};

impl Run<'_> {
    /// Finishes what an earlier run left.
    pub(super) async fn recover(&mut self, opened: &Opened, file: ExportFile) -> Result<(), RunError> {
        match file.state {
            FileState::Cut if file.job_revision == opened.job.revision => {
                opened.folder.delete(&file.part_path()).await?;
                let file = self.store().take_over_cut(self.lease, file.number).await?;
                let compression = opened.job.settings.delivery.compression;
                let kept = Kept::nothing(&opened.renderer, compression, file.first_event_sequence);
                self.deliver(opened, file, kept).await
            }
            FileState::Cut => self.abandon(opened, &file).await,
            FileState::Uploaded => {
                let settings = self.store().job_settings(&file.job_id, file.job_revision).await?;
                if !same_place(&settings.destination, &opened.job.settings.destination) {
                    return Err(moved_away(&file).into());
                }
                self.publish(opened, &settings, file, Uploader::Earlier).await
            }
            FileState::Published => self.write_manifest(opened, file).await,
        }
    }

    /// The settings have changed since the cut, which nobody has seen yet: it is cut anew.
    async fn abandon(&self, opened: &Opened, file: &ExportFile) -> Result<(), RunError> {
        let settings = self.store().job_settings(&file.job_id, file.job_revision).await?;
        if same_place(&settings.destination, &opened.job.settings.destination) {
            opened.folder.delete(&file.part_path()).await?;
        } else {
            tracing::warn!(
                export.job_id = %file.job_id,
                file.name = %file.part_path(),
                "a temporary file may be left at the job's former destination"
            );
        }
        tracing::info!(export.job_id = %file.job_id, file.name = %file.name, "the settings changed: cut anew");
        Ok(self.store().abandon_cut(self.lease, file.number).await?)
    }

    /// The server lost bytes of an uploaded file, by a crash: the same bytes are sent again under our own
    /// fence and published in its place. The damaged one stays.
    pub(super) async fn repair(
        &self,
        opened: &Opened,
        settings: &JobSettings,
        file: &ExportFile,
    ) -> Result<(), RunError> {
        let ours = ExportFile { fence: self.lease.fence, ..file.clone() };
        if ours.fence == file.fence {
            let message = format!("the destination changed {} right after it was uploaded", file.part_path());
            return Err(ExportError::destination(message).into());
        }
        tracing::warn!(export.job_id = %file.job_id, file.name = %file.name, "the uploaded file is damaged: sent again");
        let part = ours.part_path();
        let renderer = Renderer::new(settings);
        let source = self.source(&opened.job, settings);
        let kept = Kept::nothing(&renderer, settings.delivery.compression, file.first_event_sequence);
        let sent = upload(&source, &renderer, kept, &*opened.folder, &ours, &part).await?;
        if sent.sha256 != file.sha256 {
            opened.folder.delete(&part).await?;
            let message = format!(
                "{} is damaged at the destination and its events no longer give the same bytes",
                file.part_path()
            );
            return Err(ExportError::destination(message).into());
        }
        // From here on it is our file that is published: if both its names are gone, its consumer has taken it.
        let ours = self.store().take_over_uploaded(self.lease, file.number).await?;
        settle(&*opened.folder, &ours, Uploader::Us).await?;
        Ok(())
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
        (Destination::Fs { directory: one, .. }, Destination::Fs { directory: other, .. }) => one == other,
        (Destination::S3(one), Destination::S3(other)) => {
            (&one.endpoint, &one.bucket, &one.directory) == (&other.endpoint, &other.bucket, &other.directory)
                // Without an endpoint it is the region's.
                && (one.region == other.region || !one.endpoint.is_empty())
        }
        (Destination::Azblob(one), Destination::Azblob(other)) => {
            (&one.endpoint, &one.container, &one.directory)
                == (&other.endpoint, &other.container, &other.directory)
        }
        (Destination::Gcs(one), Destination::Gcs(other)) => {
            (&one.endpoint, &one.bucket, &one.directory) == (&other.endpoint, &other.bucket, &other.directory)
        }
        (
            Destination::Sftp(_)
            | Destination::Fs { .. }
            | Destination::S3(_)
            | Destination::Azblob(_)
            | Destination::Gcs(_),
            _,
        ) => false,
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
