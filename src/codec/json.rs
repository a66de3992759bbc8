//! The one JSON form of an event, for `--json`, JSON Lines export and people.
//!
//! snake_case names as in the contract, `sequence` first and a number, RFC 3339 UTC times with
//! microseconds, enumerations by catalogue name, bytes in hex, no empty fields. `actor` is always there, with
//! its `type` at least.

use std::{collections::BTreeMap, fmt::Write};

use serde::Serialize;
use serde_json::Value as Json;

use super::detail;
pub use super::json_input::parse_input;
use crate::domain::event::{Actor, Change, Detail, Event, Personal, RecordedEvent, Source, Target};

/// Appends the event as one JSON object and a line feed. National ids only if `show_personal`.
pub fn write_line(event: &RecordedEvent, show_personal: bool, out: &mut Vec<u8>) {
    let start = out.len();
    // Writing to memory cannot fail, and every key is a string.
    if serde_json::to_writer(&mut *out, &JsonEvent::new(event, show_personal)).is_err() {
        out.truncate(start);
        return;
    }
    if needs_escape(&out[start..]) {
        escape_beyond_ascii(out, start);
    }
    out.push(b'\n');
}

/// U+2028, U+2029 and U+0085 are line ends to some readers, and the other control characters beyond ASCII are
/// commands to some terminals; JSON allows the escapes of all of them.
fn escape_beyond_ascii(out: &mut Vec<u8>, start: usize) {
    let line = out.split_off(start);
    let mut rest = line.as_slice();
    while let Some((&byte, tail)) = rest.split_first() {
        let (escaped, len) = match rest {
            [0x7F, ..] => (Some(0x7F), 1),
            [0xC2, second @ 0x80..=0x9F, ..] => (Some(u32::from(*second)), 2),
            [0xE2, 0x80, third @ (0xA8 | 0xA9), ..] => (Some(0x2000 + u32::from(*third - 0x80)), 3),
            _ => (None, 1),
        };
        match escaped {
            Some(code) => {
                out.extend_from_slice(format!("\\u{code:04x}").as_bytes());
                rest = &rest[len..];
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
}

fn needs_escape(line: &[u8]) -> bool {
    line.contains(&0x7F)
        || line.windows(2).any(|w| matches!(w, [0xC2, 0x80..=0x9F]))
        || line.windows(3).any(|w| matches!(w, [0xE2, 0x80, 0xA8 | 0xA9]))
}

fn empty(text: &&str) -> bool {
    text.is_empty()
}

#[derive(Serialize)]
struct JsonEvent<'a> {
    sequence: u64,
    event_id: String,
    tenant_id: &'a str,
    recorded_time: String,
    occurred_time: String,
    #[serde(rename = "type")]
    event_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    type_code: Option<u8>,
    type_name: &'a str,
    #[serde(skip_serializing_if = "empty")]
    custom_type: &'a str,
    severity: &'a str,
    outcome: &'a str,
    #[serde(skip_serializing_if = "empty")]
    outcome_reason: &'a str,
    actor: JsonActor<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<JsonSource<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<JsonTarget<'a>>,
    #[serde(skip_serializing_if = "empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    details: serde_json::Map<String, Json>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<JsonChange<'a>>,
    #[serde(skip_serializing_if = "empty")]
    trace: &'a str,
    #[serde(skip_serializing_if = "empty")]
    recorded_by: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    truncated_fields: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    personal_commitment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    personal: Option<JsonPersonal<'a>>,
}

impl<'a> JsonEvent<'a> {
    fn new(recorded: &'a RecordedEvent, show_personal: bool) -> Self {
        let event: &Event = &recorded.event;
        let info = event.event_type.info();
        let details = |members: &BTreeMap<String, Detail>| {
            members.iter().map(|(name, value)| (name.clone(), detail::to_json(value))).collect()
        };
        Self {
            sequence: recorded.sequence,
            event_id: event.id.to_string(),
            tenant_id: event.tenant.as_str(),
            recorded_time: recorded.recorded.to_string(),
            occurred_time: event.occurred.to_string(),
            event_type: info.name,
            type_code: info.code,
            type_name: event.type_name(),
            custom_type: &event.custom_type,
            severity: event.severity.name(),
            outcome: event.outcome.name(),
            outcome_reason: &event.outcome_reason,
            actor: JsonActor::new(&event.actor),
            source: (event.source != Source::default()).then(|| JsonSource::new(&event.source)),
            targets: event.targets.iter().map(JsonTarget::new).collect(),
            description: &event.description,
            details: details(&event.details),
            labels: &event.labels,
            changes: event.changes.iter().map(JsonChange::new).collect(),
            trace: &event.trace,
            recorded_by: &event.recorded_by,
            truncated_fields: &event.truncated_fields,
            personal_commitment: event.personal_commitment.as_ref().map(|hash| hex(hash)),
            personal: event.personal.as_ref().filter(|_| show_personal).map(JsonPersonal::new),
        }
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[derive(Serialize)]
struct JsonActor<'a> {
    #[serde(rename = "type")]
    actor_type: &'a str,
    #[serde(skip_serializing_if = "empty")]
    user_id: &'a str,
    #[serde(skip_serializing_if = "empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "empty")]
    email: &'a str,
    #[serde(skip_serializing_if = "empty")]
    initials: &'a str,
    #[serde(skip_serializing_if = "empty")]
    organization_id: &'a str,
    #[serde(skip_serializing_if = "empty")]
    tenant_id: &'a str,
}

impl<'a> JsonActor<'a> {
    fn new(actor: &'a Actor) -> Self {
        Self {
            actor_type: actor.actor_type.name(),
            user_id: &actor.user_id,
            name: &actor.name,
            email: &actor.email,
            initials: &actor.initials,
            organization_id: &actor.organization_id,
            tenant_id: &actor.tenant_id,
        }
    }
}

#[derive(Serialize)]
struct JsonSource<'a> {
    #[serde(skip_serializing_if = "empty")]
    ip_address: &'a str,
    #[serde(skip_serializing_if = "empty")]
    host: &'a str,
    #[serde(skip_serializing_if = "empty")]
    user_agent: &'a str,
}

impl<'a> JsonSource<'a> {
    fn new(source: &'a Source) -> Self {
        Self { ip_address: &source.ip_address, host: &source.host, user_agent: &source.user_agent }
    }
}

#[derive(Serialize)]
struct JsonTarget<'a> {
    role: &'a str,
    #[serde(rename = "type")]
    target_type: &'a str,
    #[serde(skip_serializing_if = "empty")]
    id: &'a str,
    #[serde(skip_serializing_if = "empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "empty")]
    tenant_id: &'a str,
}

impl<'a> JsonTarget<'a> {
    fn new(target: &'a Target) -> Self {
        Self {
            role: target.role.name(),
            target_type: target.target_type.name(),
            id: &target.id,
            name: &target.name,
            tenant_id: &target.tenant_id,
        }
    }
}

#[derive(Serialize)]
struct JsonChange<'a> {
    field: &'a str,
    #[serde(skip_serializing_if = "empty")]
    old_value: &'a str,
    #[serde(skip_serializing_if = "empty")]
    new_value: &'a str,
}

impl<'a> JsonChange<'a> {
    fn new(change: &'a Change) -> Self {
        Self { field: &change.field, old_value: &change.old_value, new_value: &change.new_value }
    }
}

#[derive(Serialize)]
struct JsonPersonal<'a> {
    #[serde(skip_serializing_if = "empty")]
    actor_national_id: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    subject_national_ids: &'a [String],
}

impl<'a> JsonPersonal<'a> {
    fn new(personal: &'a Personal) -> Self {
        Self {
            actor_national_id: &personal.actor_national_id,
            subject_national_ids: &personal.subject_national_ids,
        }
    }
}
