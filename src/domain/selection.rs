//! Which events an export job wants: what its filter says, and heartbeats.

use super::event::RecordedEvent;
use super::{
    catalogue::{Category, EventType},
    event::{Event, Target, TargetType},
    export::{ExportJob, JobSettings},
    filter::EventFilter,
};

/// What of a log a job exports. Heartbeats belong to their own job, whatever its filter says; to another one only if
/// its filter names their type, or jobs would fill each other's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    filter: EventFilter,
    /// The job whose heartbeats are wanted.
    heartbeats_of: Option<String>,
}

impl Selection {
    /// What `job` wants as it is now.
    pub fn of(job: &ExportJob) -> Self {
        Self::with(job, &job.settings)
    }

    /// What `job` wants under other settings, such as those of an earlier revision.
    pub fn with(job: &ExportJob, settings: &JobSettings) -> Self {
        // One that exports a range once more wants what the first job had in it.
        let of = job.standing.reexport.as_ref().map_or(&job.id, |again| &again.of);
        Self {
            filter: settings.filter.clone(),
            heartbeats_of: settings.delivery.heartbeat.map(|_| of.clone()),
        }
    }

    /// Whether `recorded` is wanted. Complete: decides on every field.
    pub fn matches(&self, recorded: &RecordedEvent) -> bool {
        if recorded.event.event_type != EventType::SERVICE_EXPORT_JOB_HEARTBEAT {
            return self.filter.matches(recorded);
        }
        self.is_own_heartbeat(&recorded.event) || (self.names_heartbeats() && self.filter.matches(recorded))
    }

    /// Whether `event` is a heartbeat of the job itself, and wanted.
    pub fn is_own_heartbeat(&self, event: &Event) -> bool {
        let own = |target: &Target| {
            target.target_type == TargetType::ExportJob && Some(&target.id) == self.heartbeats_of.as_ref()
        };
        event.event_type == EventType::SERVICE_EXPORT_JOB_HEARTBEAT && event.targets.iter().any(own)
    }

    /// Whether `personal` must be known to decide.
    pub fn needs_personal(&self) -> bool {
        self.filter.needs_personal()
    }

    /// What a store may go by: matches everything that is wanted, and perhaps more.
    pub fn at_least(&self) -> EventFilter {
        if self.heartbeats_of.is_none() {
            return self.filter.clone();
        }
        // A filter has no OR over its fields, so only type and category are left, with room for heartbeats.
        let EventFilter { mut types, custom_types, mut categories, .. } = self.filter.clone();
        if !types.is_empty() || !custom_types.is_empty() {
            types.push(EventType::SERVICE_EXPORT_JOB_HEARTBEAT);
        }
        if !categories.is_empty() {
            categories.push(Category::Service);
        }
        EventFilter { types, custom_types, categories, ..EventFilter::default() }
    }

    fn names_heartbeats(&self) -> bool {
        self.filter.types.contains(&EventType::SERVICE_EXPORT_JOB_HEARTBEAT)
    }
}
