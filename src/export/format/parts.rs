//! What an event holds as maps and lists, as JSON.

use std::collections::BTreeMap;

use crate::{
    codec::{
        detail,
        json_write::{Object, object, push_escaped},
    },
    domain::event::{Change, Detail, Target},
};

/// One target.
pub(super) fn push_target(target: &Target, out: &mut Vec<u8>) {
    object(out, |o| {
        o.text("role", target.role.name());
        o.text("type", target.target_type.name());
        o.text("id", &target.id);
        o.text("name", &target.name);
        o.text("tenant_id", &target.tenant_id);
    });
}

/// One changed field.
pub(super) fn push_change(change: &Change, out: &mut Vec<u8>) {
    object(out, |o| {
        o.text("field", &change.field);
        o.text("old_value", &change.old_value);
        o.text("new_value", &change.new_value);
    });
}

/// `details` as one JSON text; empty if there are none.
pub(super) fn details(details: &BTreeMap<String, Detail>) -> String {
    if details.is_empty() {
        return String::new();
    }
    let mut out = Vec::new();
    detail::write_json(details, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// A list as one JSON text; empty if there is nothing in it.
pub(super) fn list<T>(items: &[T], mut push: impl FnMut(&T, &mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    for (i, item) in items.iter().enumerate() {
        out.push(if i == 0 { b'[' } else { b',' });
        push(item, &mut out);
    }
    if !out.is_empty() {
        out.push(b']');
    }
    String::from_utf8(out).unwrap_or_default()
}

/// Labels as one JSON text; empty if there are none.
pub(super) fn labels(labels: &BTreeMap<String, String>) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let mut out = Vec::new();
    object(&mut out, |o| push_labels(labels, o));
    String::from_utf8(out).unwrap_or_default()
}

/// The members of a label object: keys as they are, which are plain ASCII.
pub(super) fn push_labels(labels: &BTreeMap<String, String>, o: &mut Object<'_>) {
    for (key, value) in labels {
        o.text(key, value);
    }
}

/// `key=value` of each label.
pub(super) fn push_label((key, value): (&String, &String), out: &mut Vec<u8>) {
    out.push(b'"');
    push_escaped(key, out);
    out.push(b'=');
    push_escaped(value, out);
    out.push(b'"');
}
