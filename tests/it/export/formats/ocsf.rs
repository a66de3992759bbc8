//! OCSF, read back, and against the official schema by a program that nobody here wrote.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value as Json;
use vidne::domain::{
    event::{RecordedEvent, TargetType},
    format::OcsfVersion,
};

use super::{
    any_event::some_events,
    expected::{Parties, fact, id, name, national_id},
    line, ocsf, own, sample,
};
use crate::support::from_tests_run;

pub fn check(line: &str, event: &RecordedEvent) {
    let json: Json = serde_json::from_str(line).unwrap();
    let (e, parties) = (&event.event, Parties::of(event));
    let principal_is_group = parties.principal.is_some_and(|t| t.target_type == TargetType::Group);
    let (class, activity) = match fact(event) {
        Some(fact) if fact.ocsf_class == 3005 && principal_is_group => (3006, fact.ocsf_activity),
        Some(fact) => (fact.ocsf_class, fact.ocsf_activity),
        None => (6001, 99),
    };
    for (key, expected) in [
        ("class_uid", class),
        ("activity_id", activity),
        ("type_uid", class * 100 + activity),
        ("category_uid", class / 1_000),
        ("time", u64::try_from(e.occurred.micros() / 1_000).unwrap()),
        ("status_id", [1, 2, 0][usize::try_from(e.outcome.number()).unwrap() - 1]),
        ("severity_id", [1, 1, 2, 3, 4, 5, 5, 6][usize::try_from(e.severity.number()).unwrap() - 1]),
    ] {
        assert_eq!(json[key], expected, "{key}");
    }
    assert_eq!(json["metadata"]["sequence"], event.sequence);
    let text = |path: &str| json.pointer(path).map_or("", |text| text.as_str().expect(path)).to_owned();
    let email = ["/actor/user/email_addr", "/unmapped/actor_email"].map(text).concat();
    for (path, expected) in [
        ("/metadata/uid", e.id.to_string().as_str()),
        ("/metadata/event_code", e.type_name()),
        ("/message", &e.description),
        ("/status_detail", &e.outcome_reason),
        ("/actor/user/uid", &e.actor.user_id),
        ("/actor/user/full_name", &e.actor.name),
        ("/actor/user/uid_alt", &e.actor.initials),
        ("/actor/user/org/uid", &e.actor.organization_id),
        ("/actor/user/account/uid", &e.actor.tenant_id),
        ("/unmapped/actor_national_id", national_id(event)),
        ("/unmapped/target_tenant_id", parties.tenant),
        ("/src_endpoint/hostname", &e.source.host),
        ("/unmapped/user_agent", &e.source.user_agent),
    ] {
        assert_eq!(text(path), expected, "{path}");
    }
    assert_eq!(email, e.actor.email);
    let ip: Option<std::net::IpAddr> = e.source.ip_address.trim().parse().ok();
    assert_eq!(text("/src_endpoint/ip").parse().ok(), ip);
    if ip.is_none() {
        assert_eq!(text("/src_endpoint/name"), e.source.ip_address);
    }
    assert_eq!(json["unmapped"]["targets"].as_array().map_or(0, Vec::len), e.targets.len());
    assert_eq!(json["unmapped"]["security_event_type_id"].as_u64(), e.event_type.info().code.map(u64::from));
    let cut = json["unmapped"]["truncated_fields"].as_array().map_or(0, Vec::len);
    assert_eq!(cut, e.truncated_fields.len());
    match class {
        3001 | 3005 => assert_eq!(text("/user/uid"), id(parties.principal)),
        3004 => assert_eq!(text("/entity/uid"), parties.resource_id()),
        3006 => {
            let principal = parties.principal.filter(|_| principal_is_group);
            // Rights are the principal's; members are the group's.
            let rights = activity < 3;
            let group = if rights { principal } else { parties.group.or(principal) };
            assert_eq!(text("/group/uid"), id(group));
        }
        _ => {
            let first = &json["web_resources"][0];
            assert!(first["name"].as_str().is_some_and(|name| !name.is_empty()));
        }
    }
    if class == 3005 && !name(parties.permission).trim().is_empty() {
        assert_eq!(json["privileges"], serde_json::json!([name(parties.permission)]));
    }
}

#[test]
fn ocsf_reads_back_field_by_field() {
    for event in sample() {
        for version in OcsfVersion::ALL {
            let line = line(&ocsf(*version), &event);
            check(&line, &event);
            assert!(line.contains(&format!("\"version\":\"{}\"", version.name())));
        }
    }
}

/// Gives the lines to `ocsf_check.py`; what it says of each.
pub fn validate(lines: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines.jsonl");
    fs::write(&file, lines).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/ocsf_check.py");
    let output = Command::new(from_tests_run("VIDNE_TEST_PYTHON"))
        .arg(script)
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn ocsf_holds_under_the_official_schemas() {
    for version in OcsfVersion::ALL {
        let events = [sample(), own(), some_events()].concat();
        let lines: String = events.iter().map(|event| line(&ocsf(*version), event) + "\n").collect();
        let said = validate(&lines);
        assert_eq!(said.len(), events.len());
        for (said, line) in said.iter().zip(lines.lines()) {
            assert_eq!(said, "valid", "{} {line}", version.name());
        }
    }
}

#[test]
fn the_schema_refuses_what_is_not_ocsf() {
    let good = line(&ocsf(OcsfVersion::V180), &sample()[0]);
    let bad = [
        good.replace("\"activity_id\":5", "\"activity_id\":55"),
        good.replace("\"status\":", "\"state\":"),
        good.replace("2001:db8::7", "not an address"),
        good.replace("\"web_resources\":", "\"resources\":"),
    ];
    let said = validate(&(bad.join("\n") + "\n"));
    assert_eq!(said.len(), bad.len());
    for (said, bad) in said.iter().zip(&bad) {
        assert_ne!(bad, &good);
        assert_ne!(said, "valid", "{bad}");
    }
}
