//! The first pass: which range the next file covers. Nothing is kept of what is rendered.

use super::{format::Renderer, run::RunError, source::Source};
use crate::{domain::export::JobSettings, export::ExportError};

/// After this many positions without a match, how far it got is kept, so that a killed run does not look at
/// them again.
const QUIET_POSITIONS: u64 = 100_000;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing matches up to here.
    Nothing { through: u64 },
    /// A file up to `last` with so many events, at least one.
    File { last: u64, events: u64 },
}

/// Plans the file that begins at `first`, looking no further than `head`. It ends before the event that would
/// pass a limit; an event that passes one alone has a file of its own.
pub(super) async fn plan(
    source: &Source<'_>,
    renderer: &Renderer,
    settings: &JobSettings,
    first: u64,
    head: u64,
) -> Result<Plan, RunError> {
    let mut line = Vec::new();
    renderer.begin(&mut line);
    let mut bytes = line.len() as u64;
    let mut events = 0;
    let mut next = first;
    while next <= head {
        let step = source.step(next, head).await?;
        for event in &step.events {
            line.clear();
            renderer.event(event, &mut line).map_err(ExportError::from)?;
            bytes = bytes.saturating_add(line.len() as u64);
            let full = events >= settings.max_events || bytes > settings.max_bytes;
            if full && events > 0 {
                return Ok(Plan::File { last: event.sequence - 1, events });
            }
            events += 1;
        }
        if events == 0 && step.scanned - first >= QUIET_POSITIONS {
            return Ok(Plan::Nothing { through: step.scanned });
        }
        next = step.scanned + 1;
    }
    Ok(if events == 0 { Plan::Nothing { through: head } } else { Plan::File { last: head, events } })
}
