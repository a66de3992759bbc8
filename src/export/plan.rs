//! The first pass: which range the next file covers. Nothing is kept of what is rendered.

use super::{format::Renderer, run::RunError, source::Source};
use crate::{
    domain::{export::JobSettings, time::Timestamp},
    export::ExportError,
};

/// After this many positions without a match, how far it got is kept, so that a killed run does not look at
/// them again.
const QUIET_POSITIONS: u64 = 100_000;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing matches up to here.
    Nothing { through: u64 },
    /// A file.
    File(Planned),
}

/// What the next file is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    /// The position of its first event.
    pub(super) first_event: u64,
    /// The last position that it covers.
    pub(super) last: u64,
    /// Events in it, at least one.
    pub(super) events: u64,
    /// When its first event was recorded.
    pub(super) first_recorded: Timestamp,
    /// When its last event was recorded.
    pub(super) last_recorded: Timestamp,
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
    let mut planned: Option<Planned> = None;
    let mut next = first;
    while next <= head {
        let step = source.step(next, head).await?;
        for event in &step.events {
            line.clear();
            renderer.event(event, &mut line).map_err(ExportError::from)?;
            bytes = bytes.saturating_add(line.len() as u64);
            let Some(file) = &mut planned else {
                planned = Some(Planned {
                    first_event: event.sequence,
                    last: event.sequence,
                    events: 1,
                    first_recorded: event.recorded,
                    last_recorded: event.recorded,
                });
                continue;
            };
            if file.events >= settings.max_events || bytes > settings.max_bytes {
                return Ok(Plan::File(Planned { last: event.sequence - 1, ..*file }));
            }
            file.events += 1;
            file.last_recorded = event.recorded;
        }
        if planned.is_none() && step.scanned - first >= QUIET_POSITIONS {
            return Ok(Plan::Nothing { through: step.scanned });
        }
        next = step.scanned + 1;
    }
    Ok(match planned {
        None => Plan::Nothing { through: head },
        Some(file) => Plan::File(Planned { last: head, ..file }),
    })
}
