//! The events that a job wants, in bounded steps.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::{
    codec::{error::DecodeError, wire},
    domain::{
        event::{Personal, RecordedEvent},
        export::{ExportJob, JobSettings, NationalIdMode},
        filter::EventFilter,
        id::TenantId,
        query::Order,
        selection::Selection,
    },
    store::{
        Store, StoreError,
        contract::{Payload, ScanRequest},
    },
    vault::Vault,
};

use super::{ExportError, run::RunError};

const STEP_EVENTS: usize = 1_000;
const STEP_BYTES: usize = 1024 * 1024;

/// How many steps wait for who takes them.
const WAITING: usize = 1;

/// Where a file's events come from.
#[derive(Clone)]
pub(super) struct Source {
    store: Arc<dyn Store>,
    tenant: TenantId,
    selection: Arc<Selection>,
    /// What the store goes by.
    filter: Arc<EventFilter>,
    national_id: NationalIdMode,
    vault: Vault,
}

/// What one step read.
pub(super) struct Step {
    /// In order; the store has left out only what it can tell by itself.
    found: Vec<Payload>,
    /// Everything up to here has been looked at.
    pub(super) scanned: u64,
}

/// Steps that are being read.
pub(super) struct Reading {
    steps: mpsc::Receiver<Result<Step, RunError>>,
    back: Option<Step>,
    scanned: u64,
    through: u64,
    _task: AbortOnDropHandle<()>,
}

impl Reading {
    /// The next step; `None` after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Step>, RunError> {
        if let Some(step) = self.back.take() {
            return Ok(Some(step));
        }
        let Some(step) = self.steps.recv().await.transpose()? else {
            // Only a panic ends it early. Whoever took that for the end would leave events out.
            return if self.scanned >= self.through {
                Ok(None)
            } else {
                Err(ExportError::Bug("reading what is to be exported").into())
            };
        };
        self.scanned = step.scanned;
        Ok(Some(step))
    }

    /// The last position that is read.
    pub(super) fn through(&self) -> u64 {
        self.through
    }

    /// Puts back what of the last step is at `from` and later: it is the next step again.
    pub(super) fn put_back(&mut self, mut step: Step, from: u64) {
        step.found.retain(|stored| stored.sequence >= from);
        self.back = Some(step);
    }
}

impl Source {
    /// The events that `job` wants under `settings`: its present ones, or those of an earlier revision.
    pub(super) fn new(
        store: &Arc<dyn Store>,
        vault: &Vault,
        job: &ExportJob,
        settings: &JobSettings,
    ) -> Self {
        let selection = Selection::with(job, settings);
        Self {
            store: store.clone(),
            tenant: job.tenant.clone(),
            filter: Arc::new(selection.at_least()),
            selection: Arc::new(selection),
            national_id: settings.national_id,
            vault: vault.clone(),
        }
    }

    /// Reads `from..=through` step by step on a task of its own, ahead of who takes the steps, until that has enough.
    /// Ends after a failure, or after `through`.
    pub(super) fn read(&self, from: u64, through: u64) -> Reading {
        let (steps, taken) = mpsc::channel(WAITING);
        let source = self.clone();
        let task = async move {
            let mut next = from;
            while next <= through {
                let step = source.step(next, through).await;
                let scanned = step.as_ref().ok().map(|step| step.scanned);
                let taken = steps.send(step).await.is_ok();
                let Some(scanned) = scanned.filter(|_| taken) else { break };
                next = scanned.saturating_add(1);
            }
        };
        Reading {
            steps: taken,
            back: None,
            scanned: from.saturating_sub(1),
            through,
            _task: AbortOnDropHandle::new(tokio::spawn(task.in_current_span())),
        }
    }

    /// Looks at some positions of `from..=through`, at least at one.
    pub(super) async fn step(&self, from: u64, through: u64) -> Result<Step, RunError> {
        let request = ScanRequest {
            tenant: &self.tenant,
            order: Order::Ascending,
            from,
            through,
            filter: &self.filter,
            max_events: STEP_EVENTS,
            max_bytes: STEP_BYTES,
            with_personal: self.national_id != NationalIdMode::Omit || self.selection.needs_personal(),
            full_after: 0,
        };
        let page = self.store.scan_payloads(request).await?;
        if !(from..=through).contains(&page.scanned) {
            return Err(StoreError::Damaged("a scan did not get any further".to_owned()).into());
        }
        Ok(Step { found: page.events, scanned: page.scanned })
    }

    /// The wanted events of a step in order. They are decoded as they are taken, as they take several times the memory
    /// of what was read.
    pub(super) fn events<'a>(
        &'a self,
        step: &'a Step,
    ) -> impl Iterator<Item = Result<RecordedEvent, DecodeError>> + Send + use<'a> {
        step.found.iter().filter_map(|stored| {
            let mut event = match wire::decode_stored(&stored.payload, stored.personal.as_ref()) {
                Ok(event) => event,
                Err(error) => return Some(Err(error)),
            };
            if !self.selection.matches(&event) {
                return None;
            }
            self.hide(&mut event);
            Some(Ok(event))
        })
    }

    /// Puts what stands for national ids in their place, where that is wanted. The filter has seen them.
    fn hide(&self, event: &mut RecordedEvent) {
        if self.national_id != NationalIdMode::Hash {
            return;
        }
        let Some(Personal { actor_national_id, subject_national_ids }) = &mut event.event.personal else {
            return;
        };
        let ids = std::iter::once(actor_national_id).chain(subject_national_ids);
        for id in ids.filter(|id| !id.is_empty()) {
            *id = self.vault.pseudonym(self.tenant.as_str(), id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::export::Failure;

    #[tokio::test]
    async fn reading_that_stops_early_is_not_taken_for_the_end() {
        let (steps, taken) = mpsc::channel(3);
        for scanned in [4, 6] {
            steps.send(Ok(Step { found: Vec::new(), scanned })).await.unwrap_or_default();
        }
        drop(steps);
        let task = AbortOnDropHandle::new(tokio::spawn(async {}));
        let mut reading = Reading { steps: taken, back: None, scanned: 0, through: 7, _task: task };
        for scanned in [4, 6] {
            assert_eq!(reading.next().await.unwrap().unwrap().scanned, scanned);
        }
        let ended = reading.next().await.err();
        // Nobody at the destination could mend it.
        assert!(
            matches!(&ended, Some(RunError::Export(error)) if error.failure() == Failure::Internal),
            "{ended:?}"
        );
        reading.through = 6;
        assert!(reading.next().await.unwrap().is_none());
    }
}
