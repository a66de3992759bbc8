//! RFC 5424, read back by its grammar (section 6).

use std::collections::BTreeMap;

use vidne::domain::event::RecordedEvent;

use super::{
    MARK,
    expected::{Parties, compare, fact, first, id, kind, name, national_id, one_line},
    line, rfc5424, sample,
};

struct Message {
    head: Vec<String>,
    elements: BTreeMap<String, BTreeMap<String, String>>,
    text: Option<String>,
}

fn read(line: &str) -> Message {
    let mut rest = line;
    let mut head = Vec::new();
    for most in [8, 32, 255, 48, 128, 32] {
        let (field, after) = rest.split_once(' ').expect(line);
        assert!((1..=most).contains(&field.len()) && field.bytes().all(|b| b.is_ascii_graphic()), "{line}");
        head.push(field.to_owned());
        rest = after;
    }
    let mut elements = BTreeMap::new();
    while let Some(after) = rest.strip_prefix('[') {
        let end = after.find([' ', ']']).expect(line);
        let sd_id = sd_name(&after[..end]);
        let mut params = BTreeMap::new();
        rest = &after[end..];
        while let Some(after) = rest.strip_prefix(' ') {
            let (param, after) = after.split_once("=\"").expect(line);
            let (value, after) = param_value(after);
            assert!(params.insert(sd_name(param), value).is_none(), "{param} twice in {line}");
            rest = after;
        }
        rest = rest.strip_prefix(']').expect(line);
        assert!(elements.insert(sd_id, params).is_none(), "{line}");
    }
    assert!(!elements.is_empty(), "{line}");
    let text = if rest.is_empty() { None } else { Some(rest.strip_prefix(' ').expect(line).to_owned()) };
    Message { head, elements, text }
}

fn sd_name(name: &str) -> String {
    assert!((1..=32).contains(&name.len()), "{name}");
    assert!(name.bytes().all(|b| b.is_ascii_graphic() && !b"=]\"".contains(&b)), "{name}");
    name.to_owned()
}

/// The value up to its closing quote, and what comes after that.
fn param_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((i, c)) = characters.next() {
        match c {
            '"' => return (value, &text[i + 1..]),
            ']' => panic!("a bracket without escape in {text:?}"),
            '\\' => match characters.next() {
                Some((_, c @ ('"' | '\\' | ']'))) => value.push(c),
                other => panic!("escape of {other:?} in {text:?}"),
            },
            c => value.push(c),
        }
    }
    panic!("no end of {text:?}")
}

pub fn expected(event: &RecordedEvent, defensive: bool) -> Vec<(&'static str, String)> {
    let (e, parties, fact) = (&event.event, Parties::of(event), fact(event));
    let text = |text: &str| match defensive {
        false => one_line(text, "\\n"),
        true => one_line(text, " ").replace('"', "'").replace('\\', "/").replace(']', ")"),
    };
    let ip: Option<std::net::IpAddr> = e.source.ip_address.trim().parse().ok();
    vec![
        ("seq", event.sequence.to_string()),
        ("id", e.id.to_string()),
        ("type", e.type_name().to_owned()),
        ("code", e.event_type.info().code.map(|code| code.to_string()).unwrap_or_default()),
        ("category", fact.map_or("custom", |f| f.category).to_owned()),
        ("action", fact.map_or("Custom", |f| f.action).to_owned()),
        ("outcome", e.outcome.name().to_lowercase()),
        ("reason", text(&e.outcome_reason)),
        ("recorded", event.recorded.to_string()),
        ("tenantId", "default".to_owned()),
        ("actorId", text(&e.actor.user_id)),
        ("actorName", text(&e.actor.name)),
        ("actorEmail", text(&e.actor.email)),
        ("actorInitials", text(&e.actor.initials)),
        ("actorOrgId", text(&e.actor.organization_id)),
        ("actorTenantId", text(&e.actor.tenant_id)),
        ("actorNationalId", text(national_id(event))),
        ("actorIp", ip.map(|ip| ip.to_string()).unwrap_or_default()),
        ("actorAddress", if ip.is_none() { text(&e.source.ip_address) } else { String::new() }),
        ("actorHost", text(&e.source.host)),
        ("actorAgent", text(&e.source.user_agent)),
        ("targetKind", kind(parties.principal)),
        ("targetId", text(id(parties.principal))),
        ("targetName", text(name(parties.principal))),
        ("targetTenantId", text(parties.tenant)),
        ("group", text(first(name(parties.group), id(parties.group)))),
        ("permission", text(first(name(parties.permission), id(parties.permission)))),
        ("resourceType", kind(parties.resource)),
        ("resourceId", text(parties.resource_id())),
        ("resourceName", text(name(parties.resource))),
        ("taskId", text(id(parties.task))),
        ("trace", e.trace.clone()),
    ]
}

pub fn check(line: &str, event: &RecordedEvent, most: usize, defensive: bool) {
    let e = &event.event;
    assert!(line.len() < most, "{} bytes of {most}: {line}", line.len());
    let Message { head, elements, text } = read(line);
    let severity = 8 - e.severity.number();
    let msgid = if e.type_name().len() > 32 { "custom" } else { e.type_name() };
    let time = e.occurred.to_string();
    assert_eq!(head, [&format!("<{}>1", 104 + severity), &time, "audit.example.org", "vidne", "-", msgid]);
    assert_eq!(elements.keys().collect::<Vec<_>>(), ["audit@32473", "origin", "timeQuality"]);
    compare(&elements["audit@32473"], &expected(event, defensive), |_| most / 32);
    assert_eq!(elements["origin"]["software"], "vidne");
    assert_eq!(elements["timeQuality"]["tzKnown"], "1");
    let whole = one_line(&e.description, "\\n");
    let text = text.unwrap_or_default();
    match text.strip_suffix(MARK) {
        Some(begin) if text != whole => {
            assert!(whole.starts_with(begin));
            assert!(line.len() > most - 8, "cut although there was room: {} of {most}", line.len());
        }
        _ => assert_eq!(text, whole),
    }
}

#[test]
fn rfc5424_reads_back_field_by_field() {
    for event in sample() {
        for most in [4_096, 8_192, 65_536] {
            for defensive in [false, true] {
                let line = line(&rfc5424(most, defensive), &event);
                check(&line, &event, usize::try_from(most).unwrap(), defensive);
            }
        }
    }
}
