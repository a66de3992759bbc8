//! What is asked: of vidne by a filter, of the database by a condition that finds the same rows.

use std::fmt::Write as _;

use crate::{
    codec::{
        filter::filter_from_proto,
        needles::needles,
        proto::v1::{EventFilter, EventType, Outcome, QueryEventsRequest, QueryOrder},
    },
    domain::time::Timestamp,
};

/// Which database the condition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// One query.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    filter: EventFilter,
    order: QueryOrder,
    condition: String,
}

/// What is known of the log: the times of the first event after four tenths and after five tenths of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tenth {
    pub(super) recorded: (Timestamp, Timestamp),
    pub(super) occurred: (Timestamp, Timestamp),
}

impl Case {
    /// All cases, in the order in which they are measured. The first one is the full scan.
    pub(super) fn all(tenth: &Tenth, dialect: Dialect) -> Vec<Self> {
        let up = |name, filter, condition: String| {
            let order = QueryOrder::Ascending;
            Self { name, filter, order, condition }
        };
        let between = |column: &str, (from, before): (Timestamp, Timestamp)| {
            format!("{column} >= {} AND {column} < {}", from.micros(), before.micros())
        };
        let bytes = |filter: EventFilter| (filter.clone(), holding(filter, dialect));
        let (of_user, by_user) =
            bytes(EventFilter { actor_user_ids: vec!["4007".to_owned()], ..EventFilter::default() });
        let (of_target, by_target) =
            bytes(EventFilter { target_ids: vec!["80007".to_owned()], ..EventFilter::default() });
        let (failed, by_failure) =
            bytes(EventFilter { outcomes: vec![Outcome::Failure.into()], ..EventFilter::default() });
        let everything = || "1 = 1".to_owned();
        let recorded = EventFilter {
            recorded_from: Some(wire(tenth.recorded.0)),
            recorded_before: Some(wire(tenth.recorded.1)),
            ..EventFilter::default()
        };
        let occurred = EventFilter {
            occurred_from: Some(wire(tenth.occurred.0)),
            occurred_before: Some(wire(tenth.occurred.1)),
            ..EventFilter::default()
        };
        vec![
            up("everything", EventFilter::default(), everything()),
            Self {
                order: QueryOrder::Descending,
                ..up("everything, newest first", EventFilter::default(), everything())
            },
            up(
                "one type of five",
                EventFilter { types: vec![EventType::RecordRead.into()], ..EventFilter::default() },
                format!("event_type = {}", i32::from(EventType::RecordRead)),
            ),
            up(
                "an administrative type, none there",
                EventFilter { types: vec![EventType::UserDeleted.into()], ..EventFilter::default() },
                format!("event_type = {}", i32::from(EventType::UserDeleted)),
            ),
            up("one actor of 700", of_user, by_user),
            up("one target of 10,000", of_target, by_target),
            up("an outcome, none there", failed, by_failure),
            up("a tenth by recorded time", recorded, between("recorded_time", tenth.recorded)),
            up("a tenth by occurred time", occurred, between("occurred_time", tenth.occurred)),
        ]
    }

    /// The query for vidne.
    pub(super) fn request(&self) -> QueryEventsRequest {
        QueryEventsRequest {
            filter: Some(self.filter.clone()),
            order: self.order.into(),
            ..QueryEventsRequest::default()
        }
    }

    /// The payloads of the same rows in the same order, for the database.
    pub(super) fn select(&self, tenant_key: i32) -> String {
        let order = if self.order == QueryOrder::Descending { "DESC" } else { "ASC" };
        format!(
            "SELECT payload FROM events WHERE tenant_key = {tenant_key} AND {} ORDER BY sequence {order}",
            self.condition
        )
    }
}

/// Whether a payload holds what it must hold to match.
fn holding(filter: EventFilter, dialect: Dialect) -> String {
    // What is made here is right by construction.
    let fields = filter_from_proto(filter, "filter").map(|filter| needles(&filter)).unwrap_or_default();
    let mut condition = "1 = 1".to_owned();
    for needle in fields.into_iter().flatten() {
        let hex: String = needle.iter().map(|byte| format!("{byte:02x}")).collect();
        // Writing to a String does not fail.
        let _ = match dialect {
            Dialect::Sqlite => write!(condition, " AND instr(payload, x'{hex}') > 0"),
            Dialect::Postgres => write!(condition, " AND position('\\x{hex}'::bytea in payload) > 0"),
        };
    }
    condition
}

fn wire(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.seconds(), nanos: time.subsec_nanos() }
}
