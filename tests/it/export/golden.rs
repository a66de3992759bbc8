//! Each format against a file that a person has looked at. `UPDATE_GOLDEN=1` writes them anew.

use std::{fs, path::PathBuf};

use vidne::{
    domain::{
        catalogue::EventType,
        event::{Personal, RecordedEvent, Source},
        export::{Format, JobSettings, NationalIdMode},
        format::{CsvColumns, CsvOptions},
        input::{ActorInput, EventInput},
        validate::validate,
    },
    export::format::Renderer,
};

use super::bed::{read_type, settings};
use crate::support::events::{NOW, bare, call, full, limits};

fn event(sequence: u64, input: EventInput) -> RecordedEvent {
    let event_id = uuid::Uuid::from_u128(u128::from(sequence)).to_string();
    let event = validate(EventInput { event_id, ..input }, "event", &limits(), &call()).unwrap();
    RecordedEvent { sequence, recorded: NOW, event }
}

/// Values that would forge fields, break lines or run in a spreadsheet.
fn hostile() -> EventInput {
    EventInput {
        occurred: Some((0, 1_999)),
        severity: 8,
        outcome: 2,
        actor: ActorInput {
            user_id: "=HYPERLINK(\"http://evil\")".to_owned(),
            name: "Bobby \"Tables\", jr.\r\n2026-11-22T08:00:00Z,Information,forged".to_owned(),
            email: "+45@example.dk".to_owned(),
            initials: "\t=1".to_owned(),
            organization_id: "-2+3".to_owned(),
            ..ActorInput::default()
        },
        source: Source { ip_address: "@SUM(A1)|::1".to_owned(), ..Source::default() },
        description: "nul \0 esc \u{1b}[31m c1 \u{9b} nel \u{85} ls \u{2028} ps \u{2029} lone \r end, \
                      \\n stays, 東京 ✓ ＝1"
            .to_owned(),
        personal: Personal { actor_national_id: "=0101701234".to_owned(), subject_national_ids: Vec::new() },
        ..bare(read_type())
    }
}

fn sample() -> Vec<RecordedEvent> {
    let inputs = [
        full(read_type()),
        bare(read_type()),
        full(EventType::from_name("PROJECT_HOT_FOLDER_DIABLE").unwrap()),
        bare(EventType::CUSTOM),
        hostile(),
        EventInput {
            description: "é".repeat(20_000),
            ..bare(EventType::from_name("RECORD_DELETED").unwrap())
        },
    ];
    (1..).zip(inputs).map(|(sequence, input)| event(sequence, input)).collect()
}

fn rendered(settings: &JobSettings) -> Vec<u8> {
    let renderer = Renderer::new(settings);
    let mut out = Vec::new();
    renderer.begin(&mut out);
    for event in sample() {
        renderer.event(&event, &mut out).unwrap();
    }
    out
}

fn assert_golden(name: &str, settings: &JobSettings) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/export/golden").join(name);
    let out = rendered(settings);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &out).unwrap();
    }
    let golden = fs::read(&path).unwrap();
    let (out_text, golden) = (String::from_utf8(out.clone()).unwrap(), String::from_utf8(golden).unwrap());
    for (line, (ours, theirs)) in out_text.split('\n').zip(golden.split('\n')).enumerate() {
        assert_eq!(ours, theirs, "{name}, line {}", line + 1);
    }
    assert_eq!(out_text.len(), golden.len(), "{name}");
    out
}

fn csv(header: bool, formula_guard: bool, national_id: NationalIdMode) -> JobSettings {
    JobSettings {
        format: Format::Csv(CsvOptions { columns: CsvColumns::Xflow, header, formula_guard }),
        national_id,
        ..settings()
    }
}

fn records(bytes: &[u8]) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    reader.records().map(|record| record.unwrap()).collect()
}

#[test]
fn json_lines_are_as_they_were_looked_at() {
    for (name, national_id) in
        [("events.jsonl", NationalIdMode::Omit), ("events_full.jsonl", NationalIdMode::Full)]
    {
        let out = assert_golden(name, &JobSettings { national_id, ..settings() });
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.contains("0101701234"), national_id == NationalIdMode::Full);
        assert_eq!(text.lines().count(), sample().len());
        for (line, event) in text.lines().zip(sample()) {
            let json: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(json["description"].as_str().unwrap_or_default(), event.event.description);
            assert!(line.starts_with(&format!("{{\"sequence\":{}", event.sequence)));
        }
    }
}

#[test]
fn csv_is_as_it_was_looked_at() {
    let out = assert_golden("events.csv", &csv(false, true, NationalIdMode::Omit));
    assert!(!String::from_utf8(out.clone()).unwrap().contains("0101701234"));
    let records = records(&out);
    assert_eq!(records.len(), sample().len());
    assert!(records.iter().all(|record| record.len() == 10));
    assert!(records.iter().all(|record| record[4].is_empty()));
    // One line per event, also where a reader knows nothing of quotes.
    assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), sample().len());
    assert!(!out.iter().any(|byte| byte.is_ascii_control() && *byte != b'\n'));
}

#[test]
fn csv_with_header_and_national_ids_is_as_it_was_looked_at() {
    let out = assert_golden("events_full.csv", &csv(true, false, NationalIdMode::Full));
    let records = records(&out);
    assert_eq!(&records[0][4], "national_id");
    assert_eq!(&records[1][4], "0101701234");
    assert_eq!(&records[5][2], "=HYPERLINK(\"http://evil\")");
    assert_eq!(&records[1][9], "\"Read\" has read the form with TaskId 1001, BlanketID 77");
    assert_eq!(&records[2][9], "\"Read\"");
    assert_eq!(&records[4][9], "\"invoice.approved\"");
}

#[test]
fn every_type_renders_to_one_line_in_every_format() {
    let formats = [settings(), csv(false, true, NationalIdMode::Full)];
    for settings in formats {
        let renderer = Renderer::new(&settings);
        for event_type in crate::support::events::recordable() {
            for input in [full(event_type), bare(event_type)] {
                let mut line = Vec::new();
                renderer.event(&event(7, input), &mut line).unwrap();
                assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "{event_type:?}");
                assert_eq!(line.last(), Some(&b'\n'));
            }
        }
    }
}
