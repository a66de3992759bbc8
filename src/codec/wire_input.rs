//! Events as clients send them <-> `vidne.v1.Event`.

use super::{
    detail,
    proto::v1,
    wire::{change, change_back, personal, personal_back, source_back},
};
use crate::domain::{
    event::Source,
    input::{ActorInput, EventInput, TargetInput},
};

/// Takes what a client may set; output fields are left out.
pub fn input_from_proto(event: v1::Event) -> EventInput {
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
        recorded_by: _,
        truncated_fields: _,
        personal_commitment: _,
        sequence: _,
        recorded_time: _,
        personal,
    } = event;
    EventInput {
        event_id,
        tenant_id,
        event_type: r#type,
        custom_type,
        severity,
        occurred: occurred_time.map(|time| (time.seconds, time.nanos)),
        outcome,
        outcome_reason,
        actor: actor.map(actor_from).unwrap_or_default(),
        source: source.map(source_back).unwrap_or_default(),
        targets: targets.into_iter().map(target_from).collect(),
        description,
        details: details.map(detail::from_struct).unwrap_or_default(),
        labels,
        changes: changes.into_iter().map(change_back).collect(),
        trace,
        personal: personal.map(personal_back).unwrap_or_default(),
    }
}

/// The message a client sends.
pub fn input_to_proto(input: &EventInput) -> v1::Event {
    v1::Event {
        event_id: input.event_id.clone(),
        tenant_id: input.tenant_id.clone(),
        r#type: input.event_type,
        custom_type: input.custom_type.clone(),
        severity: input.severity,
        occurred_time: input.occurred.map(|(seconds, nanos)| prost_types::Timestamp { seconds, nanos }),
        outcome: input.outcome,
        outcome_reason: input.outcome_reason.clone(),
        actor: (input.actor != ActorInput::default()).then(|| actor_to(&input.actor)),
        source: (input.source != Source::default()).then(|| v1::Source {
            ip_address: input.source.ip_address.clone(),
            host: input.source.host.clone(),
            user_agent: input.source.user_agent.clone(),
        }),
        targets: input.targets.iter().map(target_to).collect(),
        description: input.description.clone(),
        details: detail::to_struct(&input.details),
        labels: input.labels.clone(),
        changes: input.changes.iter().map(change).collect(),
        trace: input.trace.clone(),
        personal: (!input.personal.is_empty()).then(|| personal(&input.personal)),
        ..Default::default()
    }
}

fn actor_from(actor: v1::Actor) -> ActorInput {
    let v1::Actor { r#type, user_id, name, email, initials, organization_id, tenant_id } = actor;
    ActorInput { actor_type: r#type, user_id, name, email, initials, organization_id, tenant_id }
}

fn actor_to(actor: &ActorInput) -> v1::Actor {
    v1::Actor {
        r#type: actor.actor_type,
        user_id: actor.user_id.clone(),
        name: actor.name.clone(),
        email: actor.email.clone(),
        initials: actor.initials.clone(),
        organization_id: actor.organization_id.clone(),
        tenant_id: actor.tenant_id.clone(),
    }
}

fn target_from(target: v1::Target) -> TargetInput {
    let v1::Target { role, r#type, id, name, tenant_id } = target;
    TargetInput { role, target_type: r#type, id, name, tenant_id }
}

fn target_to(target: &TargetInput) -> v1::Target {
    v1::Target {
        role: target.role,
        r#type: target.target_type,
        id: target.id.clone(),
        name: target.name.clone(),
        tenant_id: target.tenant_id.clone(),
    }
}
