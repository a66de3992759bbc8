//! The first pass: which range the next file covers. What is rendered for that is kept if there is room.

use super::{
    draft::Draft,
    format::Renderer,
    kept::{Kept, KeptRoom},
    run::RunError,
    source::{Reading, Source},
};
use crate::domain::{export::JobSettings, time::Timestamp};

/// After this many positions without a match, how far it got is kept, so that a killed run does not look at
/// them again.
const QUIET_POSITIONS: u64 = 100_000;

/// What comes next.
pub(super) enum Plan {
    /// Nothing matches up to here.
    Nothing { through: u64 },
    /// A file, what is kept of it, and what comes after it as it is being read.
    File(Planned, Box<Kept>, Reading),
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

/// Plans the file that begins at `first`, where `steps` do, looking no further than they go. It ends before the event
/// that would pass a limit; an event that passes one alone has a file of its own.
pub(super) async fn plan(
    source: &Source,
    renderer: &Renderer,
    settings: &JobSettings,
    first: u64,
    mut steps: Reading,
    room: &KeptRoom,
) -> Result<Plan, RunError> {
    let mut draft = Draft::begin(renderer, settings.delivery.compression, first, room);
    let mut planned: Option<Planned> = None;
    while let Some(step) = steps.next().await? {
        let mut full_at = None;
        for event in source.events(&step) {
            let event = event?;
            let Some(file) = &mut planned else {
                draft.event(renderer, &event, u64::MAX)?;
                planned = Some(Planned {
                    first_event: event.sequence,
                    last: event.sequence,
                    events: 1,
                    first_recorded: event.recorded,
                    last_recorded: event.recorded,
                });
                continue;
            };
            if file.events >= settings.max_events || !draft.event(renderer, &event, settings.max_bytes)? {
                full_at = Some(event.sequence);
                break;
            }
            file.events += 1;
            file.last_recorded = event.recorded;
        }
        if let (Some(next), Some(file)) = (full_at, planned) {
            steps.put_back(step, next);
            let file = Planned { last: next - 1, ..file };
            return Ok(Plan::File(file, Box::new(draft.finish(file.last)), steps));
        }
        if planned.is_none() && step.scanned - first >= QUIET_POSITIONS {
            return Ok(Plan::Nothing { through: step.scanned });
        }
    }
    Ok(match planned {
        None => Plan::Nothing { through: steps.through() },
        Some(file) => {
            let file = Planned { last: steps.through(), ..file };
            Plan::File(file, Box::new(draft.finish(file.last)), steps)
        }
    })
}
