//! Which events an export job wants: what its filter says, and heartbeats.

use super::{
    catalogue::{Category, EventType},
    event::{Event, RecordedEvent, Target, TargetType},
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{
        event::{Outcome, Severity},
        export::{Delivery, Destination, Format, Health, NationalIdMode, ReExport, Standing},
        id::{EventId, TenantId},
        time::Timestamp,
    };

    fn job(filter: EventFilter, heartbeat: bool) -> ExportJob {
        let heartbeat = heartbeat.then_some(Duration::from_secs(60));
        ExportJob {
            id: "own".to_owned(),
            tenant: TenantId::default_tenant(),
            settings: JobSettings {
                name: "siem".to_owned(),
                filter,
                format: Format::JsonLines,
                destination: Destination::Fs { directory: "siem".to_owned(), file_mode: None },
                national_id: NationalIdMode::Omit,
                max_events: 1,
                max_bytes: 1,
                delivery: Delivery { heartbeat, ..Delivery::default() },
            },
            revision: 1,
            scanned_sequence: 0,
            published_sequence: 0,
            health: Health::Unknown,
            last_error: String::new(),
            created: Timestamp::default(),
            updated: Timestamp::default(),
            last_run: None,
            standing: Standing::default(),
        }
    }

    fn event(event_type: EventType, about: &str) -> RecordedEvent {
        let target = Target { target_type: TargetType::ExportJob, id: about.to_owned(), ..Target::default() };
        let event = Event {
            id: EventId::now_v7(),
            tenant: TenantId::default_tenant(),
            event_type,
            custom_type: String::new(),
            severity: Severity::default(),
            occurred: Timestamp::default(),
            outcome: Outcome::default(),
            outcome_reason: String::new(),
            actor: Default::default(),
            source: Default::default(),
            targets: vec![target],
            description: String::new(),
            details: Default::default(),
            labels: Default::default(),
            changes: Vec::new(),
            trace: String::new(),
            recorded_by: String::new(),
            truncated_fields: Vec::new(),
            personal: None,
            personal_commitment: None,
        };
        RecordedEvent { sequence: 7, recorded: Timestamp::default(), event }
    }

    fn heartbeat(of: &str) -> RecordedEvent {
        event(EventType::SERVICE_EXPORT_JOB_HEARTBEAT, of)
    }

    fn types(types: &[EventType]) -> EventFilter {
        EventFilter { types: types.to_vec(), ..EventFilter::default() }
    }

    /// Each asks something that no heartbeat answers.
    fn filters() -> Vec<EventFilter> {
        let read = EventType::from_name("RECORD_READ").unwrap();
        vec![
            EventFilter::default(),
            types(&[read]),
            EventFilter { custom_types: vec!["a.b".to_owned()], ..EventFilter::default() },
            EventFilter { categories: vec![Category::DataAccess], ..types(&[read]) },
            EventFilter { sequence_before: 2, ..EventFilter::default() },
            EventFilter { recorded_from: Some(Timestamp::from_micros(9)), ..EventFilter::default() },
            EventFilter { event_ids: vec![EventId::now_v7()], ..EventFilter::default() },
            EventFilter { text: "blanket".to_owned(), ..EventFilter::default() },
            EventFilter { actor_national_id: "0101701234".to_owned(), ..EventFilter::default() },
        ]
    }

    #[test]
    fn a_jobs_own_heartbeats_are_wanted_whatever_its_filter_says_and_no_others() {
        for filter in filters() {
            let with = Selection::of(&job(filter.clone(), true));
            let without = Selection::of(&job(filter.clone(), false));
            assert!(with.matches(&heartbeat("own")), "{filter:?}");
            assert!(!with.matches(&heartbeat("other")), "{filter:?}");
            assert!(!without.matches(&heartbeat("own")) && !without.matches(&heartbeat("other")));
            assert_eq!(with.needs_personal(), filter.needs_personal());
        }
    }

    #[test]
    fn other_jobs_heartbeats_are_wanted_if_they_are_named() {
        let named = types(&[EventType::SERVICE_EXPORT_JOB_HEARTBEAT]);
        assert!(Selection::of(&job(named.clone(), false)).matches(&heartbeat("other")));
        let of_another = EventFilter { target_ids: vec!["another".to_owned()], ..named };
        assert!(!Selection::of(&job(of_another, false)).matches(&heartbeat("other")));
    }

    #[test]
    fn everything_else_is_wanted_as_the_filter_says() {
        let failed = event(EventType::SERVICE_EXPORT_JOB_FAILED, "own");
        for filter in filters() {
            for heartbeat in [false, true] {
                let wanted = Selection::of(&job(filter.clone(), heartbeat)).matches(&failed);
                assert_eq!(wanted, filter.matches(&failed), "{filter:?}");
            }
        }
    }

    #[test]
    fn what_a_store_goes_by_has_room_for_heartbeats() {
        for filter in filters() {
            assert_eq!(Selection::of(&job(filter.clone(), false)).at_least(), filter);
            let wide = Selection::of(&job(filter.clone(), true)).at_least();
            assert!(wide.matches(&heartbeat("own")), "{filter:?} {wide:?}");
            assert!(wide.asks_columns_only() || !filter.custom_types.is_empty(), "{wide:?}");
        }
    }

    #[test]
    fn a_range_that_is_exported_once_more_has_the_first_jobs_heartbeats() {
        let mut again = job(EventFilter::default(), true);
        again.standing.reexport = Some(ReExport { of: "first".to_owned(), end: 9 });
        let selection = Selection::of(&again);
        assert!(selection.matches(&heartbeat("first")) && !selection.matches(&heartbeat("own")));
    }
}
