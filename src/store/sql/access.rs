//! Which way to its rows each question about events takes: the one place that says so. A test asks the databases,
//! with a million rows, whether they go that way.
//!
//! | what a filter asks for | how it is found |
//! |---|---|
//! | sequences | a range of the primary key |
//! | recorded times | a range of the primary key: its ends are found at few points of it (`recorded`), by `service` |
//! | event ids | `events_by_id`, then points of the primary key |
//! | only types (or categories) of [`administrative`] events | `events_administrative`, then points of the primary key (MySQL: as the next) |
//! | other types, occurred times, what `codec::needles` finds in the payload | a bounded range of the primary key; the database leaves out what does not match |
//! | all else | a bounded range of the primary key; `domain` decides |
//!
//! Why no more indexes: each of them costs every event that is recorded, and what they would find is read from the
//! key range at the speed of the disk without being sent or decoded. The index of administrative events costs those
//! alone, which are few. Five kinds of data access are the mass of a log and share it among them: an index by type
//! would find a fifth of the log, row by row.

use sea_orm::DbBackend;

use crate::domain::{
    catalogue::{Category, EventType},
    filter::EventFilter,
};

/// A way to rows of `events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A range of the primary key.
    KeyRange,
    /// Points of the primary key.
    KeyPoints,
    /// Points of the index of ids.
    EventIds,
    /// A range of the index of administrative events.
    Administrative,
}

impl Access {
    /// The way that a filter's events are looked for.
    pub(super) fn to(filter: &EventFilter, backend: DbBackend) -> Self {
        if !filter.event_ids.is_empty() {
            return Self::EventIds;
        }
        let found =
            types(filter).is_some_and(|types| !types.is_empty() && types.into_iter().all(administrative));
        match backend {
            DbBackend::Sqlite | DbBackend::Postgres if found => Self::Administrative,
            _ => Self::KeyRange,
        }
    }
}

/// Whether `events_administrative` holds the events of a type: see `vidne_migrations::ADMINISTRATIVE`.
fn administrative(event_type: EventType) -> bool {
    !matches!(event_type.category(), Category::DataAccess | Category::Custom)
}

/// The types that may match; `None`: every one. Any custom event may have one of the `custom_types`.
pub(super) fn types(filter: &EventFilter) -> Option<Vec<EventType>> {
    let asks_type = !filter.types.is_empty() || !filter.custom_types.is_empty();
    if !asks_type && filter.categories.is_empty() {
        return None;
    }
    let fits = |event_type: &EventType| {
        let of_type = !asks_type
            || filter.types.contains(event_type)
            || (*event_type == EventType::CUSTOM && !filter.custom_types.is_empty());
        of_type && (filter.categories.is_empty() || filter.categories.contains(&event_type.category()))
    };
    Some(EventType::all().filter(fits).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::convert;

    #[test]
    fn the_index_holds_the_types_that_are_looked_for_in_it() {
        let left_out: Vec<_> = EventType::all().filter(|event_type| !administrative(*event_type)).collect();
        let numbers: Vec<_> =
            left_out.into_iter().map(|left_out| convert::event_type(left_out).to_string()).collect();
        let words = format!("event_type NOT IN ({})", numbers.join(", "));
        assert_eq!(words, vidne_migrations::ADMINISTRATIVE);
    }

    #[test]
    fn only_what_is_certainly_in_the_index_is_looked_for_in_it() {
        let all = |category| EventFilter { categories: vec![category], ..EventFilter::default() };
        let service = all(Category::Service);
        let mixed =
            EventFilter { categories: vec![Category::Service, Category::Custom], ..EventFilter::default() };
        let custom = EventFilter { custom_types: vec!["our.own".to_owned()], ..service.clone() };
        let way = |filter: &EventFilter| Access::to(filter, DbBackend::Postgres);
        assert_eq!(way(&service), Access::Administrative);
        assert_eq!(way(&all(Category::SecurityAdministration)), Access::Administrative);
        for other in [EventFilter::default(), all(Category::DataAccess), mixed, custom] {
            assert_eq!(way(&other), Access::KeyRange, "{other:?}");
        }
        assert_eq!(Access::to(&service, DbBackend::MySql), Access::KeyRange);
    }
}
