//! An event as a client sends it: nothing checked, nothing filled in, output fields left out.

use std::collections::BTreeMap;

use super::event::{Change, Detail, Personal, Source};

/// Enumerations are the numbers of the wire, 0 where nothing was given; texts are empty where nothing was
/// given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventInput {
    /// A UUID in any spelling, or empty.
    pub event_id: String,
    /// A tenant, or empty.
    pub tenant_id: String,
    /// Number of an [`super::catalogue::EventType`].
    pub event_type: i32,
    /// Name of a custom type.
    pub custom_type: String,
    /// Number of a [`super::event::Severity`].
    pub severity: i32,
    /// Seconds since the epoch and nanoseconds.
    pub occurred: Option<(i64, i32)>,
    /// Number of an [`super::event::Outcome`].
    pub outcome: i32,
    /// Why it ended so.
    pub outcome_reason: String,
    /// Who.
    pub actor: ActorInput,
    /// From where.
    pub source: Source,
    /// To what or whom.
    pub targets: Vec<TargetInput>,
    /// In words.
    pub description: String,
    /// Anything else.
    pub details: BTreeMap<String, Detail>,
    /// Short values by name.
    pub labels: BTreeMap<String, String>,
    /// Changed fields.
    pub changes: Vec<Change>,
    /// W3C traceparent.
    pub trace: String,
    /// National ids.
    pub personal: Personal,
}

/// Who did it, unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActorInput {
    /// Number of an [`super::event::ActorType`].
    pub actor_type: i32,
    /// The product's id.
    pub user_id: String,
    /// Name.
    pub name: String,
    /// E-mail.
    pub email: String,
    /// Initials.
    pub initials: String,
    /// Organisation.
    pub organization_id: String,
    /// Tenant.
    pub tenant_id: String,
}

/// To what or whom, unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetInput {
    /// Number of an [`super::event::TargetRole`].
    pub role: i32,
    /// Number of an [`super::event::TargetType`].
    pub target_type: i32,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its tenant.
    pub tenant_id: String,
}
