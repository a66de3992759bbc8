//! CEF, read back by the rules of its document.

use std::collections::BTreeMap;

use vidne::domain::{
    event::RecordedEvent,
    format::CefVersion::{V0, V1},
};

use super::{
    cef,
    expected::{Parties, compare, fact, first, id, kind, name, national_id, one_line},
    line, sample,
};

/// Header fields and extension.
pub struct Cef {
    pub header: Vec<String>,
    pub extension: BTreeMap<String, String>,
}

/// Reads a line: seven header fields between pipes, then pairs whose keys are recognised by `=`.
pub fn read(line: &str) -> Cef {
    let mut header = Vec::new();
    let mut rest = line.strip_prefix("CEF:").expect(line);
    for _ in 0..7 {
        let end = rest.find('|').expect(line);
        header.push(rest[..end].to_owned());
        rest = &rest[end + 1..];
    }
    // Each unescaped `=` ends a key, which begins after the last space before it.
    let mut equals = Vec::new();
    let mut escaped = false;
    for (i, byte) in rest.bytes().enumerate() {
        if byte == b'=' && !escaped {
            equals.push(i);
        }
        escaped = byte == b'\\' && !escaped;
    }
    let key_start = |equal: usize| rest[..equal].rfind(' ').map_or(0, |space| space + 1);
    let mut extension = BTreeMap::new();
    for (i, &equal) in equals.iter().enumerate() {
        let key = &rest[key_start(equal)..equal];
        assert!(!key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric()), "key {key:?} in {line}");
        let end = equals.get(i + 1).map_or(rest.len(), |&next| key_start(next) - 1);
        let value = unescape(&rest[equal + 1..end]);
        assert!(!value.is_empty(), "{key} is empty in {line}");
        assert!(extension.insert(key.to_owned(), value).is_none(), "{key} twice in {line}");
    }
    Cef { header, extension }
}

fn unescape(value: &str) -> String {
    let mut characters = value.chars();
    let mut out = String::new();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('n') => out.push('\n'),
                Some(c @ ('\\' | '=')) => out.push(c),
                other => panic!("escape of {other:?} in {value:?}"),
            },
            c => out.push(c),
        }
    }
    out
}

/// As a reader should find it.
fn value(text: &str, defensive: bool) -> String {
    let text = text.trim();
    match defensive {
        false => one_line(text, "\n"),
        true => one_line(text, " ").replace(['|', '\\'], "/").replace('=', ":"),
    }
}

pub fn expected(event: &RecordedEvent, defensive: bool) -> Vec<(&'static str, String)> {
    let (e, parties) = (&event.event, Parties::of(event));
    let fact = fact(event);
    let text = |text: &str| value(text, defensive);
    let millis = |micros: i64| (micros / 1_000).to_string();
    let ip: Option<std::net::IpAddr> = e.source.ip_address.trim().parse().ok();
    let v4 = ip.filter(|ip| ip.is_ipv4()).map(|ip| ip.to_string()).unwrap_or_default();
    let v6 = ip.filter(|ip| ip.is_ipv6()).map(|ip| ip.to_string()).unwrap_or_default();
    let no_ip = if ip.is_none() { text(&e.source.ip_address) } else { String::new() };
    let code = e.event_type.info().code.map(|code| code.to_string()).unwrap_or_default();
    let mut all = vec![
        ("dtz", "UTC".to_owned()),
        ("rt", millis(e.occurred.micros())),
        ("start", millis(e.occurred.micros())),
        ("externalId", e.id.to_string()),
        ("cn2", event.sequence.to_string()),
        ("deviceCustomDate1", millis(event.recorded.micros())),
        ("cat", fact.map_or("custom", |f| f.category).to_owned()),
        ("act", fact.map_or("Custom", |f| f.action).to_owned()),
        ("outcome", e.outcome.name().to_lowercase()),
        ("reason", text(&e.outcome_reason)),
        ("suid", text(&e.actor.user_id)),
        ("suser", text(&e.actor.name)),
        ("src", v4),
        ("c6a2", v6),
        ("vidneSourceAddress", no_ip),
        ("shost", text(&e.source.host)),
        ("requestClientApplication", text(&e.source.user_agent)),
        ("duid", text(id(parties.principal))),
        ("duser", text(name(parties.principal))),
        ("dpriv", text(first(name(parties.permission), id(parties.permission)))),
        ("fileId", text(parties.resource_id())),
        ("fname", text(name(parties.resource))),
        ("fileType", kind(parties.resource)),
        ("vidneTaskId", text(id(parties.task))),
        ("vidneTenantId", "default".to_owned()),
        ("vidneTraceParent", e.trace.clone()),
        ("vidneCustomType", e.custom_type.clone()),
        ("msg", text(&e.description)),
        ("cn1", code),
        ("cs1", text(&e.actor.tenant_id)),
        ("cs2", text(parties.tenant)),
        ("cs3", text(&e.actor.organization_id)),
        ("cs4", text(&e.actor.email)),
        ("cs5", text(&e.actor.initials)),
        ("cs6", text(national_id(event))),
        ("flexString1", kind(parties.principal)),
        ("flexString2", text(first(name(parties.group), id(parties.group)))),
    ];
    let labels = [
        ("cn1", "cn1Label", "SecurityEventTypeId"),
        ("cn2", "cn2Label", "Sequence"),
        ("deviceCustomDate1", "deviceCustomDate1Label", "RecordedAt"),
        ("c6a2", "c6a2Label", "Source IPv6 Address"),
        ("cs1", "cs1Label", "ActorTenantId"),
        ("cs2", "cs2Label", "TargetTenantId"),
        ("cs3", "cs3Label", "ActorOrganisationId"),
        ("cs4", "cs4Label", "ActorEmail"),
        ("cs5", "cs5Label", "ActorInitials"),
        ("cs6", "cs6Label", "ActorNationalId"),
        ("flexString1", "flexString1Label", "TargetKind"),
        ("flexString2", "flexString2Label", "Group"),
    ];
    for (of, label, text) in labels {
        if all.iter().any(|(key, value)| *key == of && !value.is_empty()) {
            all.push((label, text.to_owned()));
        }
    }
    all
}

/// The dictionary's lengths.
pub fn limit(key: &str) -> usize {
    match key {
        "externalId" => 40,
        "act" | "outcome" => 63,
        "dtz" => 255,
        key if key.starts_with("cs") && !key.ends_with("Label") => 4_000,
        _ => 1_023,
    }
}

pub fn check(line: &str, event: &RecordedEvent, version: &str, defensive: bool) {
    let Cef { header, extension } = read(line);
    let severity = ["", "1", "3", "4", "6", "7", "8", "9", "10"];
    let severity = severity[usize::try_from(event.event.severity.number()).unwrap()];
    let english = fact(event).map_or("Custom event", |f| f.english);
    assert_eq!(header, [version, "vidne", "vidne", "1.0", event.event.type_name(), english, severity]);
    assert!(header.iter().all(|field| !field.is_empty() && !field.contains(['\\', '='])));
    // For a reader that takes the first character of the first key.
    assert!(line.contains("| dtz=UTC rt="), "{line}");
    compare(&extension, &expected(event, defensive), limit);
}

#[test]
fn cef_reads_back_field_by_field() {
    for event in sample() {
        for (version, number) in [(V0, "0"), (V1, "1")] {
            for defensive in [false, true] {
                let line = line(&cef(version, defensive), &event);
                check(&line, &event, number, defensive);
                assert!(!defensive || !line.contains('\\'), "{line}");
            }
        }
    }
}
