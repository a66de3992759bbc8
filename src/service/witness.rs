//! vidne's own events: what it did itself, recorded like everything else.

use std::{collections::BTreeMap, sync::Arc};

use super::{ServiceError, prepare::prepare};
use crate::{
    domain::{
        catalogue::EventType,
        event::{Actor, ActorType, Change, Event, Outcome, Severity, Source, Target, TargetRole, TargetType},
        id::{EventId, TenantId},
        limits::Limits,
        time::Clock,
    },
    store::contract::NewEvent,
    vault::Vault,
};

/// Makes vidne's own events. They are kept whatever the tenant's switches say.
#[derive(Clone)]
pub struct Witness {
    clock: Arc<dyn Clock>,
    vault: Vault,
    limits: Arc<Limits>,
}

/// What an own event tells beside its type.
#[derive(Clone, Debug, Default)]
pub struct Testimony {
    /// To what.
    pub targets: Vec<Target>,
    /// In words, without secrets.
    pub description: String,
    /// Fields that changed.
    pub changes: Vec<Change>,
    /// How it ended.
    pub outcome: Outcome,
    /// Who asked for it; empty: vidne by itself.
    pub recorded_by: String,
}

impl Witness {
    /// The clock and key of the server.
    pub fn new(clock: Arc<dyn Clock>, vault: Vault, limits: Arc<Limits>) -> Self {
        Self { clock, vault, limits }
    }

    /// An event of `event_type` in the log of `tenant`, ready to be appended with the change it tells of.
    pub fn event(
        &self,
        event_type: EventType,
        tenant: &TenantId,
        testimony: Testimony,
    ) -> Result<NewEvent, ServiceError> {
        let event = Event {
            id: EventId::now_v7(),
            tenant: tenant.clone(),
            event_type,
            custom_type: String::new(),
            severity: Severity::default(),
            occurred: self.clock.now(),
            outcome: testimony.outcome,
            outcome_reason: String::new(),
            actor: actor(&testimony.recorded_by),
            source: Source::default(),
            targets: testimony.targets,
            description: testimony.description,
            details: BTreeMap::new(),
            labels: BTreeMap::new(),
            changes: testimony.changes,
            trace: String::new(),
            recorded_by: "vidne".to_owned(),
            truncated_fields: Vec::new(),
            personal: None,
            personal_commitment: None,
        };
        // Nobody sends this event again: its id is its fingerprint's content.
        let id = *event.id.as_bytes();
        prepare(event, &id, None, &self.limits, &self.vault)
    }
}

fn actor(recorded_by: &str) -> Actor {
    match recorded_by {
        "" => Actor { actor_type: ActorType::System, name: "vidne".to_owned(), ..Actor::default() },
        credential => {
            Actor { actor_type: ActorType::Service, user_id: credential.to_owned(), ..Actor::default() }
        }
    }
}

/// A tenant as a target.
pub fn tenant_target(tenant: &TenantId, name: &str) -> Target {
    Target {
        role: TargetRole::Object,
        target_type: TargetType::Tenant,
        id: tenant.to_string(),
        name: name.to_owned(),
        tenant_id: tenant.to_string(),
    }
}
