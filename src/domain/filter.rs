//! Which events a query, a subscription or an export job wants.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;

use super::{
    catalogue::{Category, EventType},
    event::{Event, Outcome, RecordedEvent, Severity, Target, TargetType},
    id::EventId,
    text::fold,
    time::Timestamp,
};

/// Empty fields ask nothing; fields combine with AND, values of one field with OR.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// One group with `custom_types`.
    pub types: Vec<EventType>,
    /// One group with `types`.
    pub custom_types: Vec<String>,
    /// Any of these.
    pub categories: Vec<Category>,
    /// Any of these.
    pub actor_user_ids: Vec<String>,
    /// Any of these, folded.
    pub actor_emails: Vec<String>,
    /// Any of these.
    pub actor_tenant_ids: Vec<String>,
    /// Any of these.
    pub organization_ids: Vec<String>,
    /// Exactly this; empty: any. Personal.
    pub actor_national_id: String,
    /// Among the subjects; empty: any. Personal.
    pub subject_national_id: String,
    /// All three `target_` fields must hold for one and the same target.
    pub target_type: Option<TargetType>,
    /// Any of these.
    pub target_ids: Vec<String>,
    /// Any of these.
    pub target_tenant_ids: Vec<String>,
    /// Any of these networks; an address is a network of its own.
    pub source_networks: Vec<IpNet>,
    /// Any of these.
    pub outcomes: Vec<Outcome>,
    /// This or a more serious one.
    pub minimum_severity: Option<Severity>,
    /// At or after.
    pub occurred_from: Option<Timestamp>,
    /// Before.
    pub occurred_before: Option<Timestamp>,
    /// At or after.
    pub recorded_from: Option<Timestamp>,
    /// Before.
    pub recorded_before: Option<Timestamp>,
    /// At or after; 0: from the first.
    pub sequence_from: u64,
    /// Before; 0: no bound.
    pub sequence_before: u64,
    /// All of these.
    pub labels: BTreeMap<String, String>,
    /// A substring of the description, folded; empty: any.
    pub text: String,
    /// Any of these.
    pub event_ids: Vec<EventId>,
}

impl EventFilter {
    /// Whether `personal` must be known to decide.
    pub fn needs_personal(&self) -> bool {
        !self.actor_national_id.is_empty() || !self.subject_national_id.is_empty()
    }

    /// Whether sequence, times, id and type alone decide, which every store keeps beside the event.
    pub fn asks_columns_only(&self) -> bool {
        // Whatever is added to a filter counts as something else until it is named here.
        let columns = Self {
            types: self.types.clone(),
            categories: self.categories.clone(),
            occurred_from: self.occurred_from,
            occurred_before: self.occurred_before,
            recorded_from: self.recorded_from,
            recorded_before: self.recorded_before,
            sequence_from: self.sequence_from,
            sequence_before: self.sequence_before,
            event_ids: self.event_ids.clone(),
            ..Self::default()
        };
        *self == columns
    }

    /// Whether `event` is wanted. Complete: decides on every field.
    pub fn matches(&self, recorded: &RecordedEvent) -> bool {
        let event = &recorded.event;
        self.matches_place(recorded) && self.matches_type(event) && self.matches_rest(event)
    }

    fn matches_place(&self, recorded: &RecordedEvent) -> bool {
        let sequence = recorded.sequence;
        sequence >= self.sequence_from
            && (self.sequence_before == 0 || sequence < self.sequence_before)
            && within(recorded.recorded, self.recorded_from, self.recorded_before)
            && within(recorded.event.occurred, self.occurred_from, self.occurred_before)
            && (self.event_ids.is_empty() || self.event_ids.contains(&recorded.event.id))
    }

    fn matches_type(&self, event: &Event) -> bool {
        let of_type = (self.types.is_empty() && self.custom_types.is_empty())
            || self.types.contains(&event.event_type)
            || (event.event_type == EventType::CUSTOM && self.custom_types.contains(&event.custom_type));
        of_type && any(&self.categories, &event.event_type.category())
    }

    fn matches_rest(&self, event: &Event) -> bool {
        any(&self.actor_user_ids, &event.actor.user_id)
            && any(&self.actor_tenant_ids, &event.actor.tenant_id)
            && any(&self.organization_ids, &event.actor.organization_id)
            && any(&self.outcomes, &event.outcome)
            && self.minimum_severity.is_none_or(|minimum| event.severity >= minimum)
            && (self.actor_emails.is_empty() || self.actor_emails.contains(&fold(&event.actor.email)))
            && self.matches_personal(event)
            && self.matches_target(event)
            && self.matches_source(event)
            && self.labels.iter().all(|(key, value)| event.labels.get(key) == Some(value))
            && (self.text.is_empty() || fold(&event.description).contains(&self.text))
    }

    fn matches_personal(&self, event: &Event) -> bool {
        let personal = event.personal.as_ref();
        (self.actor_national_id.is_empty()
            || personal.is_some_and(|p| p.actor_national_id == self.actor_national_id))
            && (self.subject_national_id.is_empty()
                || personal.is_some_and(|p| p.subject_national_ids.contains(&self.subject_national_id)))
    }

    fn matches_target(&self, event: &Event) -> bool {
        let asks =
            self.target_type.is_some() || !self.target_ids.is_empty() || !self.target_tenant_ids.is_empty();
        let fits = |target: &Target| {
            self.target_type.is_none_or(|wanted| target.target_type == wanted)
                && any(&self.target_ids, &target.id)
                && any(&self.target_tenant_ids, &target.tenant_id)
        };
        !asks || event.targets.iter().any(fits)
    }

    fn matches_source(&self, event: &Event) -> bool {
        if self.source_networks.is_empty() {
            return true;
        }
        let Some(address) = parse_address(&event.source.ip_address) else { return false };
        self.source_networks.iter().any(|network| network.contains(&address))
    }
}

/// Reads an IPv4 or IPv6 address; an IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 one.
pub fn parse_address(text: &str) -> Option<IpAddr> {
    text.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Reads an address or a network in CIDR notation; host bits are ignored.
pub fn parse_network(text: &str) -> Option<IpNet> {
    match parse_address(text) {
        Some(address) => Some(IpNet::from(address)),
        None => text.trim().parse::<IpNet>().ok().map(|network| network.trunc()),
    }
}

fn any<T: PartialEq>(wanted: &[T], value: &T) -> bool {
    wanted.is_empty() || wanted.contains(value)
}

fn within(time: Timestamp, from: Option<Timestamp>, before: Option<Timestamp>) -> bool {
    from.is_none_or(|from| time >= from) && before.is_none_or(|before| time < before)
}
