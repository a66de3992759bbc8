//! The one JSON form of an event, for `--json`, JSON Lines export and people.
//!
//! snake_case names as in the contract, `sequence` first and a number, RFC 3339 UTC times with
//! microseconds, enumerations by catalogue name, bytes in hex, no empty fields. `actor` is always there, with
//! its `type` at least.

use std::collections::BTreeMap;

pub use super::json_input::parse_input;
use super::{
    detail,
    json_write::{Object, object, push_text},
    plain::{Hex, Plain as _},
};
use crate::domain::event::{Actor, Detail, Event, RecordedEvent, Source};

/// Appends the event as one JSON object and a line feed. National ids only if `show_personal`.
pub fn write_line(recorded: &RecordedEvent, show_personal: bool, out: &mut Vec<u8>) {
    let event: &Event = &recorded.event;
    let info = event.event_type.info();
    object(out, |o| {
        o.number("sequence", recorded.sequence);
        o.plain("event_id", event.id);
        o.raw("tenant_id", |out| push_text(event.tenant.as_str(), out));
        o.plain("recorded_time", recorded.recorded);
        o.plain("occurred_time", event.occurred);
        o.text("type", info.name);
        if let Some(code) = info.code {
            o.number("type_code", code);
        }
        o.raw("type_name", |out| push_text(event.type_name(), out));
        o.text("custom_type", &event.custom_type);
        o.text("severity", event.severity.name());
        o.text("outcome", event.outcome.name());
        o.text("outcome_reason", &event.outcome_reason);
        o.object("actor", |o| actor(&event.actor, o));
        o.object("source", |o| source(&event.source, o));
        o.list("targets", event.targets.iter(), |target, out| {
            object(out, |o| {
                o.text("role", target.role.name());
                o.text("type", target.target_type.name());
                o.text("id", &target.id);
                o.text("name", &target.name);
                o.text("tenant_id", &target.tenant_id);
            });
        });
        o.text("description", &event.description);
        if !event.details.is_empty() {
            o.raw("details", |out| details(&event.details, out));
        }
        if !event.labels.is_empty() {
            o.raw("labels", |out| labels(&event.labels, out));
        }
        o.list("changes", event.changes.iter(), |change, out| {
            object(out, |o| {
                o.raw("field", |out| push_text(&change.field, out));
                o.text("old_value", &change.old_value);
                o.text("new_value", &change.new_value);
            });
        });
        o.text("trace", &event.trace);
        o.text("recorded_by", &event.recorded_by);
        o.list("truncated_fields", event.truncated_fields.iter(), |field, out| push_text(field, out));
        if let Some(hash) = &event.personal_commitment {
            o.plain("personal_commitment", Hex(hash));
        }
        if let Some(personal) = event.personal.as_ref().filter(|_| show_personal) {
            let push = |out: &mut Vec<u8>| {
                object(out, |o| {
                    o.text("actor_national_id", &personal.actor_national_id);
                    let subjects = personal.subject_national_ids.iter();
                    o.list("subject_national_ids", subjects, |id, out| push_text(id, out));
                });
            };
            o.raw("personal", push);
        }
    });
    out.push(b'\n');
}

fn actor(actor: &Actor, o: &mut Object<'_>) {
    o.text("type", actor.actor_type.name());
    o.text("user_id", &actor.user_id);
    o.text("name", &actor.name);
    o.text("email", &actor.email);
    o.text("initials", &actor.initials);
    o.text("organization_id", &actor.organization_id);
    o.text("tenant_id", &actor.tenant_id);
}

fn source(source: &Source, o: &mut Object<'_>) {
    o.text("ip_address", &source.ip_address);
    o.text("host", &source.host);
    o.text("user_agent", &source.user_agent);
}

/// Empty values too.
fn labels(labels: &BTreeMap<String, String>, out: &mut Vec<u8>) {
    for (i, (key, value)) in labels.iter().enumerate() {
        out.push(if i == 0 { b'{' } else { b',' });
        push_text(key, out);
        out.push(b':');
        push_text(value, out);
    }
    out.push(b'}');
}

fn details(details: &BTreeMap<String, Detail>, out: &mut Vec<u8>) {
    let start = out.len();
    detail::write_json(details, out);
    if needs_escape(&out[start..]) {
        escape_beyond_ascii(out, start);
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len() * 2);
    Hex(bytes).push(&mut out);
    String::from_utf8(out).unwrap_or_default()
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
