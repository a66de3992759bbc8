//! The beginning of a file, rendered and sent nowhere.

use std::{ops::RangeInclusive, sync::Arc};

use super::{ExportError, format::Renderer, run::RunError, source::Source};
use crate::{domain::export::ExportJob, store::Store, vault::Vault};

/// More is not rendered.
const BYTES: usize = 1024 * 1024;

/// What was rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The beginning of a file.
    pub content: Vec<u8>,
    /// Events in it.
    pub events: usize,
    /// The position of the last of them; 0 if there is none.
    pub last: u64,
    /// Every position up to here was looked at.
    pub scanned: u64,
}

/// Renders at most `max_events` events of `range`, and 1 MiB.
///
/// # Errors
///
/// As a run that reads and renders them.
pub async fn preview(
    store: &Arc<dyn Store>,
    vault: &Vault,
    job: &ExportJob,
    range: RangeInclusive<u64>,
    max_events: u32,
) -> Result<Rendered, RunError> {
    let renderer = Renderer::new(&job.settings);
    let source = Source::new(store, vault, job, &job.settings);
    let mut rendered = Rendered { scanned: range.start() - 1, ..Rendered::default() };
    renderer.begin(&mut rendered.content);
    while rendered.scanned < *range.end() {
        let step = source.step(rendered.scanned + 1, *range.end()).await?;
        for event in source.events(&step) {
            let event = event?;
            let before = rendered.content.len();
            renderer.event(&event, &mut rendered.content).map_err(ExportError::from)?;
            if rendered.content.len() > BYTES {
                rendered.content.truncate(before);
                return Ok(rendered);
            }
            rendered.events += 1;
            rendered.last = event.sequence;
            rendered.scanned = event.sequence;
            if rendered.events >= max_events as usize {
                return Ok(rendered);
            }
        }
        rendered.scanned = step.scanned;
    }
    Ok(rendered)
}
