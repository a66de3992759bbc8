//! What a reader should find in a line, from the event alone.

use std::collections::BTreeMap;

use vidne::domain::event::{RecordedEvent, Target, TargetRole, TargetType};

use super::{
    MARK,
    facts::{FACTS, Fact},
};

/// The targets by the part they play.
pub struct Parties<'a> {
    pub principal: Option<&'a Target>,
    pub group: Option<&'a Target>,
    pub permission: Option<&'a Target>,
    pub resource: Option<&'a Target>,
    pub task: Option<&'a Target>,
    pub tenant: &'a str,
}

impl<'a> Parties<'a> {
    pub fn of(event: &'a RecordedEvent) -> Self {
        let targets = &event.event.targets;
        let position = |found: &dyn Fn(&Target) -> bool| targets.iter().position(found);
        let group = position(&|t| t.role == TargetRole::Group);
        let principal = position(&|t| t.role == TargetRole::Principal).or_else(|| {
            position(&|t| {
                t.role == TargetRole::Object && [TargetType::User, TargetType::Group].contains(&t.target_type)
            })
        });
        let permission = position(&|t| t.target_type == TargetType::Permission);
        let objects: Vec<usize> = (0..targets.len())
            .filter(|i| targets[*i].role == TargetRole::Object)
            .filter(|i| ![group, principal, permission].contains(&Some(*i)))
            .collect();
        let (tasks, others): (Vec<usize>, Vec<usize>) =
            objects.into_iter().partition(|i| targets[*i].target_type == TargetType::Task);
        let resource = others.first().or(tasks.first()).copied();
        let task = tasks.into_iter().find(|i| Some(*i) != resource);
        let get = |i: Option<usize>| i.map(|i| &targets[i]);
        let own = get(principal).map(|t| t.tenant_id.as_str()).filter(|t| !t.is_empty());
        let any = || targets.iter().map(|t| t.tenant_id.as_str()).find(|t| !t.is_empty());
        Self {
            principal: get(principal),
            group: get(group),
            permission: get(permission),
            resource: get(resource),
            task: get(task),
            tenant: own.or_else(any).unwrap_or_default(),
        }
    }

    pub fn resource_id(&self) -> &str {
        match self.resource {
            Some(t) if t.target_type == TargetType::Tenant && t.id.is_empty() => &t.tenant_id,
            t => id(t),
        }
    }
}

pub fn id(target: Option<&Target>) -> &str {
    target.map_or("", |t| &t.id)
}

pub fn name(target: Option<&Target>) -> &str {
    target.map_or("", |t| &t.name)
}

pub fn kind(target: Option<&Target>) -> String {
    target.map_or(String::new(), |t| t.target_type.name().to_lowercase())
}

pub fn first<'a>(one: &'a str, other: &'a str) -> &'a str {
    if one.trim().is_empty() { other } else { one }
}

pub fn national_id(event: &RecordedEvent) -> &str {
    event.event.personal.as_ref().map_or("", |p| &p.actor_national_id)
}

/// The row of an event's type; `None` for the custom type.
pub fn fact(event: &RecordedEvent) -> Option<&'static Fact> {
    FACTS.iter().find(|fact| fact.name == event.event.event_type.info().original)
}

/// A value as it can be in a line at all: `line_end` for each line end, no other control characters.
pub fn one_line(value: &str, line_end: &str) -> String {
    let ends = value.replace("\r\n", "\n").replace(['\r', '\u{85}', '\u{2028}', '\u{2029}'], "\n");
    let clean = |c: char| match c {
        '\n' => line_end.to_owned(),
        '\t' => " ".to_owned(),
        c if c.is_control() => "\u{FFFD}".to_owned(),
        c => c.to_string(),
    };
    ends.chars().map(clean).collect()
}

/// Compares what was read with what was expected; a value may be cut if it has at least `limit` bytes and the mark.
/// Nothing else may be there, and nothing be missing.
pub fn compare(read: &BTreeMap<String, String>, expected: &[(&str, String)], limit: impl Fn(&str) -> usize) {
    let expected: BTreeMap<&str, &String> =
        expected.iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| (*key, value)).collect();
    let keys = |map: Vec<&str>| map.join(" ");
    assert_eq!(
        keys(read.keys().map(String::as_str).collect()),
        keys(expected.keys().copied().collect()),
        "{read:?}"
    );
    for (key, value) in expected {
        let read = &read[key];
        match read.strip_suffix(MARK) {
            Some(begin) if read != value => {
                assert!(value.starts_with(begin), "{key}: {read:?} is no beginning of {value:?}");
                // Escapes make it up to three times as long.
                assert!(value.len() * 3 > limit(key), "{key} was cut at {} bytes", value.len());
            }
            _ => assert_eq!(read, value, "{key}"),
        }
        assert!(read.len() <= limit(key), "{key} has {} bytes", read.len());
    }
}
