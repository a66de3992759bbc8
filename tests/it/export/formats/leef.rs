//! LEEF, read back by the rules of its document.

use std::collections::BTreeMap;

use vidne::domain::{
    event::{RecordedEvent, TargetType},
    format::LeefVersion::{V1, V2},
};

use super::{
    expected::{Parties, compare, fact, first, id, kind, name, national_id, one_line},
    leef, line, sample,
};

/// Reads a line: header fields between pipes, then pairs between delimiters; the first `=` ends a key.
fn read(line: &str) -> (Vec<String>, BTreeMap<String, String>) {
    let fields = if line.starts_with("LEEF:2.0|") { 6 } else { 5 };
    let mut parts = line.splitn(fields + 1, '|');
    let header: Vec<String> = parts.by_ref().take(fields).map(str::to_owned).collect();
    let delimiter = if fields == 6 { header[5].as_str() } else { "\t" };
    let mut pairs = BTreeMap::new();
    for pair in parts.next().expect(line).split(delimiter) {
        let (key, value) = pair.split_once('=').expect(line);
        assert!(!key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric()), "key {key:?} in {line}");
        assert!(!value.is_empty(), "{key} is empty in {line}");
        assert!(pairs.insert(key.to_owned(), value.to_owned()).is_none(), "{key} twice in {line}");
    }
    (header, pairs)
}

pub fn expected(event: &RecordedEvent, caret: bool, defensive: bool) -> Vec<(&'static str, String)> {
    let (e, parties, fact) = (&event.event, Parties::of(event), fact(event));
    let text = |text: &str| {
        let mut value = one_line(text.trim(), " ");
        if caret || defensive {
            value = value.replace('^', " ");
        }
        if defensive {
            value = value.replace('|', "/").replace('=', ":");
        }
        value
    };
    let millis = e.occurred.micros() / 1_000;
    let plain = millis.to_string().len() == 13;
    let iso = e.occurred.to_string();
    let ip: Option<std::net::IpAddr> = e.source.ip_address.trim().parse().ok();
    let is_group = parties.principal.is_some_and(|t| t.target_type == TargetType::Group);
    let user = parties.principal.filter(|_| !is_group);
    let group = if is_group { parties.principal } else { parties.group };
    let severity = ["", "1", "2", "3", "5", "6", "8", "9", "10"];
    vec![
        ("devTime", if plain { millis.to_string() } else { format!("{}+0000", &iso[..23]) }),
        ("devTimeFormat", if plain { String::new() } else { "yyyy-MM-dd'T'HH:mm:ss.SSSZ".to_owned() }),
        ("seq", event.sequence.to_string()),
        ("eventUid", e.id.to_string()),
        ("sev", severity[usize::try_from(e.severity.number()).unwrap()].to_owned()),
        ("cat", fact.map_or("custom", |f| f.category).to_owned()),
        ("action", fact.map_or("Custom", |f| f.action).to_owned()),
        ("outcome", e.outcome.name().to_lowercase()),
        ("reason", text(&e.outcome_reason)),
        ("securityEventTypeId", e.event_type.info().code.map(|code| code.to_string()).unwrap_or_default()),
        ("usrName", text(&e.actor.name)),
        ("actorId", text(&e.actor.user_id)),
        ("src", ip.map(|ip| ip.to_string()).unwrap_or_default()),
        ("sourceAddress", if ip.is_none() { text(&e.source.ip_address) } else { String::new() }),
        ("identHostName", text(&e.source.host)),
        ("userAgent", text(&e.source.user_agent)),
        ("realm", text(&e.actor.tenant_id)),
        ("domain", text(&e.actor.organization_id)),
        ("actorEmail", text(&e.actor.email)),
        ("actorInitials", text(&e.actor.initials)),
        ("actorNationalId", text(national_id(event))),
        ("accountName", text(first(name(user), id(user)))),
        ("targetId", text(id(parties.principal))),
        ("targetKind", kind(parties.principal)),
        ("groupID", text(first(id(group), name(group)))),
        ("targetTenantId", text(parties.tenant)),
        ("policy", text(first(name(parties.permission), id(parties.permission)))),
        ("resource", text(first(name(parties.resource), parties.resource_id()))),
        ("resourceType", kind(parties.resource)),
        ("resourceId", text(parties.resource_id())),
        ("taskId", text(id(parties.task))),
        ("tenantId", "default".to_owned()),
        ("recordedTime", (event.recorded.micros() / 1_000).to_string()),
        ("traceParent", e.trace.clone()),
        ("msg", text(&e.description)),
    ]
}

fn limit(key: &str) -> usize {
    match key {
        "usrName" | "accountName" | "identHostName" => 255,
        "msg" => 8_192,
        _ => 1_024,
    }
}

pub fn check(line: &str, event: &RecordedEvent, two: bool, defensive: bool) {
    let (header, pairs) = read(line);
    let name = event.event.type_name();
    if two {
        assert_eq!(header, ["LEEF:2.0", "vidne", "vidne", "1.0", name, "^"]);
    } else {
        assert_eq!(header, ["LEEF:1.0", "vidne", "vidne", "1.0", name]);
    }
    // A value that was only the delimiter is a space.
    compare(&pairs, &expected(event, two, defensive), limit);
}

#[test]
fn leef_reads_back_field_by_field() {
    for event in sample() {
        for (version, two) in [(V1, false), (V2, true)] {
            for defensive in [false, true] {
                check(&line(&leef(version, defensive), &event), &event, two, defensive);
            }
        }
    }
}
