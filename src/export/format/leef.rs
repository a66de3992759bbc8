//! QRadar's Log Event Extended Format. It has no escapes, so what would end a value becomes a space.

use super::{
    escape::{Escape, FORMAT_VERSION},
    view::{View, either, id, kind, name, outcome},
};
use crate::{
    codec::plain::Plain,
    domain::{
        event::{Severity, TargetType},
        format::{LeefOptions, LeefVersion},
    },
};

static TABS: Escape = Escape::new(" ", &[]);
static CARETS: Escape = Escape::new(" ", &[('^', " ")]);
static DEFENSIVE: Escape = Escape::new(" ", &[('^', " "), ('|', "/"), ('=', ":")]);

/// QRadar's limit of names.
const NAME: usize = 255;
const TEXT: usize = 1_024;
/// Of the description; QRadar reads lines of 32 KiB and more only if told to.
const MESSAGE: usize = 8_192;

/// Milliseconds of 13 digits, which need no `devTimeFormat`.
const PLAIN_MILLIS: std::ops::Range<i64> = 1_000_000_000_000..10_000_000_000_000;

pub(super) fn write(view: &View<'_>, options: LeefOptions, out: &mut Vec<u8>) {
    let event = view.event;
    let (begin, end, delimiter): (&[u8], &[u8], u8) = match options.version {
        LeefVersion::V1 => (b"LEEF:1.0|vidne|vidne|", b"|", b'\t'),
        LeefVersion::V2 => (b"LEEF:2.0|vidne|vidne|", b"|^|", b'^'),
    };
    let escape = match (options.defensive, options.version) {
        (true, _) => &DEFENSIVE,
        (false, LeefVersion::V1) => &TABS,
        (false, LeefVersion::V2) => &CARETS,
    };
    out.extend_from_slice(begin);
    out.extend_from_slice(FORMAT_VERSION.as_bytes());
    out.push(b'|');
    out.extend_from_slice(event.type_name().as_bytes());
    out.extend_from_slice(end);
    let mut line = Attributes { out, escape, delimiter, first: true };
    time(view, &mut line);
    line.number("seq", view.sequence);
    line.number("eventUid", event.id);
    line.number("sev", severity(event.severity));
    line.text("cat", view.mapping.category, NAME);
    line.text("action", view.mapping.action, NAME);
    line.text("outcome", outcome(event), NAME);
    line.text("reason", &event.outcome_reason, TEXT);
    if let Some(code) = event.event_type.info().code {
        line.number("securityEventTypeId", code);
    }
    who(view, &mut line);
    to_what(view, &mut line);
    line.text("tenantId", event.tenant.as_str(), NAME);
    line.number("recordedTime", view.recorded_millis);
    line.text("traceParent", &event.trace, NAME);
    line.text("msg", &event.description, MESSAGE);
    out.push(b'\n');
}

fn time(view: &View<'_>, line: &mut Attributes<'_>) {
    if PLAIN_MILLIS.contains(&view.occurred_millis) {
        return line.number("devTime", view.occurred_millis);
    }
    let time = view.event.occurred.to_string();
    let (millis, _) = time.split_at(time.len().min("2026-11-22T09:30:00.500".len()));
    line.text("devTime", &format!("{millis}+0000"), NAME);
    line.text("devTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSZ", NAME);
}

fn who(view: &View<'_>, line: &mut Attributes<'_>) {
    let (actor, source) = (&view.event.actor, &view.event.source);
    line.text("usrName", &actor.name, NAME);
    line.text("actorId", &actor.user_id, TEXT);
    match view.ip() {
        Some(ip) => line.number("src", ip),
        None => line.text("sourceAddress", &source.ip_address, NAME),
    }
    line.text("identHostName", &source.host, NAME);
    line.text("userAgent", &source.user_agent, TEXT);
    line.text("realm", &actor.tenant_id, TEXT);
    line.text("domain", &actor.organization_id, TEXT);
    line.text("actorEmail", &actor.email, TEXT);
    line.text("actorInitials", &actor.initials, TEXT);
    line.text("actorNationalId", view.national_id, NAME);
}

fn to_what(view: &View<'_>, line: &mut Attributes<'_>) {
    let is_group = view.principal.is_some_and(|t| t.target_type == TargetType::Group);
    let (user, group) = if is_group { (None, view.principal) } else { (view.principal, view.group) };
    line.text("accountName", either(name(user), id(user)), NAME);
    line.text("targetId", id(view.principal), TEXT);
    line.text("targetKind", kind(view.principal), NAME);
    line.text("groupID", either(id(group), name(group)), TEXT);
    line.text("targetTenantId", view.target_tenant, TEXT);
    line.text("policy", either(name(view.permission), id(view.permission)), TEXT);
    line.text("resource", either(name(view.resource), view.resource_id()), TEXT);
    line.text("resourceType", kind(view.resource), NAME);
    line.text("resourceId", view.resource_id(), TEXT);
    line.text("taskId", id(view.task), TEXT);
}

/// Information is 2, the rest around it.
fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Debug => 1,
        Severity::Information => 2,
        Severity::Notice => 3,
        Severity::Warning => 5,
        Severity::Error => 6,
        Severity::Critical => 8,
        Severity::Alert => 9,
        Severity::Emergency => 10,
    }
}

/// Pairs of key and value with the delimiter between; nothing where there is no value.
struct Attributes<'a> {
    out: &'a mut Vec<u8>,
    escape: &'static Escape,
    delimiter: u8,
    first: bool,
}

impl Attributes<'_> {
    fn text(&mut self, key: &str, value: &str, limit: usize) {
        let value = value.trim();
        if !value.is_empty() {
            self.key(key);
            self.escape.push(value, limit, self.out);
        }
    }

    fn number(&mut self, key: &str, value: impl Plain) {
        self.key(key);
        value.push(self.out);
    }

    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.first) {
            self.out.push(self.delimiter);
        }
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'=');
    }
}
