//! ArcSight's Common Event Format.
//!
//! The header holds constants only, never a character that would need an escape, since parsers differ there.
//! The extension begins with a space, for liblognorm takes the first character of the first key otherwise.

use std::net::IpAddr;

use super::{
    escape::{Escape, FORMAT_VERSION},
    view::{View, either, id, kind, name, outcome},
};
use crate::{
    codec::plain::Plain,
    domain::{
        catalogue::EventType,
        event::Severity,
        format::{CefOptions, CefVersion},
    },
};

static VALUE: Escape = Escape::new("\\n", &[('\\', "\\\\"), ('=', "\\=")]);
static DEFENSIVE: Escape = Escape::new(" ", &[('\\', "/"), ('=', ":"), ('|', "/")]);

const LONG: usize = 1_023;
const CUSTOM_STRING: usize = 4_000;
const SHORT: usize = 63;

pub(super) fn write(view: &View<'_>, options: CefOptions, out: &mut Vec<u8>) {
    let event = view.event;
    out.extend_from_slice(match options.version {
        CefVersion::V0 => b"CEF:0|vidne|vidne|",
        CefVersion::V1 => b"CEF:1|vidne|vidne|",
    });
    out.extend_from_slice(FORMAT_VERSION.as_bytes());
    out.push(b'|');
    out.extend_from_slice(event.type_name().as_bytes());
    out.push(b'|');
    out.extend_from_slice(view.mapping.name.as_bytes());
    out.push(b'|');
    severity(event.severity).push(out);
    out.push(b'|');
    let mut line = Extension { out, escape: if options.defensive { &DEFENSIVE } else { &VALUE } };
    // The first key is one that can be spared.
    line.text("dtz", "UTC", 255);
    line.number("rt", view.occurred_millis);
    line.number("start", view.occurred_millis);
    line.number("externalId", event.id);
    line.number("cn2", view.sequence);
    line.text("cn2Label", "Sequence", LONG);
    if let Some(code) = event.event_type.info().code {
        line.number("cn1", code);
        line.text("cn1Label", "SecurityEventTypeId", LONG);
    }
    line.number("deviceCustomDate1", view.recorded_millis);
    line.text("deviceCustomDate1Label", "RecordedAt", LONG);
    line.text("cat", view.mapping.category, LONG);
    line.text("act", view.mapping.action, SHORT);
    line.text("outcome", outcome(event), SHORT);
    line.text("reason", &event.outcome_reason, LONG);
    who(view, &mut line);
    to_what(view, &mut line);
    if event.event_type == EventType::CUSTOM {
        line.text("vidneCustomType", &event.custom_type, LONG);
    }
    line.text("vidneTenantId", event.tenant.as_str(), LONG);
    line.text("vidneTraceParent", &event.trace, LONG);
    line.text("msg", &event.description, LONG);
    out.push(b'\n');
}

fn who(view: &View<'_>, line: &mut Extension<'_>) {
    let (actor, source) = (&view.event.actor, &view.event.source);
    line.text("suid", &actor.user_id, LONG);
    line.text("suser", &actor.name, LONG);
    match view.ip() {
        Some(IpAddr::V4(ip)) => line.number("src", ip),
        Some(IpAddr::V6(ip)) => {
            line.number("c6a2", ip);
            line.text("c6a2Label", "Source IPv6 Address", LONG);
        }
        None => line.text("vidneSourceAddress", &source.ip_address, LONG),
    }
    line.text("shost", &source.host, LONG);
    line.text("requestClientApplication", &source.user_agent, LONG);
    line.labelled("cs1", &actor.tenant_id, "ActorTenantId");
    line.labelled("cs2", view.target_tenant, "TargetTenantId");
    line.labelled("cs3", &actor.organization_id, "ActorOrganisationId");
    line.labelled("cs4", &actor.email, "ActorEmail");
    line.labelled("cs5", &actor.initials, "ActorInitials");
    line.labelled("cs6", view.national_id, "ActorNationalId");
}

fn to_what(view: &View<'_>, line: &mut Extension<'_>) {
    line.text("duid", id(view.principal), LONG);
    line.text("duser", name(view.principal), LONG);
    line.labelled("flexString1", kind(view.principal), "TargetKind");
    line.labelled("flexString2", either(name(view.group), id(view.group)), "Group");
    line.text("dpriv", either(name(view.permission), id(view.permission)), LONG);
    line.text("fileId", view.resource_id(), LONG);
    line.text("fname", name(view.resource), LONG);
    line.text("fileType", kind(view.resource), LONG);
    line.text("vidneTaskId", id(view.task), LONG);
}

/// Information is 3, the rest around it.
fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Debug => 1,
        Severity::Information => 3,
        Severity::Notice => 4,
        Severity::Warning => 6,
        Severity::Error => 7,
        Severity::Critical => 8,
        Severity::Alert => 9,
        Severity::Emergency => 10,
    }
}

/// Pairs of key and value, each after a space; nothing where there is no value.
struct Extension<'a> {
    out: &'a mut Vec<u8>,
    escape: &'static Escape,
}

impl Extension<'_> {
    fn text(&mut self, key: &str, value: &str, limit: usize) {
        // Spaces around a value are lost to readers, and a control character may become one.
        let value = value.trim_matches(|c: char| c.is_whitespace());
        if !value.is_empty() {
            self.key(key);
            self.escape.push(value, limit, self.out);
        }
    }

    fn labelled(&mut self, key: &str, value: &str, label: &str) {
        let before = self.out.len();
        let limit = if key.starts_with("cs") { CUSTOM_STRING } else { LONG };
        self.text(key, value, limit);
        if self.out.len() > before {
            self.key(key);
            self.out.pop();
            self.out.extend_from_slice(b"Label=");
            self.out.extend_from_slice(label.as_bytes());
        }
    }

    fn number(&mut self, key: &str, value: impl Plain) {
        self.key(key);
        value.push(self.out);
    }

    fn key(&mut self, key: &str) {
        self.out.push(b' ');
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'=');
    }
}
