use std::collections::BTreeMap;

use proptest::prelude::*;
use vidne::domain::{
    catalogue::EventType,
    event::{Change, Detail},
    input::{EventInput, TargetInput},
    validate::validate,
};

use crate::support::events::{NOW, any_input, bare, call, full, limits};

fn wrong_fields(input: EventInput) -> Vec<String> {
    let violations = validate(input, "event", &limits(), &call()).unwrap_err();
    violations.iter().map(|v| v.field.clone()).collect()
}

#[test]
fn only_the_type_is_required() {
    let event = validate(bare(EventType::from_number(100).unwrap()), "event", &limits(), &call()).unwrap();
    assert_eq!(event.occurred, NOW);
    assert_eq!(event.tenant.as_str(), "default");
    assert_eq!(event.severity.name(), "INFORMATION");
    assert_eq!(event.outcome.name(), "SUCCESS");
    assert_eq!(wrong_fields(EventInput::default()), ["event.type"]);
}

#[test]
fn all_violations_are_reported_at_once() {
    let mut input = full(EventType::CUSTOM);
    input.event_id = "4711".to_owned();
    input.tenant_id = "Not A Tenant".to_owned();
    input.custom_type = "Upper.Case".to_owned();
    input.severity = 99;
    input.outcome = -1;
    input.occurred = Some((-1, 0));
    input.actor.user_id = "x".repeat(513);
    input.actor.organization_id = "nul\0".to_owned();
    input.targets[1].role = 77;
    input.labels.insert("Bad Key".to_owned(), String::new());
    input.trace = "00-zz".to_owned();
    input.personal.actor_national_id = "1".repeat(65);
    input.details.insert("nan".to_owned(), Detail::Number(f64::NAN));
    let mut found = wrong_fields(input);
    found.sort();
    let mut expected = [
        "event_id",
        "tenant_id",
        "custom_type",
        "severity",
        "outcome",
        "occurred_time",
        "actor.user_id",
        "actor.organization_id",
        "targets[1].role",
        "labels",
        "trace",
        "personal.actor_national_id",
        "details",
    ]
    .map(|field| format!("event.{field}"));
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn g9_no_violation_repeats_the_value() {
    let mut input = bare(EventType::CUSTOM);
    input.event_id = "secret-one".to_owned();
    input.tenant_id = "Secret Two".to_owned();
    input.personal.actor_national_id = "010170".repeat(20);
    let text = validate(input, "event", &limits(), &call()).unwrap_err().to_string();
    assert!(
        !text.contains("secret-one") && !text.contains("Secret Two") && !text.contains("010170"),
        "{text}"
    );
}

#[test]
fn too_many_targets_labels_or_changes_are_refused() {
    let mut input = bare(EventType::CUSTOM);
    input.targets = vec![TargetInput::default(); 33];
    input.changes = vec![Change::default(); 65];
    input.labels = (0..33).map(|i| (format!("l{i}"), String::new())).collect();
    assert_eq!(wrong_fields(input), ["event.targets", "event.labels", "event.changes"]);
}

#[test]
fn details_nest_sixteen_levels_and_no_more() {
    let nest = |levels: usize| {
        (1..levels).fold(BTreeMap::from([("leaf".to_owned(), Detail::Null)]), |inner, _| {
            BTreeMap::from([("level".to_owned(), Detail::Map(inner))])
        })
    };
    let mut input = bare(EventType::CUSTOM);
    input.details = nest(16);
    assert!(validate(input.clone(), "event", &limits(), &call()).is_ok());
    input.details = nest(17);
    assert_eq!(wrong_fields(input), ["event.details"]);
}

#[test]
fn service_types_and_unknown_types_cannot_be_recorded() {
    let service = EventType::from_number(2000).unwrap();
    assert_eq!(wrong_fields(bare(service)), ["event.type"]);
    assert_eq!(wrong_fields(EventInput { event_type: 6, ..EventInput::default() }), ["event.type"]);
}

#[test]
fn a_custom_type_is_for_custom_events_only() {
    let mut input = bare(EventType::from_number(1).unwrap());
    input.custom_type = "a.b".to_owned();
    assert_eq!(wrong_fields(input), ["event.custom_type"]);
    for (name, good) in
        [("a", true), ("a.b-c_d.e1", true), ("", false), ("a..b", false), (".a", false), ("1a", false)]
    {
        let mut input = bare(EventType::CUSTOM);
        input.custom_type = name.to_owned();
        assert_eq!(validate(input, "event", &limits(), &call()).is_ok(), good, "{name:?}");
    }
}

#[test]
fn g9_long_free_text_is_cut_on_a_character_and_marked() {
    let mut input = full(EventType::CUSTOM);
    input.description = "ø".repeat(10_000);
    input.actor.name = format!("x{}", "ø".repeat(300));
    input.source.ip_address = "å".repeat(65);
    input.details.insert("long".to_owned(), Detail::List(vec![Detail::Text("y".repeat(5_000))]));
    input.labels.insert("note".to_owned(), "z".repeat(600));
    input.targets[0].name = "t".repeat(600);
    let event = validate(input, "event", &limits(), &call()).unwrap();
    assert_eq!(event.description, "ø".repeat(8_192));
    assert_eq!(event.actor.name.len(), 511);
    assert_eq!(event.source.ip_address, "å".repeat(64));
    let mut marks = event.truncated_fields.clone();
    marks.sort();
    assert_eq!(
        marks,
        [
            "actor.name",
            "description",
            "details.long[0]",
            "labels.note",
            "source.ip_address",
            "targets[0].name"
        ]
    );
}

#[test]
fn control_characters_in_free_text_are_kept() {
    let mut input = bare(EventType::CUSTOM);
    input.description = "a\0b\x1b[31mc\r\n\u{202e}".to_owned();
    let event = validate(input.clone(), "event", &limits(), &call()).unwrap();
    assert_eq!(event.description, input.description);
    assert!(event.truncated_fields.is_empty());
}

#[test]
fn the_calls_trace_is_taken_when_the_event_has_none() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let call = vidne::domain::validate::CallContext { trace: trace.to_owned(), ..call() };
    assert_eq!(validate(bare(EventType::CUSTOM), "event", &limits(), &call).unwrap().trace, trace);
}

proptest! {
    #[test]
    fn any_sane_event_is_valid(input in any_input()) {
        let event = validate(input.clone(), "event", &limits(), &call());
        prop_assert!(event.is_ok(), "{:?}", event);
    }
}
