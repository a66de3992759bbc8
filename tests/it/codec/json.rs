use proptest::prelude::*;
use serde_json::{Value, json};
use vidne::{
    codec::json::{parse_input, write_line},
    domain::{catalogue::EventType, event::RecordedEvent, input::EventInput, validate::validate},
};

use crate::support::events::{NOW, any_input, bare, call, full, limits};

fn record(input: EventInput) -> RecordedEvent {
    RecordedEvent { sequence: 7, recorded: NOW, event: validate(input, "event", &limits(), &call()).unwrap() }
}

fn line(event: &RecordedEvent, show_personal: bool) -> String {
    let mut out = Vec::new();
    write_line(event, show_personal, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_full_event_has_the_documented_form() {
    let mut input = full(EventType::from_name("PROJECT_HOT_FOLDER_DIABLE").unwrap());
    input.targets.truncate(1);
    let value: Value = serde_json::from_str(&line(&record(input), true)).unwrap();
    assert_eq!(
        value,
        json!({
            "sequence": 7,
            "event_id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "tenant_id": "default",
            "recorded_time": "2026-11-22T08:00:00.000000Z",
            "occurred_time": "2026-11-22T07:59:59.123456Z",
            "type": "PROJECT_HOT_FOLDER_DIABLE",
            "type_code": 22,
            "type_name": "ProjectHotFolderDiable",
            "severity": "INFORMATION",
            "outcome": "SUCCESS",
            "outcome_reason": "approved by the head of section",
            "actor": {
                "type": "USER",
                "user_id": "u-4711",
                "name": "Åse Ørsted",
                "email": "aase.oersted@example.dk",
                "initials": "AAOE",
                "organization_id": "org-29189846",
                "tenant_id": "writer-tenant",
            },
            "source": {
                "ip_address": "2001:db8::7",
                "host": "pc-0101.example.dk",
                "user_agent": "XFlow/7.2 (Windows)",
            },
            "targets": [{
                "role": "OBJECT",
                "type": "TASK",
                "id": "task-1001",
                "name": "Building permit",
                "tenant_id": "target-tenant",
            }],
            "description": "has read the form with TaskId 1001, BlanketID 77",
            "details": { "count": 3, "list": [true, "x"], "nested": { "deep": null }, "ratio": 0.5 },
            "labels": { "system": "xflow" },
            "changes": [{ "field": "status", "old_value": "open", "new_value": "closed" }],
            "trace": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "recorded_by": "anonymous",
            "personal": { "actor_national_id": "0101701234", "subject_national_ids": ["0202801235"] },
        })
    );
}

#[test]
fn the_sequence_comes_first_and_empty_fields_are_left_out() {
    let text = line(&record(bare(EventType::from_number(2).unwrap())), false);
    assert!(text.starts_with(r#"{"sequence":7,"event_id":""#), "{text}");
    assert!(
        text.ends_with(r#""actor":{"type":"USER"},"recorded_by":"anonymous"}"#.to_owned().as_str())
            || text.ends_with("}\n")
    );
    for absent in ["custom_type", "type_code", "targets", "description", "details", "labels", "personal"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
}

#[test]
fn national_ids_are_shown_only_when_asked_for() {
    let event = record(full(EventType::CUSTOM));
    assert!(!line(&event, false).contains("0101701234"));
    assert!(line(&event, true).contains("0101701234"));
}

#[test]
fn line_separators_and_control_characters_are_escaped() {
    let mut input = bare(EventType::CUSTOM);
    input.description = "a\u{2028}b\u{2029}c\nd\u{85}e\u{9b}f\u{7f}ø".to_owned();
    let text = line(&record(input), false);
    assert!(text.contains(r"a\u2028b\u2029c\nd\u0085e\u009bf\u007fø"), "{text}");
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn all_wrong_names_of_a_line_are_reported_at_once() {
    let wrong = parse_input(
        r#"{"type":"NOPE","severity":"loud","outcome":"?","occurred_time":"yesterday","targets":[{"role":"x"}]}"#,
    )
    .unwrap_err();
    let fields: Vec<&str> = wrong.iter().map(|w| w.field.as_str()).collect();
    assert_eq!(fields, ["targets[0].role", "type", "severity", "outcome", "occurred_time"]);
    assert!(parse_input(r#"{"type":"CUSTOM","surprise":1}"#).is_err());
    assert!(parse_input("not json").is_err());
}

proptest! {
    #[test]
    fn what_is_written_can_be_read_again(input in any_input()) {
        let event = record(input);
        let text = line(&event, true);
        prop_assert_eq!(text.matches('\n').count(), 1);
        let again = parse_input(&text).unwrap();
        let mut read = validate(again, "event", &limits(), &call()).unwrap();
        // A cut mark is an output field.
        read.truncated_fields = event.event.truncated_fields.clone();
        prop_assert_eq!(read, event.event);
    }
}
