//! Each format against a file that a person has looked at. `UPDATE_GOLDEN=1` writes them anew.

use std::{collections::HashSet, fs, path::PathBuf};

use serde_json::Value as Json;
use vidne::{
    domain::{
        export::{JobSettings, NationalIdMode},
        format::{CefVersion, CsvColumns, LeefVersion, OcsfVersion},
    },
    export::format::Renderer,
};

use super::{NATIONAL_ID, cef, csv, ecs, leef, line, ocsf, own, rfc5424, sample};
use crate::export::bed::settings;

fn all() -> [(&'static str, JobSettings); 11] {
    [
        ("kinds.jsonl", JobSettings { national_id: NationalIdMode::Full, ..settings() }),
        ("kinds.xflow.csv", csv(CsvColumns::Xflow, true, true)),
        ("kinds.flexicapture.csv", csv(CsvColumns::Flexicapture, true, true)),
        ("kinds.all.csv", csv(CsvColumns::All, true, false)),
        ("kinds.cef", cef(CefVersion::V0, false)),
        ("kinds.defensive.cef", cef(CefVersion::V1, true)),
        ("kinds.leef1", leef(LeefVersion::V1, false)),
        ("kinds.leef2", leef(LeefVersion::V2, false)),
        ("kinds.log", rfc5424(8_192, false)),
        ("kinds.ecs.jsonl", ecs(false)),
        ("kinds.ocsf.jsonl", ocsf(OcsfVersion::V180)),
    ]
}

fn rendered(settings: &JobSettings) -> String {
    let renderer = Renderer::new(settings);
    let mut out = Vec::new();
    renderer.begin(&mut out);
    for event in sample() {
        renderer.event(&event, &mut out).unwrap();
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn every_type_in_every_format_is_as_it_was_looked_at() {
    for (name, settings) in all() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/export/golden").join(name);
        let out = rendered(&settings);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &out).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap();
        for (line, (ours, theirs)) in out.split('\n').zip(golden.split('\n')).enumerate() {
            assert_eq!(ours, theirs, "{name}, line {}", line + 1);
        }
        assert_eq!(out.len(), golden.len(), "{name}");
    }
}

#[test]
fn vidnes_own_events_have_names_of_their_own() {
    let mut seen = HashSet::new();
    for event in own() {
        let info = event.event.event_type.info();
        let header = super::cef::read(&line(&cef(CefVersion::V0, false), &event)).header;
        assert_eq!(header[4..6], [info.original, info.meaning]);
        let ecs: Json = serde_json::from_str(&line(&ecs(false), &event)).unwrap();
        assert_eq!(ecs["event"]["category"], serde_json::json!(["configuration"]));
        assert!(seen.insert(ecs["event"]["action"].to_string()), "{info:?}");
        for (name, settings) in all() {
            // FlexiCapture has numbers only, and none for these.
            let named = line(&settings, &event).contains(info.original);
            assert_eq!(named, !name.contains("flexicapture"), "{name} {info:?}");
        }
    }
}

#[test]
fn there_is_one_line_per_event_and_a_national_id_only_where_the_job_wants_it() {
    for (name, settings) in all() {
        let header = usize::from(name.ends_with(".csv"));
        let with = rendered(&settings);
        assert_eq!(with.bytes().filter(|byte| *byte == b'\n').count(), sample().len() + header, "{name}");
        assert_eq!(with.contains(NATIONAL_ID), !name.contains("flexicapture"), "{name}");
        let without = rendered(&JobSettings { national_id: NationalIdMode::Omit, ..settings });
        assert_eq!(without.lines().count(), with.lines().count(), "{name}");
        for id in [NATIONAL_ID, "0101|701234", "0101/701234", "0202801235"] {
            assert!(!without.contains(id), "{name}: {id}");
        }
    }
}
