//! What each CSV column holds.

use super::{
    parts,
    view::{View, either, id, name, outcome, severity},
};
use crate::domain::{
    event::{RecordedEvent, Target},
    format::CsvColumn,
    id::EventId,
    time::Timestamp,
};

/// What a cell is made of.
pub(super) enum Value<'a> {
    /// As it was recorded.
    Text(&'a str),
    /// One after the other.
    Parts([&'a str; 5]),
    Number(u64),
    Id(EventId),
    Time(Timestamp),
    Made(String),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Made(text)
    }
}

/// A column of a preset: its name there and its value.
type Column = (&'static str, for<'a> fn(&View<'a>) -> Value<'a>);

/// XFlow's ten fields. Their names are shorter than the 256 bytes by which Splunk knows a file, so that two
/// files never look the same.
pub(super) const XFLOW: [Column; 10] = [
    ("timestamp", |v| value(v, CsvColumn::OccurredTime)),
    ("severity", |v| value(v, CsvColumn::Severity)),
    ("user_id", |v| value(v, CsvColumn::ActorUserId)),
    ("name", |v| value(v, CsvColumn::ActorName)),
    ("national_id", |v| value(v, CsvColumn::ActorNationalId)),
    ("email", |v| value(v, CsvColumn::ActorEmail)),
    ("initials", |v| value(v, CsvColumn::ActorInitials)),
    ("organization_id", |v| value(v, CsvColumn::ActorOrganizationId)),
    ("ip_address", |v| value(v, CsvColumn::SourceIpAddress)),
    ("action_description", |v| value(v, CsvColumn::ActionDescription)),
];

/// FlexiCapture's eight attributes.
pub(super) const FLEXICAPTURE: [Column; 8] = [
    ("SecurityEventTypeId", |v| value(v, CsvColumn::TypeCode)),
    ("Date", |v| value(v, CsvColumn::OccurredTime)),
    ("Writer", |v| either(&v.event.actor.user_id, &v.event.actor.name).into()),
    ("WriterTenantId", |v| value(v, CsvColumn::ActorTenantId)),
    ("Principal", |v| either(id(v.principal), name(v.principal)).into()),
    ("TenantId", |v| value(v, CsvColumn::TargetTenantId)),
    ("Details", |v| value(v, CsvColumn::Description)),
    ("RemoteHost", |v| value(v, CsvColumn::SourceIpAddress)),
];

/// The value of a column, before it is made safe for a line.
pub(super) fn value<'a>(view: &View<'a>, column: CsvColumn) -> Value<'a> {
    let (event, actor, source) = (view.event, &view.event.actor, &view.event.source);
    let info = event.event_type.info();
    match column {
        CsvColumn::Sequence => Value::Number(view.sequence),
        CsvColumn::EventId => Value::Id(event.id),
        CsvColumn::TenantId => event.tenant.as_str().into(),
        CsvColumn::OccurredTime => Value::Time(event.occurred),
        CsvColumn::RecordedTime => Value::Time(view.recorded.recorded),
        CsvColumn::Severity => severity(event.severity).into(),
        CsvColumn::Type => info.name.into(),
        CsvColumn::TypeCode => info.code.map_or(Value::Text(""), |code| Value::Number(code.into())),
        CsvColumn::TypeName => event.type_name().into(),
        CsvColumn::Category => view.mapping.category.into(),
        CsvColumn::Action => view.mapping.action.into(),
        CsvColumn::Outcome => outcome(event).into(),
        CsvColumn::OutcomeReason => event.outcome_reason.as_str().into(),
        CsvColumn::ActorType => actor.actor_type.name().into(),
        CsvColumn::ActorUserId => actor.user_id.as_str().into(),
        CsvColumn::ActorName => actor.name.as_str().into(),
        CsvColumn::ActorEmail => actor.email.as_str().into(),
        CsvColumn::ActorInitials => actor.initials.as_str().into(),
        CsvColumn::ActorOrganizationId => actor.organization_id.as_str().into(),
        CsvColumn::ActorTenantId => actor.tenant_id.as_str().into(),
        CsvColumn::ActorNationalId => view.national_id.into(),
        CsvColumn::SourceIpAddress => source.ip_address.as_str().into(),
        CsvColumn::SourceHost => source.host.as_str().into(),
        CsvColumn::SourceUserAgent => source.user_agent.as_str().into(),
        CsvColumn::PrincipalType => type_name(view.principal).into(),
        CsvColumn::PrincipalId => id(view.principal).into(),
        CsvColumn::PrincipalName => name(view.principal).into(),
        CsvColumn::TargetTenantId => view.target_tenant.into(),
        CsvColumn::GroupId => id(view.group).into(),
        CsvColumn::GroupName => name(view.group).into(),
        CsvColumn::ResourceType => type_name(view.resource).into(),
        CsvColumn::ResourceId => view.resource_id().into(),
        CsvColumn::ResourceName => name(view.resource).into(),
        CsvColumn::TaskId => id(view.task).into(),
        CsvColumn::Description => event.description.as_str().into(),
        CsvColumn::ActionDescription => action_description(view.recorded),
        CsvColumn::Targets => parts::list(&event.targets, parts::push_target).into(),
        CsvColumn::Details => parts::details(&event.details).into(),
        CsvColumn::Labels => parts::labels(&event.labels).into(),
        CsvColumn::Changes => parts::list(&event.changes, parts::push_change).into(),
        CsvColumn::Trace => event.trace.as_str().into(),
        CsvColumn::RecordedBy => event.recorded_by.as_str().into(),
        CsvColumn::TruncatedFields => event.truncated_fields.join(" ").into(),
    }
}

fn type_name(target: Option<&Target>) -> &'static str {
    target.map(|target| target.target_type.name()).unwrap_or_default()
}

/// `"Read" on form with TaskId 4711`: the verb or the type's own name, and what the product said.
fn action_description(recorded: &RecordedEvent) -> Value<'_> {
    let event = &recorded.event;
    let separator = if event.description.is_empty() { "" } else { " " };
    Value::Parts(["\"", event.type_name(), "\"", separator, &event.description])
}
