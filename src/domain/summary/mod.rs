//! Counting events: what is asked, what is answered, and how counts are kept within bounds.

mod buckets;
mod groups;

pub use buckets::{Buckets, CHOSEN_BUCKETS, MAX_BUCKETS};
pub use groups::{Groups, MAX_VALUES};

use super::{
    catalogue::EventType,
    event::{Actor, Event, RecordedEvent},
    filter::EventFilter,
    id::TenantId,
    time::Timestamp,
};

/// How far a bounded call looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The newest event when the call began.
    pub head: u64,
    /// Every event up to here has been looked at, as far as the filter's own bounds ask for it.
    pub scanned: u64,
    /// Whether that is all that the filter asks for.
    pub complete: bool,
    /// How many positions this call looked at.
    pub looked: u64,
}

/// How many events match, up to `extent.scanned`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub count: u64,
    /// How far the call looked.
    pub extent: Extent,
}

/// Which time buckets are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SummaryTime {
    /// When it happened.
    #[default]
    Occurred,
    /// When it was recorded.
    Recorded,
}

/// What a summary is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryRequest {
    /// The log.
    pub tenant: TenantId,
    /// Which events.
    pub filter: EventFilter,
    /// What the buckets are about.
    pub time: SummaryTime,
    /// Width of a bucket in seconds, at least 1; `None`: chosen.
    pub bucket_seconds: Option<u64>,
    /// Groups of each kind.
    pub max_groups: usize,
}

/// Counts by time, type, actor and outcome.
#[derive(Clone, Debug)]
pub struct Summary {
    /// How many events there are in all.
    pub count: u64,
    /// By time.
    pub buckets: Buckets,
    /// By type.
    pub types: Groups,
    /// By actor.
    pub actors: Groups,
    /// By outcome.
    pub outcomes: Groups,
}

impl Summary {
    /// No events yet, in buckets of this many seconds, or of a width that is chosen.
    pub fn new(bucket_seconds: Option<u64>) -> Self {
        Self {
            count: 0,
            buckets: Buckets::new(bucket_seconds),
            types: Groups::default(),
            actors: Groups::default(),
            outcomes: Groups::default(),
        }
    }

    /// Counts one event.
    pub fn add(&mut self, recorded: &RecordedEvent, time: SummaryTime) {
        let event = &recorded.event;
        self.count += 1;
        self.buckets.add(of(recorded, time), 1);
        self.types.add(type_value(event), 1);
        self.actors.add(actor_value(&event.actor), 1);
        self.outcomes.add(event.outcome.name(), 1);
    }
}

fn of(recorded: &RecordedEvent, time: SummaryTime) -> Timestamp {
    match time {
        SummaryTime::Occurred => recorded.event.occurred,
        SummaryTime::Recorded => recorded.recorded,
    }
}

/// By what an event is counted among the types: the catalogue name or the custom type.
pub fn type_value(event: &Event) -> &str {
    if event.event_type == EventType::CUSTOM { &event.custom_type } else { event.event_type.info().name }
}

/// By what an event is counted among the actors: the first there is of user id, name and e-mail address.
pub fn actor_value(actor: &Actor) -> &str {
    [&actor.user_id, &actor.name, &actor.email].into_iter().find(|text| !text.is_empty()).map_or("", |t| t)
}
