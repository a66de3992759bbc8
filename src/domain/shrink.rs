//! Making an event fit its size limit by cutting its free texts evenly, as a last resort before refusing it.

use super::{
    event::{Detail, Event},
    text::cut,
};

/// Cuts every free text that is longer than `cap` bytes and marks it. Ids and label keys stay whole.
pub fn cut_free_texts(event: &mut Event, cap: usize) {
    let mut marks = std::mem::take(&mut event.truncated_fields);
    let mut apply = |path: String, text: &mut String| {
        if cut(text, cap) && !marks.contains(&path) {
            marks.push(path);
        }
    };
    apply("outcome_reason".into(), &mut event.outcome_reason);
    apply("description".into(), &mut event.description);
    apply("actor.name".into(), &mut event.actor.name);
    apply("actor.email".into(), &mut event.actor.email);
    apply("actor.initials".into(), &mut event.actor.initials);
    apply("source.host".into(), &mut event.source.host);
    apply("source.user_agent".into(), &mut event.source.user_agent);
    for (i, target) in event.targets.iter_mut().enumerate() {
        apply(format!("targets[{i}].name"), &mut target.name);
    }
    for (key, value) in &mut event.labels {
        apply(format!("labels.{key}"), value);
    }
    for (i, change) in event.changes.iter_mut().enumerate() {
        apply(format!("changes[{i}].field"), &mut change.field);
        apply(format!("changes[{i}].old_value"), &mut change.old_value);
        apply(format!("changes[{i}].new_value"), &mut change.new_value);
    }
    for (name, value) in &mut event.details {
        cut_detail(format!("details.{name}"), value, &mut apply);
    }
    event.truncated_fields = marks;
}

fn cut_detail(path: String, value: &mut Detail, apply: &mut impl FnMut(String, &mut String)) {
    match value {
        Detail::Text(text) => apply(path, text),
        Detail::List(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                cut_detail(format!("{path}[{i}]"), item, apply);
            }
        }
        Detail::Map(members) => {
            for (name, member) in members {
                cut_detail(format!("{path}.{name}"), member, apply);
            }
        }
        Detail::Null | Detail::Bool(_) | Detail::Number(_) => {}
    }
}
