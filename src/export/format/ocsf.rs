//! Open Cybersecurity Schema Framework, one JSON object per line. The schema allows no attributes of our own,
//! so what it has no place for is in `unmapped`.

use super::{
    escape::FORMAT_VERSION,
    mapping::{Class, Entity, Ocsf},
    parts,
    view::{View, either, id, kind, name},
};
use crate::{
    codec::json_write::{Object, object, push_text},
    domain::{
        event::{ActorType, Outcome, Severity, Target, TargetRole, TargetType},
        format::OcsfOptions,
    },
};

/// Stands where the schema wants a name and the event has none.
const UNKNOWN: &str = "unknown";

pub(super) fn write(view: &View<'_>, options: OcsfOptions, out: &mut Vec<u8>) {
    let event = view.event;
    let Ocsf { class, activity, activity_name } = view.mapping.ocsf;
    let to_group = class == Class::Privileges && is_group(view.principal);
    let (class_uid, class_name): (u32, &str) = match class {
        Class::AccountChange => (3001, "Account Change"),
        Class::Privileges if !to_group => (3005, "User Access Management"),
        Class::Privileges | Class::GroupManagement => (3006, "Group Management"),
        Class::EntityManagement(_) => (3004, "Entity Management"),
        Class::WebResources => (6001, "Web Resources Activity"),
    };
    let category = if class == Class::WebResources {
        (6, "Application Activity")
    } else {
        (3, "Identity & Access Management")
    };
    object(out, |o| {
        o.object("metadata", |o| metadata(view, options, o));
        o.number("time", view.occurred_millis);
        o.number("class_uid", class_uid);
        o.text("class_name", class_name);
        o.number("category_uid", category.0);
        o.text("category_name", category.1);
        o.number("activity_id", activity);
        o.text("activity_name", either(activity_name, event.type_name()));
        o.number("type_uid", class_uid * 100 + u32::from(activity));
        let (severity_id, severity) = severity(event.severity);
        o.number("severity_id", severity_id);
        o.text("severity", severity);
        let (status_id, status) = match event.outcome {
            Outcome::Success => (1, "Success"),
            Outcome::Failure => (2, "Failure"),
            Outcome::Unknown => (0, "Unknown"),
        };
        o.number("status_id", status_id);
        o.text("status", status);
        o.text("status_detail", &event.outcome_reason);
        o.text("message", &event.description);
        actor(view, o);
        match class {
            Class::AccountChange => o.object("user", |o| user(view.principal, o)),
            Class::Privileges => {
                let party = if to_group { "group" } else { "user" };
                o.object(
                    party,
                    |o| if to_group { group(view.principal, o) } else { user(view.principal, o) },
                );
                let permission = either(name(view.permission), id(view.permission));
                o.texts("privileges", &[either(either(permission, &event.description), UNKNOWN)]);
            }
            Class::GroupManagement => {
                let principal_is_group = is_group(view.principal);
                let managed = view.group.or(view.principal.filter(|_| principal_is_group));
                o.object("group", |o| group(managed, o));
                if view.principal.is_some() && !principal_is_group {
                    o.object("user", |o| user(view.principal, o));
                }
            }
            Class::EntityManagement(kind) => {
                o.object("entity", |o| entity(view, kind, o));
                o.text("comment", &event.description);
            }
            Class::WebResources => web_resources(view, o),
        }
        o.object("unmapped", |o| unmapped(view, o));
    });
    out.push(b'\n');
}

fn metadata(view: &View<'_>, options: OcsfOptions, o: &mut Object<'_>) {
    let event = view.event;
    o.plain("uid", event.id);
    o.number("sequence", view.sequence);
    o.text("event_code", event.type_name());
    o.text("version", options.version.name());
    o.object("product", |o| {
        o.text("name", "vidne");
        o.text("vendor_name", "vidne");
        o.text("version", FORMAT_VERSION);
    });
    // The class has no actor of its own.
    if view.mapping.ocsf.class == Class::WebResources {
        o.texts("profiles", &["host"]);
    }
    o.text("log_name", event.tenant.as_str());
    o.text("tenant_uid", either(&event.actor.tenant_id, event.tenant.as_str()));
    o.number("logged_time", view.recorded_millis);
}

fn actor(view: &View<'_>, o: &mut Object<'_>) {
    let (actor, source) = (&view.event.actor, &view.event.source);
    o.object("actor", |o| {
        o.object("user", |o| {
            o.text("uid", &actor.user_id);
            o.text("name", either(&actor.name, either(&actor.user_id, UNKNOWN)));
            o.text("full_name", &actor.name);
            o.text("uid_alt", &actor.initials);
            let (type_id, name) = match actor.actor_type {
                ActorType::User => (1, "User"),
                ActorType::System => (3, "System"),
                // Other, for 4 is of newer schemas only.
                ActorType::Service => (99, "Service"),
            };
            o.number("type_id", type_id);
            o.text("type", name);
            if is_email(&actor.email) {
                o.text("email_addr", &actor.email);
            }
            o.object("org", |o| o.text("uid", &actor.organization_id));
            o.object("account", |o| o.text("uid", &actor.tenant_id));
        });
    });
    o.object("src_endpoint", |o| {
        match view.ip() {
            Some(ip) => o.plain("ip", ip),
            None => o.text("name", &source.ip_address),
        }
        o.text("hostname", &source.host);
    });
}

fn is_group(target: Option<&Target>) -> bool {
    target.is_some_and(|target| target.target_type == TargetType::Group)
}

fn user(target: Option<&Target>, o: &mut Object<'_>) {
    o.text("uid", id(target));
    o.text("name", either(name(target), either(id(target), UNKNOWN)));
}

fn group(target: Option<&Target>, o: &mut Object<'_>) {
    o.text("uid", id(target));
    o.text("name", either(name(target), either(id(target), UNKNOWN)));
}

fn entity(view: &View<'_>, kind: Entity, o: &mut Object<'_>) {
    let name = either(name(view.resource), either(view.resource_id(), kind.name));
    o.text("uid", view.resource_id());
    o.text("name", name);
    o.number("type_id", kind.type_id);
    o.text("type", kind.name);
    if kind.name == "Policy" {
        o.object("policy", |o| o.text("name", name));
    }
}

fn web_resources(view: &View<'_>, o: &mut Object<'_>) {
    let taken = |t: &&Target| {
        t.role == TargetRole::Object && !view.principal.is_some_and(|principal| std::ptr::eq(principal, *t))
    };
    let mut resources = view.event.targets.iter().filter(taken).map(Some).peekable();
    let none = resources.peek().is_none().then_some(None);
    o.list("web_resources", none.into_iter().chain(resources), |target, out| {
        object(out, |o| {
            o.text("uid", id(target));
            o.text("name", either(name(target), either(id(target), UNKNOWN)));
            o.text("type", kind(target));
        });
    });
}

fn unmapped(view: &View<'_>, o: &mut Object<'_>) {
    let event = view.event;
    if let Some(code) = event.event_type.info().code {
        o.number("security_event_type_id", code);
    }
    if !is_email(&event.actor.email) {
        o.text("actor_email", &event.actor.email);
    }
    o.text("actor_national_id", view.national_id);
    o.text("target_tenant_id", view.target_tenant);
    o.text("user_agent", &event.source.user_agent);
    o.list("targets", event.targets.iter(), parts::push_target);
    o.text("details", &parts::details(&event.details));
    o.object("labels", |o| parts::push_labels(&event.labels, o));
    o.list("changes", event.changes.iter(), parts::push_change);
    o.list("truncated_fields", event.truncated_fields.iter(), |field, out| push_text(field, out));
    o.text("trace", &event.trace);
    o.text("recorded_by", &event.recorded_by);
}

fn severity(severity: Severity) -> (u8, &'static str) {
    match severity {
        Severity::Debug | Severity::Information => (1, "Informational"),
        Severity::Notice => (2, "Low"),
        Severity::Warning => (3, "Medium"),
        Severity::Error => (4, "High"),
        Severity::Critical | Severity::Alert => (5, "Critical"),
        Severity::Emergency => (6, "Fatal"),
    }
}

/// What the schema takes for an e-mail address.
fn is_email(text: &str) -> bool {
    let local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+,-./=?^_`{|}~".contains(c);
    let domain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.split_once('@').is_some_and(|(user, host)| {
        let (first, rest) = host.split_once('.').unwrap_or_default();
        !user.is_empty()
            && user.chars().all(local)
            && !first.is_empty()
            && first.chars().all(domain)
            && !rest.is_empty()
            && rest.chars().all(|c| domain(c) || c == '.')
    })
}
