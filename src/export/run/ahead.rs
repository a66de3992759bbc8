//! Planning a file on a task of its own: the next one is planned while the present one is sent.
//!
//! Planning only reads. Nothing of it is put down before the present file is published, and then only if the job is as
//! it was when planning began.

use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::RunError;
use crate::{
    domain::export::ExportJob,
    export::{
        ExportError,
        format::Renderer,
        kept::KeptRoom,
        plan::{Plan, plan},
        source::{Reading, Source},
    },
};

/// A file that is being planned; dropping it ends that, and forgets what was kept.
pub(super) struct Ahead {
    revision: u64,
    from: u64,
    task: AbortOnDropHandle<Result<Plan, RunError>>,
}

impl Ahead {
    /// Begins to plan the file that begins at `from`, where `steps` do, as `job` is now.
    pub(super) fn begin(source: Source, job: &ExportJob, from: u64, steps: Reading, room: &KeptRoom) -> Self {
        let (settings, room) = (job.settings.clone(), room.clone());
        let task = async move {
            let renderer = Renderer::new(&settings);
            plan(&source, &renderer, &settings, from, steps, &room).await
        };
        let task = AbortOnDropHandle::new(tokio::spawn(task.in_current_span()));
        Self { revision: job.revision, from, task }
    }

    /// Whether this is still what comes next.
    pub(super) fn is_for(&self, job: &ExportJob, from: u64) -> bool {
        self.revision == job.revision && self.from == from
    }

    /// What comes next.
    pub(super) async fn plan(self) -> Result<Plan, RunError> {
        // Nobody else ends it, so it can only have panicked.
        self.task.await.unwrap_or_else(|_| Err(ExportError::Bug("planning a file").into()))
    }
}
