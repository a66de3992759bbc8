//! From what a client sent to what vidne keeps: strict on ids, types, label keys, times and sizes; free text
//! is cut with a mark, never a reason to lose an event.

use std::collections::BTreeMap;

use super::{
    catalogue::{Category, EventType},
    event::{Actor, ActorType, Change, Detail, Event, Outcome, Personal, Severity, Source, Target},
    event::{TargetRole, TargetType},
    id::{EventId, NAME_SHAPE, TenantId},
    input::{ActorInput, EventInput, TargetInput},
    limits::{
        ADDRESS_CHARS, CUSTOM_TYPE_BYTES, DETAILS_DEPTH, HOST_BYTES, INDEXED_BYTES, Limits,
        NATIONAL_ID_BYTES, SUBJECTS,
    },
    text::cut,
    time::Timestamp,
    violation::Violations,
};

/// What an event takes from the call that brought it.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// When the call was received.
    pub received: Timestamp,
    /// The credential.
    pub recorded_by: String,
    /// The W3C traceparent of the call's metadata; empty if there is none.
    pub trace: String,
}

/// Checks `input` and fills in what it leaves open. `path` is the input's own path in the request, such as
/// `event` or `events[3]`; all violations are reported at once.
pub fn validate(
    input: EventInput,
    path: &str,
    limits: &Limits,
    call: &CallContext,
) -> Result<Event, Violations> {
    let mut check = Check { path, limits, wrong: Violations::new(), cut: Vec::new() };
    let event_type = check.event_type(input.event_type);
    let custom_type = check.custom_type(event_type, input.custom_type);
    let trace = if input.trace.is_empty() { call.trace.clone() } else { check.trace(input.trace) };
    let personal = check.personal(input.personal);
    let mut event = Event {
        id: check.event_id(&input.event_id),
        tenant: tenant_or_default(&input.tenant_id).unwrap_or_else(|| {
            check.wrong("tenant_id", format!("not a tenant id; give {NAME_SHAPE}"));
            TenantId::default_tenant()
        }),
        event_type: event_type.unwrap_or(EventType::CUSTOM),
        custom_type,
        severity: check.named("severity", Severity::from_number(input.severity)),
        occurred: check.occurred(input.occurred, call.received),
        outcome: check.named("outcome", Outcome::from_number(input.outcome)),
        outcome_reason: check.text("outcome_reason", input.outcome_reason, limits.reason_bytes),
        actor: check.actor(input.actor),
        source: check.source(input.source),
        targets: check.targets(input.targets),
        description: check.text("description", input.description, limits.description_bytes),
        details: check.details(input.details),
        labels: check.labels(input.labels),
        changes: check.changes(input.changes),
        trace,
        recorded_by: call.recorded_by.clone(),
        truncated_fields: Vec::new(),
        personal: (!personal.is_empty()).then_some(personal),
        personal_commitment: None,
    };
    event.truncated_fields = check.cut;
    check.wrong.into_result(event)
}

/// The tenant that a request names; `default` if it names none, `None` if it is no tenant id.
pub fn tenant_or_default(text: &str) -> Option<TenantId> {
    if text.is_empty() { Some(TenantId::default_tenant()) } else { TenantId::parse(text) }
}

struct Check<'a> {
    path: &'a str,
    limits: &'a Limits,
    wrong: Violations,
    cut: Vec<String>,
}

impl Check<'_> {
    fn wrong(&mut self, field: &str, description: impl Into<String>) {
        self.wrong.add(format!("{}.{field}", self.path), description);
    }

    fn text(&mut self, field: &str, mut text: String, limit: usize) -> String {
        if cut(&mut text, limit) {
            self.cut.push(field.to_owned());
        }
        text
    }

    /// An id: kept exactly or refused, since a cut id would be another one.
    fn id(&mut self, field: &str, id: String) -> String {
        if id.len() > INDEXED_BYTES {
            self.wrong(field, format!("{} bytes; an id has at most {INDEXED_BYTES}", id.len()));
        } else if id.contains(char::is_control) {
            self.wrong(field, "contains a control character; an id is printable text");
        }
        id
    }

    fn named<T: Default>(&mut self, field: &str, value: Option<T>) -> T {
        value.unwrap_or_else(|| {
            self.wrong(field, "not a value of this enumeration");
            T::default()
        })
    }

    fn event_id(&mut self, text: &str) -> EventId {
        if text.is_empty() {
            return EventId::now_v7();
        }
        EventId::parse(text).unwrap_or_else(|| {
            self.wrong(
                "event_id",
                "not a UUID; give one such as 01890a5d-ac96-774b-bcce-b302099a8057, or none",
            );
            EventId::from_bytes([0; 16])
        })
    }

    fn event_type(&mut self, number: i32) -> Option<EventType> {
        if number == 0 {
            self.wrong("type", "missing; every event has a type (ListEventTypes lists them)");
            return None;
        }
        let Some(event_type) = EventType::from_number(number) else {
            self.wrong("type", format!("{number} is not a known type (ListEventTypes lists them)"));
            return None;
        };
        if event_type.category() == Category::Service {
            self.wrong("type", "SERVICE types are recorded by vidne itself; use CUSTOM with a custom_type");
        }
        Some(event_type)
    }

    fn custom_type(&mut self, event_type: Option<EventType>, name: String) -> String {
        match event_type {
            Some(EventType::CUSTOM) if !is_custom_type(&name) => self.wrong(
                "custom_type",
                "a CUSTOM event needs a dotted lower-case name of at most 128 bytes, such as invoice.approved",
            ),
            Some(EventType::CUSTOM) | None => {}
            Some(_) if !name.is_empty() => {
                self.wrong("custom_type", "only for type CUSTOM; leave it empty or change the type");
            }
            Some(_) => {}
        }
        name
    }

    fn occurred(&mut self, parts: Option<(i64, i32)>, received: Timestamp) -> Timestamp {
        let Some((seconds, nanos)) = parts else { return received };
        Timestamp::from_parts(seconds, nanos).unwrap_or_else(|| {
            self.wrong("occurred_time", "out of range; give a time of the years 1970 to 9999");
            received
        })
    }

    fn actor(&mut self, actor: ActorInput) -> Actor {
        Actor {
            actor_type: self.named("actor.type", ActorType::from_number(actor.actor_type)),
            user_id: self.id("actor.user_id", actor.user_id),
            name: self.text("actor.name", actor.name, INDEXED_BYTES),
            email: self.text("actor.email", actor.email, INDEXED_BYTES),
            initials: self.text("actor.initials", actor.initials, INDEXED_BYTES),
            organization_id: self.id("actor.organization_id", actor.organization_id),
            tenant_id: self.id("actor.tenant_id", actor.tenant_id),
        }
    }

    fn source(&mut self, source: Source) -> Source {
        let mut ip_address = source.ip_address;
        if let Some((end, _)) = ip_address.char_indices().nth(ADDRESS_CHARS) {
            ip_address.truncate(end);
            self.cut.push("source.ip_address".to_owned());
        }
        Source {
            ip_address,
            host: self.text("source.host", source.host, HOST_BYTES),
            user_agent: self.text("source.user_agent", source.user_agent, self.limits.reason_bytes),
        }
    }

    fn targets(&mut self, targets: Vec<TargetInput>) -> Vec<Target> {
        if targets.len() > self.limits.targets {
            self.wrong("targets", format!("{} targets; at most {}", targets.len(), self.limits.targets));
            return Vec::new();
        }
        targets.into_iter().enumerate().map(|(i, target)| self.target(i, target)).collect()
    }

    fn target(&mut self, i: usize, target: TargetInput) -> Target {
        let field = |name: &str| format!("targets[{i}].{name}");
        Target {
            role: self.named(&field("role"), TargetRole::from_number(target.role)),
            target_type: self.named(&field("type"), TargetType::from_number(target.target_type)),
            id: self.id(&field("id"), target.id),
            name: self.text(&field("name"), target.name, INDEXED_BYTES),
            tenant_id: self.id(&field("tenant_id"), target.tenant_id),
        }
    }

    fn details(&mut self, details: BTreeMap<String, Detail>) -> BTreeMap<String, Detail> {
        self.members("details", details, 1)
    }

    fn members(
        &mut self,
        path: &str,
        members: BTreeMap<String, Detail>,
        depth: usize,
    ) -> BTreeMap<String, Detail> {
        let checked = |(name, value): (String, Detail)| {
            let value = self.detail(&format!("{path}.{name}"), value, depth);
            (name, value)
        };
        members.into_iter().map(checked).collect()
    }

    fn detail(&mut self, path: &str, value: Detail, depth: usize) -> Detail {
        if depth > DETAILS_DEPTH {
            self.wrong("details", format!("nested deeper than {DETAILS_DEPTH} levels"));
            return Detail::Null;
        }
        match value {
            Detail::Number(number) if !number.is_finite() => {
                self.wrong("details", "contains a number that is not finite; write it as text");
                Detail::Null
            }
            Detail::Text(text) => Detail::Text(self.text(path, text, self.limits.value_bytes)),
            Detail::List(items) => Detail::List(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(i, item)| self.detail(&format!("{path}[{i}]"), item, depth + 1))
                    .collect(),
            ),
            Detail::Map(members) => Detail::Map(self.members(path, members, depth + 1)),
            plain => plain,
        }
    }

    fn labels(&mut self, labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
        if labels.len() > self.limits.labels {
            self.wrong("labels", format!("{} labels; at most {}", labels.len(), self.limits.labels));
            return BTreeMap::new();
        }
        let mut checked = BTreeMap::new();
        for (key, value) in labels {
            if is_label_key(&key) {
                let value = self.text(&format!("labels.{key}"), value, INDEXED_BYTES);
                checked.insert(key, value);
            } else {
                self.wrong("labels", "a key is 1 to 63 of a-z, 0-9, _, . and -, beginning with a letter");
            }
        }
        checked
    }

    fn changes(&mut self, changes: Vec<Change>) -> Vec<Change> {
        if changes.len() > self.limits.changes {
            self.wrong("changes", format!("{} changes; at most {}", changes.len(), self.limits.changes));
            return Vec::new();
        }
        let limit = self.limits.value_bytes;
        let mut checked = |(i, change): (usize, Change)| Change {
            field: self.text(&format!("changes[{i}].field"), change.field, INDEXED_BYTES),
            old_value: self.text(&format!("changes[{i}].old_value"), change.old_value, limit),
            new_value: self.text(&format!("changes[{i}].new_value"), change.new_value, limit),
        };
        changes.into_iter().enumerate().map(&mut checked).collect()
    }

    fn trace(&mut self, trace: String) -> String {
        if !is_traceparent(&trace) {
            self.wrong("trace", "not a W3C traceparent; give 00-<32 hex>-<16 hex>-<2 hex>, or none");
        }
        trace
    }

    fn personal(&mut self, personal: Personal) -> Personal {
        if personal.subject_national_ids.len() > SUBJECTS {
            self.wrong("personal.subject_national_ids", format!("more than {SUBJECTS} ids"));
        }
        let too_long = |id: &String| id.len() > NATIONAL_ID_BYTES;
        if too_long(&personal.actor_national_id) {
            self.wrong("personal.actor_national_id", format!("longer than {NATIONAL_ID_BYTES} bytes"));
        }
        for (i, _) in personal.subject_national_ids.iter().enumerate().filter(|(_, id)| too_long(id)) {
            let field = format!("personal.subject_national_ids[{i}]");
            self.wrong(&field, format!("longer than {NATIONAL_ID_BYTES} bytes"));
        }
        personal
    }
}

fn is_custom_type(name: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
    };
    name.len() <= CUSTOM_TYPE_BYTES && name.split('.').all(part)
}

fn is_label_key(key: &str) -> bool {
    key.len() <= 63
        && key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'))
}

/// W3C Trace Context, section 3.2: version 00, neither id all zero, lower-case hex.
pub fn is_traceparent(text: &str) -> bool {
    let hex = |part: &str, len: usize| {
        part.len() == len && part.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
    };
    let zero = |part: &str| part.bytes().all(|b| b == b'0');
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts.as_slice(), [version, trace, span, flags]
        if *version == "00" && hex(trace, 32) && hex(span, 16) && hex(flags, 2) && !zero(trace) && !zero(span))
}
