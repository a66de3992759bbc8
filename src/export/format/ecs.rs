//! Elastic Common Schema 9, one JSON object per line. What ECS has no field for is below `vidne`.

use super::{
    escape::FORMAT_VERSION,
    mapping::Types,
    parts,
    view::{View, id, kind, name, outcome, severity},
};
use crate::{
    codec::{
        json_write::{Object, object, push_text},
        plain::Plain,
    },
    domain::{
        catalogue::EventType,
        event::{Severity, Target, TargetType},
        format::EcsOptions,
        time::Timestamp,
    },
};

const ECS_VERSION: &str = "9.4.0";

/// Elasticsearch does not index a keyword that is longer.
const KEYWORD: usize = 1_024;

pub(super) fn write(view: &View<'_>, options: EcsOptions, out: &mut Vec<u8>) {
    let event = view.event;
    object(out, |o| {
        o.plain("@timestamp", Millis(event.occurred));
        o.object("event", |o| categorised(view, options, o));
        o.object("ecs", |o| o.text("version", ECS_VERSION));
        o.object("log", |o| {
            o.text("level", severity(event.severity));
            o.object("syslog", |o| o.object("severity", |o| o.number("code", syslog(event.severity))));
        });
        o.text("message", &event.description);
        who(view, o);
        o.object("observer", |o| {
            o.text("vendor", "vidne");
            o.text("product", "vidne");
            o.text("version", FORMAT_VERSION);
        });
        o.object("labels", |o| o.text("tenant_id", event.tenant.as_str()));
        o.list("tags", event.labels.iter(), parts::push_label);
        trace(&event.trace, o);
        o.object("vidne", |o| own(view, o));
    });
    out.push(b'\n');
}

fn categorised(view: &View<'_>, options: EcsOptions, o: &mut Object<'_>) {
    let (event, ecs) = (view.event, &view.mapping.ecs);
    o.plain("id", event.id);
    o.number("sequence", view.sequence);
    o.text("kind", "event");
    o.texts("category", &[ecs.category]);
    match ecs.types {
        Types::Are(types) => o.texts("type", types),
        Types::OfPrincipal => {
            let party = match view.principal.map(|target| target.target_type) {
                Some(TargetType::User) => "user",
                Some(TargetType::Group) => "group",
                _ => "admin",
            };
            o.texts("type", &[party, "change"]);
        }
        Types::Crud(precise) => o.texts("type", &[if options.crud_types { precise } else { "change" }]),
    }
    let custom = event.event_type == EventType::CUSTOM;
    o.text("action", if custom { event.type_name() } else { ecs.action });
    o.text("outcome", outcome(event));
    o.text("code", event.type_name());
    o.plain("created", Millis(view.recorded.recorded));
    o.cut("reason", &event.outcome_reason, KEYWORD);
    o.number("severity", syslog(event.severity));
    o.text("module", "vidne");
    o.text("dataset", "vidne.audit");
    o.text("provider", "vidne");
}

fn who(view: &View<'_>, o: &mut Object<'_>) {
    let (actor, source) = (&view.event.actor, &view.event.source);
    let ip = view.ip();
    let principal = view.principal.filter(|t| t.target_type != TargetType::Group);
    o.object("user", |o| {
        o.text("id", &actor.user_id);
        o.text("name", &actor.name);
        o.text("email", &actor.email);
        o.object("target", |o| {
            o.text("id", id(principal));
            o.text("name", name(principal));
            o.object("group", |o| group(view.group, o));
        });
    });
    o.object("group", |o| group(view.principal.filter(|t| t.target_type == TargetType::Group), o));
    o.object("organization", |o| o.text("id", &actor.organization_id));
    o.object("source", |o| {
        if let Some(ip) = ip {
            o.plain("ip", ip);
        }
        o.text("address", if source.ip_address.is_empty() { &source.host } else { &source.ip_address });
        o.text("domain", &source.host);
    });
    o.object("related", |o| {
        o.list("ip", ip.iter(), |ip, out| {
            out.push(b'"');
            ip.push(out);
            out.push(b'"');
        });
        o.texts("user", &[&actor.user_id, &actor.name, id(principal), name(principal)]);
    });
    o.object("user_agent", |o| o.cut("original", &source.user_agent, KEYWORD));
}

fn group(group: Option<&Target>, o: &mut Object<'_>) {
    o.text("id", id(group));
    o.text("name", name(group));
}

/// The ids of a W3C traceparent: `00-<trace>-<span>-<flags>`.
fn trace(traceparent: &str, o: &mut Object<'_>) {
    let mut ids = traceparent.split('-').skip(1);
    o.object("trace", |o| o.text("id", ids.next().unwrap_or_default()));
    o.object("span", |o| o.text("id", ids.next().unwrap_or_default()));
}

/// Always the same types, whatever an event holds: an index refuses a field that changes its type.
fn own(view: &View<'_>, o: &mut Object<'_>) {
    let (event, actor) = (view.event, &view.event.actor);
    if let Some(code) = event.event_type.info().code {
        o.number("type_code", code);
    }
    o.object("tenant", |o| o.text("id", event.tenant.as_str()));
    o.object("actor", |o| {
        o.text("type", actor.actor_type.name());
        o.text("initials", &actor.initials);
        o.text("national_id", view.national_id);
        o.object("tenant", |o| o.text("id", &actor.tenant_id));
    });
    o.object("target", |o| {
        o.text("kind", kind(view.principal));
        o.object("tenant", |o| o.text("id", view.target_tenant));
    });
    o.object("resource", |o| {
        o.text("type", kind(view.resource));
        o.text("id", view.resource_id());
        o.text("name", name(view.resource));
    });
    o.object("task", |o| o.text("id", id(view.task)));
    o.object("permission", |o| {
        o.text("id", id(view.permission));
        o.text("name", name(view.permission));
    });
    o.list("targets", event.targets.iter(), parts::push_target);
    o.list("changes", event.changes.iter(), parts::push_change);
    o.text("details", &parts::details(&event.details));
    o.list("truncated_fields", event.truncated_fields.iter(), |field, out| push_text(field, out));
    o.text("recorded_by", &event.recorded_by);
}

/// Milliseconds are the finest that Elasticsearch's `date` keeps.
struct Millis(Timestamp);

impl Plain for Millis {
    fn push(&self, out: &mut Vec<u8>) {
        let time = self.0.rfc3339();
        out.extend_from_slice(&time[.."2026-11-22T09:30:00.500".len()]);
        out.push(b'Z');
    }
}

fn syslog(severity: Severity) -> i32 {
    Severity::Emergency.number() - severity.number()
}
