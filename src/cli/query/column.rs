//! What a column can show of an event.

use crate::domain::event::{Outcome, RecordedEvent, Target};

use super::{render, zone::Zone};

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Sequence,
    Time,
    RecordedTime,
    Type,
    TypeCode,
    Severity,
    Outcome,
    OutcomeReason,
    Actor,
    ActorId,
    ActorName,
    ActorEmail,
    ActorInitials,
    ActorOrganization,
    NationalId,
    Ip,
    Host,
    UserAgent,
    Target,
    TargetId,
    Description,
    Labels,
    EventId,
    Tenant,
    RecordedBy,
    Trace,
}

/// Every column with its name and how wide it usually is; 0: as wide as it gets.
const COLUMNS: [(Column, &str, usize); 26] = [
    (Column::Sequence, "sequence", 6),
    (Column::Time, "time", 20),
    (Column::RecordedTime, "recorded_time", 20),
    (Column::Type, "type", 20),
    (Column::TypeCode, "type_code", 9),
    (Column::Severity, "severity", 11),
    (Column::Outcome, "outcome", 7),
    (Column::OutcomeReason, "outcome_reason", 0),
    (Column::Actor, "actor", 0),
    (Column::ActorId, "actor_id", 0),
    (Column::ActorName, "actor_name", 0),
    (Column::ActorEmail, "actor_email", 0),
    (Column::ActorInitials, "actor_initials", 0),
    (Column::ActorOrganization, "actor_organization", 0),
    (Column::NationalId, "national_id", 11),
    (Column::Ip, "ip", 15),
    (Column::Host, "host", 0),
    (Column::UserAgent, "user_agent", 0),
    (Column::Target, "target", 0),
    (Column::TargetId, "target_id", 0),
    (Column::Description, "description", 0),
    (Column::Labels, "labels", 0),
    (Column::EventId, "event_id", 36),
    (Column::Tenant, "tenant", 0),
    (Column::RecordedBy, "recorded_by", 0),
    (Column::Trace, "trace", 55),
];

/// How values are written.
#[derive(Clone, Debug, Default)]
pub struct Writing {
    /// Of times.
    pub zone: Zone,
    /// With national ids.
    pub show_personal: bool,
}

impl Column {
    /// The column of this name; `-` is as good as `_`.
    ///
    /// # Errors
    ///
    /// The names there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        let wanted = name.trim().replace('-', "_").to_lowercase();
        let found = COLUMNS.iter().find(|(_, name, _)| *name == wanted).map(|(column, _, _)| *column);
        found.ok_or_else(|| format!("there is no such column; there are {}", names()))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.entry().1
    }

    /// Characters that its values usually have at most; 0: as many as they like.
    pub fn usual_width(self) -> usize {
        self.entry().2
    }

    /// Its heading for people.
    pub fn heading(self) -> String {
        match self {
            Self::Sequence => "SEQ".to_owned(),
            column => column.name().to_uppercase().replace('_', " "),
        }
    }

    fn entry(self) -> (Self, &'static str, usize) {
        COLUMNS.into_iter().find(|(column, _, _)| *column == self).unwrap_or(COLUMNS[0])
    }

    /// For people: times to the second, how it ended in front of the description.
    pub fn text(self, recorded: &RecordedEvent, writing: &Writing) -> String {
        match self {
            Self::Time => writing.zone.short(recorded.event.occurred),
            Self::RecordedTime => writing.zone.short(recorded.recorded),
            Self::Actor => actor(recorded, writing),
            Self::Description => render::description(&recorded.event),
            column => column.value(recorded, writing),
        }
    }

    /// For programs: as it was recorded, times to the microsecond.
    pub fn value(self, recorded: &RecordedEvent, writing: &Writing) -> String {
        let event = &recorded.event;
        match self {
            Self::Sequence => recorded.sequence.to_string(),
            Self::Time => writing.zone.exact(event.occurred),
            Self::RecordedTime => writing.zone.exact(recorded.recorded),
            Self::Type => render::event_type(event),
            Self::TypeCode => event.event_type.info().code.map(|code| code.to_string()).unwrap_or_default(),
            Self::Severity => event.severity.name().to_owned(),
            Self::Outcome => event.outcome.name().to_owned(),
            Self::OutcomeReason => event.outcome_reason.clone(),
            Self::Actor => render::actor(&event.actor),
            Self::ActorId => event.actor.user_id.clone(),
            Self::ActorName => event.actor.name.clone(),
            Self::ActorEmail => event.actor.email.clone(),
            Self::ActorInitials => event.actor.initials.clone(),
            Self::ActorOrganization => event.actor.organization_id.clone(),
            Self::NationalId => national_id(recorded, writing).to_owned(),
            Self::Ip => event.source.ip_address.clone(),
            Self::Host => event.source.host.clone(),
            Self::UserAgent => event.source.user_agent.clone(),
            Self::Target => render::targets(&event.targets),
            Self::TargetId => joined(event.targets.iter().map(id)),
            Self::Description => event.description.clone(),
            Self::Labels => joined(event.labels.iter().map(|(name, value)| format!("{name}={value}"))),
            Self::EventId => event.id.to_string(),
            Self::Tenant => event.tenant.to_string(),
            Self::RecordedBy => event.recorded_by.clone(),
            Self::Trace => event.trace.clone(),
        }
    }
}

/// The names of all columns.
pub fn names() -> String {
    COLUMNS.map(|(_, name, _)| name).join(", ")
}

/// Whether the action failed, which is seen at once.
pub fn failed(recorded: &RecordedEvent) -> bool {
    recorded.event.outcome == Outcome::Failure
}

/// The actor, with the national id if it is to be shown.
pub fn actor(recorded: &RecordedEvent, writing: &Writing) -> String {
    let actor = render::actor(&recorded.event.actor);
    match national_id(recorded, writing) {
        "" => actor,
        id => format!("{actor} [{id}]"),
    }
}

fn national_id<'a>(recorded: &'a RecordedEvent, writing: &Writing) -> &'a str {
    let personal = recorded.event.personal.as_ref().filter(|_| writing.show_personal);
    personal.map_or("", |personal| &personal.actor_national_id)
}

fn id(target: &Target) -> String {
    target.id.clone()
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_found_by_its_name() {
        for (column, name, _) in COLUMNS {
            assert_eq!(Column::parse(name), Ok(column));
            assert_eq!(column.name(), name);
        }
        assert_eq!(Column::parse(" Actor-ID "), Ok(Column::ActorId));
    }

    #[test]
    fn an_unknown_column_is_refused_with_all_there_are() {
        let error = Column::parse("colour").unwrap_err();
        assert!(COLUMNS.iter().all(|(_, name, _)| error.contains(name)), "{error}");
    }
}
