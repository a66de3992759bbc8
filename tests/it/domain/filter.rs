use vidne::domain::{
    catalogue::{Category, EventType},
    event::{Outcome, RecordedEvent, Severity, TargetType},
    filter::{EventFilter, parse_network},
    id::EventId,
    text::fold,
    time::Timestamp,
    validate::validate,
};

use crate::support::events::{NOW, call, full, limits};

fn event() -> RecordedEvent {
    let event = validate(full(EventType::CUSTOM), "event", &limits(), &call()).unwrap();
    RecordedEvent { sequence: 10, recorded: NOW, event }
}

fn matches(set: impl FnOnce(&mut EventFilter)) -> bool {
    let mut filter = EventFilter::default();
    set(&mut filter);
    filter.matches(&event())
}

fn text(value: &str) -> Vec<String> {
    vec!["other".to_owned(), value.to_owned()]
}

#[test]
fn an_empty_filter_wants_everything() {
    assert!(matches(|_| {}));
}

#[test]
fn each_field_wants_its_value_and_no_other() {
    assert!(matches(|f| f.custom_types = text("invoice.approved")));
    assert!(!matches(|f| f.custom_types = text("invoice")));
    assert!(matches(|f| f.types = vec![EventType::CUSTOM]));
    assert!(!matches(|f| f.types = vec![EventType::TENANT_CREATED]));
    assert!(matches(|f| f.categories = vec![Category::Service, Category::Custom]));
    assert!(!matches(|f| f.categories = vec![Category::DataAccess]));
    assert!(matches(|f| f.actor_user_ids = text("u-4711")));
    assert!(!matches(|f| f.actor_user_ids = text("U-4711")));
    assert!(matches(|f| f.actor_emails = text(&fold("Aase.Oersted@EXAMPLE.dk"))));
    assert!(!matches(|f| f.actor_emails = text("x@example.dk")));
    assert!(matches(|f| f.actor_tenant_ids = text("writer-tenant")));
    assert!(!matches(|f| f.actor_tenant_ids = text("target-tenant")));
    assert!(matches(|f| f.organization_ids = text("org-29189846")));
    assert!(!matches(|f| f.organization_ids = text("org")));
    assert!(matches(|f| f.actor_national_id = "0101701234".to_owned()));
    assert!(!matches(|f| f.actor_national_id = "0202801235".to_owned()));
    assert!(matches(|f| f.subject_national_id = "0202801235".to_owned()));
    assert!(!matches(|f| f.subject_national_id = "0101701234".to_owned()));
    assert!(matches(|f| f.outcomes = vec![Outcome::Failure, Outcome::Success]));
    assert!(!matches(|f| f.outcomes = vec![Outcome::Failure]));
    assert!(matches(|f| f.minimum_severity = Some(Severity::Information)));
    assert!(!matches(|f| f.minimum_severity = Some(Severity::Notice)));
    assert!(matches(|f| {
        f.labels.insert("system".to_owned(), "xflow".to_owned());
    }));
    assert!(!matches(|f| {
        f.labels.insert("system".to_owned(), "other".to_owned());
    }));
    assert!(matches(|f| f.text = fold("FORM WITH TaskId")));
    assert!(!matches(|f| f.text = "nowhere".to_owned()));
    assert!(matches(|f| f.event_ids = vec![EventId::parse("01890A5DAC96774BBCCEB302099A8057").unwrap()]));
    assert!(!matches(|f| f.event_ids = vec![EventId::now_v7()]));
}

#[test]
fn folding_knows_danish_letters() {
    let mut recorded = event();
    recorded.event.description = "ÆBLER OG ØL PÅ ÅEN".to_owned();
    let filter = EventFilter { text: fold("øl på å"), ..EventFilter::default() };
    assert!(filter.matches(&recorded));
}

#[test]
fn times_and_sequences_include_their_start_and_not_their_end() {
    let later = NOW.plus_micros(1);
    assert!(matches(|f| (f.recorded_from, f.recorded_before) = (Some(NOW), Some(later))));
    assert!(!matches(|f| f.recorded_from = Some(later)));
    assert!(!matches(|f| f.recorded_before = Some(NOW)));
    let occurred = Timestamp::from_micros(1_795_334_399_123_456);
    assert!(matches(
        |f| (f.occurred_from, f.occurred_before) = (Some(occurred), Some(occurred.plus_micros(1)))
    ));
    assert!(!matches(|f| f.occurred_before = Some(occurred)));
    assert!(matches(|f| (f.sequence_from, f.sequence_before) = (10, 11)));
    assert!(!matches(|f| f.sequence_from = 11));
    assert!(!matches(|f| f.sequence_before = 10));
}

#[test]
fn all_target_fields_must_hold_for_one_and_the_same_target() {
    assert!(matches(|f| {
        f.target_type = Some(TargetType::Task);
        f.target_ids = text("task-1001");
        f.target_tenant_ids = text("target-tenant");
    }));
    // A form and a task are there, but no form has the task's id.
    assert!(!matches(|f| {
        f.target_type = Some(TargetType::Form);
        f.target_ids = text("task-1001");
    }));
}

#[test]
fn types_and_custom_types_are_one_group() {
    assert!(matches(|f| {
        f.types = vec![EventType::TENANT_CREATED];
        f.custom_types = text("invoice.approved");
    }));
}

#[test]
fn addresses_match_networks_in_any_spelling() {
    let network = |t: &str| vec![parse_network(t).unwrap()];
    assert!(matches(|f| f.source_networks = network("2001:DB8:0::7")));
    assert!(matches(|f| f.source_networks = network("2001:db8::/32")));
    assert!(!matches(|f| f.source_networks = network("2001:db9::/32")));
    assert!(!matches(|f| f.source_networks = network("10.0.0.0/8")));
    let mut recorded = event();
    recorded.event.source.ip_address = "::ffff:192.0.2.7".to_owned();
    let filter = EventFilter { source_networks: network("192.0.2.99/24"), ..EventFilter::default() };
    assert!(filter.matches(&recorded));
    recorded.event.source.ip_address = "not an address".to_owned();
    assert!(!filter.matches(&recorded));
    assert_eq!(parse_network("192.0.2.0/33"), None);
}

#[test]
fn fields_combine_with_and() {
    assert!(!matches(|f| {
        f.actor_user_ids = text("u-4711");
        f.outcomes = vec![Outcome::Unknown];
    }));
}
