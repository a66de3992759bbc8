//! What vidne's own events say about subscriptions. Never a value of a filter: it may be a national id.

use crate::{
    domain::event::{Change, Target, TargetRole, TargetType},
    service::witness::Testimony,
};

pub(super) fn created(name: &str, show_personal: bool, caller: &str) -> Testimony {
    // Who gets national ids is worth knowing.
    let change = Change {
        field: "show_personal".to_owned(),
        new_value: show_personal.to_string(),
        ..Change::default()
    };
    Testimony { changes: vec![change], ..about(name, format!("Subscription {name} created"), caller) }
}

pub(super) fn deleted(name: &str, caller: &str) -> Testimony {
    about(name, format!("Subscription {name} deleted"), caller)
}

fn about(name: &str, description: String, caller: &str) -> Testimony {
    let target = Target {
        role: TargetRole::Object,
        target_type: TargetType::Subscription,
        id: name.to_owned(),
        ..Target::default()
    };
    Testimony { targets: vec![target], description, recorded_by: caller.to_owned(), ..Testimony::default() }
}
