//! CEF through liblognorm, the parser behind rsyslog's mmnormalize.

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Stdio},
};

use serde_json::Value as Json;
use vidne::domain::{event::RecordedEvent, format::CefVersion::V0};

use super::{
    any_event::some_events,
    cef,
    cef::{expected, limit},
    expected::compare,
    line, sample,
};

/// What lognormalizer makes of each line.
fn normalized(lines: &str) -> Vec<Json> {
    let folder = tempfile::tempdir().unwrap();
    let (rules, input) = (folder.path().join("cef.rulebase"), folder.path().join("lines"));
    fs::write(&rules, "version=2\nrule=:%f:cef%\n").unwrap();
    fs::write(&input, lines).unwrap();
    let output = Command::new("lognormalizer")
        .arg("-r")
        .arg(rules)
        .args(["-e", "json"])
        .stdin(Stdio::from(fs::File::open(input).unwrap()))
        .output()
        .expect("lognormalizer is missing: tests/setup installs it");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn check(json: &Json, event: &RecordedEvent) {
    let f = &json["f"];
    assert_eq!(f["DeviceVendor"], "vidne", "{json}");
    assert_eq!(f["SignatureID"], event.event.type_name());
    let extension: BTreeMap<String, String> = f["Extensions"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    compare(&extension, &expected(event, false), limit);
}

#[test]
fn liblognorm_reads_every_field_of_every_line() {
    let events = [sample(), some_events()].concat();
    let lines: String = events.iter().map(|event| line(&cef(V0, false), event) + "\n").collect();
    let read = normalized(&lines);
    assert_eq!(read.len(), events.len());
    for (json, event) in read.iter().zip(&events) {
        check(json, event);
    }
}
