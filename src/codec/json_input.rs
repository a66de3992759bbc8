//! The JSON form of an event as input: one object per line. Output fields are allowed and ignored, so that what
//! vidne wrote can be read again.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::detail;
use crate::domain::{
    catalogue::EventType,
    event::{ActorType, Change, Outcome, Personal, Severity, Source, TargetRole, TargetType},
    input::{ActorInput, EventInput, TargetInput},
    time::Timestamp,
    violation::Violations,
};

/// Reads one line; all unknown names at once.
pub fn parse_input(line: &str) -> Result<EventInput, Violations> {
    let event: JsonEvent =
        serde_json::from_str(line).map_err(|error| Violations::one("event", error.to_string()))?;
    event.into_input()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonEvent {
    #[serde(default)]
    event_id: String,
    #[serde(default)]
    tenant_id: String,
    #[serde(rename = "type")]
    event_type: String,
    #[serde(default)]
    custom_type: String,
    #[serde(default)]
    severity: String,
    occurred_time: Option<String>,
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    outcome_reason: String,
    #[serde(default)]
    actor: JsonActor,
    #[serde(default)]
    source: JsonSource,
    #[serde(default)]
    targets: Vec<JsonTarget>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    details: serde_json::Map<String, Json>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    changes: Vec<JsonChange>,
    #[serde(default)]
    trace: String,
    #[serde(default)]
    personal: JsonPersonal,
    #[serde(rename = "sequence")]
    _sequence: Option<Json>,
    #[serde(rename = "recorded_time")]
    _recorded_time: Option<Json>,
    #[serde(rename = "type_code")]
    _type_code: Option<Json>,
    #[serde(rename = "type_name")]
    _type_name: Option<Json>,
    #[serde(rename = "recorded_by")]
    _recorded_by: Option<Json>,
    #[serde(rename = "truncated_fields")]
    _truncated_fields: Option<Json>,
    #[serde(rename = "personal_commitment")]
    _personal_commitment: Option<Json>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct JsonActor {
    #[serde(rename = "type")]
    actor_type: String,
    user_id: String,
    name: String,
    email: String,
    initials: String,
    organization_id: String,
    tenant_id: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct JsonSource {
    ip_address: String,
    host: String,
    user_agent: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct JsonTarget {
    role: String,
    #[serde(rename = "type")]
    target_type: String,
    id: String,
    name: String,
    tenant_id: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct JsonChange {
    field: String,
    old_value: String,
    new_value: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct JsonPersonal {
    actor_national_id: String,
    subject_national_ids: Vec<String>,
}

impl JsonEvent {
    fn into_input(self) -> Result<EventInput, Violations> {
        let mut wrong = Violations::new();
        let mut name = |field: &str, text: &str, number: Option<i32>| {
            if text.is_empty() {
                return 0;
            }
            number.unwrap_or_else(|| {
                wrong.add(field, "not a name of this enumeration");
                0
            })
        };
        let actor_type = ActorType::from_name(&self.actor.actor_type).map(ActorType::number);
        let targets = |(i, target): (usize, JsonTarget)| TargetInput {
            role: name(
                &format!("targets[{i}].role"),
                &target.role,
                TargetRole::from_name(&target.role).map(TargetRole::number),
            ),
            target_type: name(
                &format!("targets[{i}].type"),
                &target.target_type,
                TargetType::from_name(&target.target_type).map(TargetType::number),
            ),
            id: target.id,
            name: target.name,
            tenant_id: target.tenant_id,
        };
        let targets = self.targets.into_iter().enumerate().map(targets).collect();
        let event_type = EventType::from_name(&self.event_type).map(|t| t.info().number);
        let mut input = EventInput {
            event_id: self.event_id,
            tenant_id: self.tenant_id,
            event_type: name("type", &self.event_type, event_type),
            custom_type: self.custom_type,
            severity: name(
                "severity",
                &self.severity,
                Severity::from_name(&self.severity).map(Severity::number),
            ),
            occurred: None,
            outcome: name("outcome", &self.outcome, Outcome::from_name(&self.outcome).map(Outcome::number)),
            outcome_reason: self.outcome_reason,
            actor: ActorInput {
                actor_type: name("actor.type", &self.actor.actor_type, actor_type),
                user_id: self.actor.user_id,
                name: self.actor.name,
                email: self.actor.email,
                initials: self.actor.initials,
                organization_id: self.actor.organization_id,
                tenant_id: self.actor.tenant_id,
            },
            source: Source {
                ip_address: self.source.ip_address,
                host: self.source.host,
                user_agent: self.source.user_agent,
            },
            targets,
            description: self.description,
            details: self.details.into_iter().map(|(k, v)| (k, detail::from_json(v))).collect(),
            labels: self.labels,
            changes: self.changes.into_iter().map(JsonChange::into_change).collect(),
            trace: self.trace,
            personal: Personal {
                actor_national_id: self.personal.actor_national_id,
                subject_national_ids: self.personal.subject_national_ids,
            },
        };
        if let Some(text) = self.occurred_time {
            match Timestamp::parse(&text) {
                Some(time) => input.occurred = Some((time.seconds(), time.subsec_nanos())),
                None => wrong.add(
                    "occurred_time",
                    "not an RFC 3339 time of 1970 or later, such as 2026-11-22T09:30:00.5Z",
                ),
            }
        }
        wrong.into_result(input)
    }
}

impl JsonChange {
    fn into_change(self) -> Change {
        Change { field: self.field, old_value: self.old_value, new_value: self.new_value }
    }
}
