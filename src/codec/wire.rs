//! Events <-> `vidne.v1.Event` as vidne keeps and returns them.

use bytes::Bytes;
use prost::Message;

use super::{detail, error::DecodeError, proto::v1, stored};
use crate::domain::{
    catalogue::EventType,
    event::{
        Actor, ActorType, Change, Event, Outcome, Personal, RecordedEvent, Severity, Source, Target,
        TargetRole, TargetType,
    },
    id::{EventId, TenantId},
    time::Timestamp,
};

/// A time on the wire.
pub fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.seconds(), nanos: time.subsec_nanos() }
}

/// A length of time on the wire.
pub fn duration(duration: std::time::Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: duration.subsec_nanos().cast_signed(),
    }
}

/// The canonical content of an event: everything but sequence, recorded time and personal data.
pub fn encode_content(event: &Event) -> Vec<u8> {
    content(event).encode_to_vec()
}

/// The event as a message without sequence, recorded time and personal data.
pub fn content(event: &Event) -> v1::Event {
    let info = event.event_type.info();
    v1::Event {
        event_id: event.id.to_string(),
        tenant_id: event.tenant.to_string(),
        r#type: info.number,
        custom_type: event.custom_type.clone(),
        type_code: info.code.map(i32::from),
        type_name: event.type_name().to_owned(),
        severity: event.severity.number(),
        occurred_time: Some(timestamp(event.occurred)),
        outcome: event.outcome.number(),
        outcome_reason: event.outcome_reason.clone(),
        actor: Some(actor(&event.actor)),
        source: source(&event.source),
        targets: event.targets.iter().map(target).collect(),
        description: event.description.clone(),
        details: detail::to_struct(&event.details),
        labels: event.labels.clone(),
        changes: event.changes.iter().map(change).collect(),
        trace: event.trace.clone(),
        recorded_by: event.recorded_by.clone(),
        truncated_fields: event.truncated_fields.clone(),
        personal_commitment: event.personal_commitment.map(Vec::from).unwrap_or_default(),
        sequence: 0,
        recorded_time: None,
        personal: None,
    }
}

/// National ids on the wire.
pub fn personal(personal: &Personal) -> v1::Personal {
    v1::Personal {
        actor_national_id: personal.actor_national_id.clone(),
        subject_national_ids: personal.subject_national_ids.clone(),
    }
}

fn actor(actor: &Actor) -> v1::Actor {
    v1::Actor {
        r#type: actor.actor_type.number(),
        user_id: actor.user_id.clone(),
        name: actor.name.clone(),
        email: actor.email.clone(),
        initials: actor.initials.clone(),
        organization_id: actor.organization_id.clone(),
        tenant_id: actor.tenant_id.clone(),
    }
}

fn source(source: &Source) -> Option<v1::Source> {
    (*source != Source::default()).then(|| v1::Source {
        ip_address: source.ip_address.clone(),
        host: source.host.clone(),
        user_agent: source.user_agent.clone(),
    })
}

fn target(target: &Target) -> v1::Target {
    v1::Target {
        role: target.role.number(),
        r#type: target.target_type.number(),
        id: target.id.clone(),
        name: target.name.clone(),
        tenant_id: target.tenant_id.clone(),
    }
}

/// A changed field on the wire.
pub fn change(change: &Change) -> v1::Change {
    v1::Change {
        field: change.field.clone(),
        old_value: change.old_value.clone(),
        new_value: change.new_value.clone(),
    }
}

/// Reads an event as a store keeps it: its payload, and its personal column if there is one.
pub fn decode_stored(payload: &Bytes, personal: Option<&Bytes>) -> Result<RecordedEvent, DecodeError> {
    decode_recorded(&stored::with_personal(payload, personal))
}

/// Reads an encoded `vidne.v1.Event` as vidne keeps and returns it.
pub fn decode_recorded(bytes: &[u8]) -> Result<RecordedEvent, DecodeError> {
    recorded_from_proto(v1::Event::decode(bytes)?)
}

/// Reads an event that vidne returned.
pub fn recorded_from_proto(event: v1::Event) -> Result<RecordedEvent, DecodeError> {
    let v1::Event {
        event_id,
        tenant_id,
        r#type,
        custom_type,
        type_code: _,
        type_name: _,
        severity,
        occurred_time,
        outcome,
        outcome_reason,
        actor,
        source,
        targets,
        description,
        details,
        labels,
        changes,
        trace,
        recorded_by,
        truncated_fields,
        personal_commitment,
        sequence,
        recorded_time,
        personal,
    } = event;
    let commitment: Option<[u8; 32]> = match personal_commitment.as_slice() {
        [] => None,
        bytes => Some(bytes.try_into().map_err(|_| DecodeError::OutOfRange("personal_commitment"))?),
    };
    let event = Event {
        id: EventId::parse(&event_id).ok_or(DecodeError::OutOfRange("event_id"))?,
        tenant: TenantId::parse(&tenant_id).ok_or(DecodeError::OutOfRange("tenant_id"))?,
        event_type: EventType::from_number(r#type).ok_or(DecodeError::OutOfRange("type"))?,
        custom_type,
        severity: Severity::from_number(severity).ok_or(DecodeError::OutOfRange("severity"))?,
        occurred: time(occurred_time, "occurred_time")?,
        outcome: Outcome::from_number(outcome).ok_or(DecodeError::OutOfRange("outcome"))?,
        outcome_reason,
        actor: actor.map(actor_back).transpose()?.unwrap_or_default(),
        source: source.map(source_back).unwrap_or_default(),
        targets: targets.into_iter().map(target_back).collect::<Result<_, _>>()?,
        description,
        details: details.map(detail::from_struct).unwrap_or_default(),
        labels,
        changes: changes.into_iter().map(change_back).collect(),
        trace,
        recorded_by,
        truncated_fields,
        personal: personal.map(personal_back),
        personal_commitment: commitment,
    };
    Ok(RecordedEvent { sequence, recorded: time(recorded_time, "recorded_time")?, event })
}

fn time(time: Option<prost_types::Timestamp>, field: &'static str) -> Result<Timestamp, DecodeError> {
    let time = time.ok_or(DecodeError::Missing(field))?;
    Timestamp::from_parts(time.seconds, time.nanos).ok_or(DecodeError::OutOfRange(field))
}

fn actor_back(actor: v1::Actor) -> Result<Actor, DecodeError> {
    let v1::Actor { r#type, user_id, name, email, initials, organization_id, tenant_id } = actor;
    let actor_type = ActorType::from_number(r#type).ok_or(DecodeError::OutOfRange("actor.type"))?;
    Ok(Actor { actor_type, user_id, name, email, initials, organization_id, tenant_id })
}

pub(super) fn source_back(source: v1::Source) -> Source {
    let v1::Source { ip_address, host, user_agent } = source;
    Source { ip_address, host, user_agent }
}

fn target_back(target: v1::Target) -> Result<Target, DecodeError> {
    let v1::Target { role, r#type, id, name, tenant_id } = target;
    let role = TargetRole::from_number(role).ok_or(DecodeError::OutOfRange("targets.role"))?;
    let target_type = TargetType::from_number(r#type).ok_or(DecodeError::OutOfRange("targets.type"))?;
    Ok(Target { role, target_type, id, name, tenant_id })
}

pub(super) fn change_back(change: v1::Change) -> Change {
    let v1::Change { field, old_value, new_value } = change;
    Change { field, old_value, new_value }
}

pub(super) fn personal_back(personal: v1::Personal) -> Personal {
    let v1::Personal { actor_national_id, subject_national_ids } = personal;
    Personal { actor_national_id, subject_national_ids }
}
