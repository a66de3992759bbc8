//! Events as XFlow sends them.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use uuid::Uuid;

use crate::codec::proto::v1::{
    Actor, Event, EventType, Outcome, Personal, Severity, Source, Target, TargetRole, TargetType,
};

/// Type, verb, name, e-mail address, initials.
const TURNS: [(EventType, &str, &str, &str, &str); 5] = [
    (EventType::RecordRead, "Read", "Mette Holm", "mette.holm@soeby.example", "MEHO"),
    (EventType::RecordSearched, "Search", "Søren Ærø", "soeren.aeroe@soeby.example", "SOAE"),
    (EventType::RecordEdited, "Edit", "Ayşe Kaya", "ayse.kaya@soeby.example", "AYKA"),
    (EventType::RecordCreated, "Create", "Ida Friis", "ida.friis@soeby.example", "IDFR"),
    (EventType::RecordDeleted, "Delete", "Bo Lund", "bo.lund@soeby.example", "BOLU"),
];

/// Makes events of about 500 bytes with all ten fields of XFlow, each with an id of its own.
#[derive(Debug, Default)]
pub(super) struct Sample {
    made: AtomicU64,
    tenant: String,
}

impl Sample {
    /// Events for this tenant; empty: `default`.
    pub(super) fn new(tenant: &str) -> Self {
        Self { made: AtomicU64::new(0), tenant: tenant.to_owned() }
    }

    /// The next one.
    pub(super) fn event(&self) -> Event {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let turn = usize::try_from(number % TURNS.len() as u64).unwrap_or_default();
        let (kind, verb, name, email, initials) = TURNS[turn];
        let (task, form) =
            (format!("{}", 80_000 + number % 10_000), format!("BL-{}", 2_000 + number % 5_000));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Event {
            event_id: Uuid::now_v7().to_string(),
            tenant_id: self.tenant.clone(),
            r#type: kind.into(),
            severity: Severity::Information.into(),
            occurred_time: Some(prost_types::Timestamp {
                seconds: i64::try_from(now.as_secs()).unwrap_or_default(),
                nanos: i32::try_from(now.subsec_micros() * 1_000).unwrap_or_default(),
            }),
            outcome: Outcome::Success.into(),
            actor: Some(Actor {
                user_id: format!("{}", 4_000 + number % 700),
                name: name.to_owned(),
                email: email.to_owned(),
                initials: initials.to_owned(),
                organization_id: "101-BORGERSERVICE".to_owned(),
                ..Actor::default()
            }),
            source: Some(Source {
                ip_address: format!("10.20.{}.{}", number % 16, number % 250),
                user_agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) XFlow/24.2".to_owned(),
                ..Source::default()
            }),
            targets: vec![
                target(TargetType::Task, &task, ""),
                target(TargetType::Form, &form, "Ansøgning om førtidspension"),
            ],
            description: format!(
                "har udført handlingen \"{verb}\" på blanket med TaskId {task}, BlanketID {form}, i forbindelse med \
                 sagsbehandling i borgerservice"
            ),
            labels: [("product".to_owned(), "xflow".to_owned())].into(),
            // No month has 32 days: nobody's.
            personal: Some(Personal { actor_national_id: "320185-0001".to_owned(), ..Personal::default() }),
            ..Event::default()
        }
    }

    /// The next `count`.
    pub(super) fn events(&self, count: usize) -> Vec<Event> {
        (0..count).map(|_| self.event()).collect()
    }
}

fn target(kind: TargetType, id: &str, name: &str) -> Target {
    Target {
        role: TargetRole::Object.into(),
        r#type: kind.into(),
        id: id.to_owned(),
        name: name.to_owned(),
        ..Target::default()
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn events_have_about_500_bytes_and_ids_of_their_own() {
        let events = Sample::new("").events(1_000);
        for event in &events {
            assert!((400..=600).contains(&event.encoded_len()), "{}", event.encoded_len());
        }
        let ids: std::collections::BTreeSet<_> = events.iter().map(|event| &event.event_id).collect();
        assert_eq!(ids.len(), 1_000);
    }
}
