//! Syslog messages (RFC 5424) with structured data, one per line: `<PRI>1 TIME HOST vidne - TYPE SD MSG`.

use super::{
    escape::{Escape, FORMAT_VERSION},
    view::{View, either, id, kind, name, outcome},
};
use crate::{
    codec::plain::Plain,
    domain::{event::Severity, format::Rfc5424Options},
};

/// A backslash in structured data is written twice, so a line end reads back as `\n`.
static PARAM: Escape = Escape::new("\\\\n", &[('"', "\\\""), ('\\', "\\\\"), (']', "\\]")]);
static DEFENSIVE: Escape = Escape::new(" ", &[('"', "'"), ('\\', "/"), (']', ")")]);
static MESSAGE: Escape = Escape::new("\\n", &[]);

/// Facility 13, log audit.
const FACILITY: u8 = 13 * 8;
/// Longest MSGID.
const MSGID: usize = 32;
/// A value has at most this part of a line, so that all of them fit.
const PARTS: usize = 32;

pub(super) fn write(view: &View<'_>, options: &Rfc5424Options, out: &mut Vec<u8>) {
    let start = out.len();
    let event = view.event;
    let most = usize::try_from(options.max_line_bytes).unwrap_or(usize::MAX);
    out.push(b'<');
    (FACILITY + severity(event.severity)).push(out);
    out.extend_from_slice(b">1 ");
    event.occurred.push(out);
    out.push(b' ');
    out.extend_from_slice(either(&options.hostname, "-").as_bytes());
    out.extend_from_slice(b" vidne - ");
    let msgid = event.type_name();
    out.extend_from_slice(if msgid.len() > MSGID { b"custom" } else { msgid.as_bytes() });
    out.extend_from_slice(b" [audit@");
    options.enterprise_number.push(out);
    let escape = if options.defensive { &DEFENSIVE } else { &PARAM };
    let mut data = Element { out, escape, limit: most / PARTS };
    params(view, &mut data);
    out.extend_from_slice(b"][origin software=\"vidne\" swVersion=\"");
    out.extend_from_slice(FORMAT_VERSION.as_bytes());
    out.extend_from_slice(b"\"][timeQuality tzKnown=\"1\"]");
    if !event.description.is_empty() {
        out.push(b' ');
        let left = (start + most).saturating_sub(out.len() + 1);
        MESSAGE.push(&event.description, left, out);
    }
    out.push(b'\n');
}

fn params(view: &View<'_>, data: &mut Element<'_>) {
    let (event, actor, source) = (view.event, &view.event.actor, &view.event.source);
    data.number("seq", view.sequence);
    data.number("id", event.id);
    data.text("type", event.type_name());
    if let Some(code) = event.event_type.info().code {
        data.number("code", code);
    }
    data.text("category", view.mapping.category);
    data.text("action", view.mapping.action);
    data.text("outcome", outcome(event));
    data.text("reason", &event.outcome_reason);
    data.number("recorded", view.recorded.recorded);
    data.text("tenantId", event.tenant.as_str());
    data.text("actorId", &actor.user_id);
    data.text("actorName", &actor.name);
    data.text("actorEmail", &actor.email);
    data.text("actorInitials", &actor.initials);
    data.text("actorOrgId", &actor.organization_id);
    data.text("actorTenantId", &actor.tenant_id);
    data.text("actorNationalId", view.national_id);
    match view.ip() {
        Some(ip) => data.number("actorIp", ip),
        None => data.text("actorAddress", &source.ip_address),
    }
    data.text("actorHost", &source.host);
    data.text("actorAgent", &source.user_agent);
    data.text("targetKind", kind(view.principal));
    data.text("targetId", id(view.principal));
    data.text("targetName", name(view.principal));
    data.text("targetTenantId", view.target_tenant);
    data.text("group", either(name(view.group), id(view.group)));
    data.text("permission", either(name(view.permission), id(view.permission)));
    data.text("resourceType", kind(view.resource));
    data.text("resourceId", view.resource_id());
    data.text("resourceName", name(view.resource));
    data.text("taskId", id(view.task));
    data.text("trace", &event.trace);
}

fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Debug => 7,
        Severity::Information => 6,
        Severity::Notice => 5,
        Severity::Warning => 4,
        Severity::Error => 3,
        Severity::Critical => 2,
        Severity::Alert => 1,
        Severity::Emergency => 0,
    }
}

/// The parameters of an SD-ELEMENT; none where there is no value.
struct Element<'a> {
    out: &'a mut Vec<u8>,
    escape: &'static Escape,
    limit: usize,
}

impl Element<'_> {
    fn text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.name(name);
            self.escape.push(value, self.limit, self.out);
            self.out.push(b'"');
        }
    }

    fn number(&mut self, name: &str, value: impl Plain) {
        self.name(name);
        value.push(self.out);
        self.out.push(b'"');
    }

    fn name(&mut self, name: &str) {
        self.out.push(b' ');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"=\"");
    }
}
