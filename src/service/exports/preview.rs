//! What a job would send next.

use super::Exports;
use crate::{
    domain::{
        export::{ExportJob, JobSettings, file_place},
        id::TenantId,
    },
    export::preview::preview,
    service::ServiceError,
};

/// Positions that are looked at.
const POSITIONS: u64 = 100_000;

/// For which job.
#[derive(Clone, Debug)]
pub enum PreviewTarget {
    /// This one, by id or name.
    Job(String),
    /// One that is not kept anywhere.
    Settings(Box<JobSettings>),
}

/// The beginning of the next file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Not packed.
    pub content: Vec<u8>,
    /// Events in it.
    pub events: u32,
    /// Every event up to here was looked at.
    pub scanned: u64,
    /// What the file would be called, with its folder.
    pub name: String,
}

impl Exports {
    /// Renders at most `max_events` of the next events and sends them nowhere.
    pub async fn preview(
        &self,
        tenant: &TenantId,
        target: PreviewTarget,
        max_events: u32,
    ) -> Result<Preview, ServiceError> {
        let job = match target {
            PreviewTarget::Job(key) => self.kept(tenant, &key).await?.job,
            PreviewTarget::Settings(settings) => {
                let after = self.start_after(tenant, settings.delivery.start).await?;
                unkept(tenant, *settings, after)
            }
        };
        let head = self.store().head(tenant).await?.sequence;
        let end = job.standing.reexport.as_ref().map_or(head, |again| again.end.min(head));
        let first = job.scanned_sequence + 1;
        let through = end.min(job.scanned_sequence.saturating_add(POSITIONS));
        let vault = &self.parts().vault;
        let rendered = preview(&self.parts().store, vault, &job, first..=through, max_events).await?;
        let first = job.published_sequence + 1;
        let (directory, name) = file_place(&job, self.parts().clock.now(), first, rendered.last.max(first));
        let name = if directory.is_empty() { name } else { format!("{directory}/{name}") };
        let Some(events) = u32::try_from(rendered.events).ok() else { return Ok(Preview::default()) };
        Ok(Preview { content: rendered.content, events, scanned: rendered.scanned, name })
    }
}

fn unkept(tenant: &TenantId, settings: JobSettings, after: u64) -> ExportJob {
    ExportJob {
        id: "preview".to_owned(),
        tenant: tenant.clone(),
        settings,
        revision: 1,
        scanned_sequence: after,
        published_sequence: after,
        health: Default::default(),
        last_error: String::new(),
        created: Default::default(),
        updated: Default::default(),
        last_run: None,
        standing: Default::default(),
    }
}
