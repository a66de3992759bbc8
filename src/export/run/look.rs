//! Looking whether anything waits that a job would export, without exporting it.

use tokio_util::sync::CancellationToken;

use super::{RunError, Runner};
use crate::{
    domain::{catalogue::Category, export::ExportJob, selection::Selection},
    export::source::Source,
    store::{StoreError, contract::Lease},
};

/// After this many positions without a match, how far it got is kept.
const QUIET_POSITIONS: u64 = 100_000;

/// What waits for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Nothing but, perhaps, what vidne itself did. Everything up to here was looked at.
    Nothing(u64),
    /// A heartbeat that was recorded and not published, or a file that is not finished.
    Unfinished,
    /// Events that are not vidne's own.
    Events,
}

impl Runner {
    /// Looks at what has come since the last run, under the job's lease. What nobody wants at the beginning of that is
    /// not looked at again.
    ///
    /// # Errors
    ///
    /// As a run that reads it; nothing is asked of the destination.
    pub async fn look(
        &self,
        job: &ExportJob,
        lease: &Lease,
        cancel: &CancellationToken,
    ) -> Result<Waiting, RunError> {
        self.under(lease, cancel, self.waiting(job, lease)).await
    }

    /// Up to where what is waiting at the beginning is nothing that `job` wants; looks no further than `through`, and
    /// at some thousand positions at most.
    ///
    /// # Errors
    ///
    /// As a run that reads it.
    pub async fn unwanted(&self, job: &ExportJob, through: u64) -> Result<u64, RunError> {
        let source = Source::new(&self.store, &self.vault, job, &job.settings);
        let step = source.step(job.scanned_sequence + 1, through).await?;
        match source.events(&step).next() {
            Some(first) => Ok(first?.sequence - 1),
            None => Ok(step.scanned),
        }
    }

    async fn waiting(&self, job: &ExportJob, lease: &Lease) -> Result<Waiting, RunError> {
        if self.store.pending_file(&job.id).await?.is_some() {
            return Ok(Waiting::Unfinished);
        }
        let head = self.store.head(&job.tenant).await?.sequence;
        let selection = Selection::of(job);
        let source = Source::new(&self.store, &self.vault, job, &job.settings);
        let mut steps = source.read(job.scanned_sequence + 1, head);
        let (mut kept, mut first, mut unfinished) = (job.scanned_sequence, None, false);
        while let Some(step) = steps.next().await? {
            for event in source.events(&step) {
                let event = event?;
                first.get_or_insert(event.sequence);
                unfinished |= selection.is_own_heartbeat(&event.event);
                if event.event.event_type.category() != Category::Service {
                    self.keep_scanned(lease, &mut kept, first, event.sequence).await?;
                    return Ok(Waiting::Events);
                }
            }
            if step.scanned - kept >= QUIET_POSITIONS {
                self.keep_scanned(lease, &mut kept, first, step.scanned).await?;
            }
        }
        self.keep_scanned(lease, &mut kept, first, head).await?;
        Ok(if unfinished { Waiting::Unfinished } else { Waiting::Nothing(head) })
    }

    /// Keeps that everything up to `scanned` was looked at, but for what is wanted from `first` on.
    async fn keep_scanned(
        &self,
        lease: &Lease,
        kept: &mut u64,
        first: Option<u64>,
        scanned: u64,
    ) -> Result<(), StoreError> {
        let scanned = first.map_or(scanned, |first| first - 1);
        if scanned > *kept {
            self.store.advance_scanned(lease, scanned).await?;
            *kept = scanned;
        }
        Ok(())
    }
}
