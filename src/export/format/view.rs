//! An event as the line formats look at it: its targets by the part they play.

use std::net::IpAddr;

use super::mapping::{Mapping, mapping};
use crate::domain::event::{Event, RecordedEvent, Severity, Target, TargetRole, TargetType};

/// One event, looked through once.
pub(super) struct View<'a> {
    pub sequence: u64,
    pub recorded_millis: i64,
    pub occurred_millis: i64,
    pub recorded: &'a RecordedEvent,
    pub event: &'a Event,
    pub mapping: &'static Mapping,
    /// The user or group whose rights changed.
    pub principal: Option<&'a Target>,
    /// The group of AddToGroup and RemoveFromGroup.
    pub group: Option<&'a Target>,
    /// The permission that was added or deleted.
    pub permission: Option<&'a Target>,
    /// What was acted upon: the form rather than its task.
    pub resource: Option<&'a Target>,
    /// The task that the resource belongs to.
    pub task: Option<&'a Target>,
    /// The principal's tenant, else the first one that a target has.
    pub target_tenant: &'a str,
    /// The acting user's national id; empty if the job leaves it out.
    pub national_id: &'a str,
}

impl<'a> View<'a> {
    pub(super) fn new(recorded: &'a RecordedEvent, with_national_id: bool) -> Self {
        let event = &recorded.event;
        let targets = &event.targets;
        let group = targets.iter().find(|t| t.role == TargetRole::Group);
        let principal = targets.iter().find(|t| t.role == TargetRole::Principal).or_else(|| {
            let is_party = |t: &&Target| matches!(t.target_type, TargetType::User | TargetType::Group);
            targets.iter().find(|t| t.role == TargetRole::Object && is_party(t))
        });
        let permission = targets.iter().find(|t| t.target_type == TargetType::Permission);
        let taken =
            |t: &Target| [principal, group, permission].iter().flatten().any(|taken| std::ptr::eq(*taken, t));
        let mut objects = targets.iter().filter(|t| t.role == TargetRole::Object && !taken(t));
        let first = objects.clone().next();
        let resource = objects.clone().find(|t| t.target_type != TargetType::Task).or(first);
        let task = objects.find(|t| {
            t.target_type == TargetType::Task && !resource.is_some_and(|resource| std::ptr::eq(resource, *t))
        });
        let tenant = principal.filter(|t| !t.tenant_id.is_empty());
        let tenant = tenant.or_else(|| targets.iter().find(|t| !t.tenant_id.is_empty()));
        let national_id = event.personal.as_ref().filter(|_| with_national_id);
        Self {
            sequence: recorded.sequence,
            recorded_millis: recorded.recorded.micros().div_euclid(1_000),
            occurred_millis: event.occurred.micros().div_euclid(1_000),
            recorded,
            event,
            mapping: mapping(event.event_type),
            principal,
            group,
            permission,
            resource,
            task,
            target_tenant: tenant.map(|t| t.tenant_id.as_str()).unwrap_or_default(),
            national_id: national_id.map(|personal| personal.actor_national_id.as_str()).unwrap_or_default(),
        }
    }

    /// The source, if it is an address.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.event.source.ip_address.trim().parse().ok()
    }

    /// The resource's id; a tenant's is its tenant id.
    pub(super) fn resource_id(&self) -> &'a str {
        match self.resource {
            Some(t) if t.id.is_empty() && t.target_type == TargetType::Tenant => &t.tenant_id,
            Some(t) => &t.id,
            None => "",
        }
    }
}

/// A target's id.
pub(super) fn id(target: Option<&Target>) -> &str {
    target.map(|target| target.id.as_str()).unwrap_or_default()
}

/// A target's name.
pub(super) fn name(target: Option<&Target>) -> &str {
    target.map(|target| target.name.as_str()).unwrap_or_default()
}

/// A target's type, such as `document_definition`.
pub(super) fn kind(target: Option<&Target>) -> &'static str {
    target.map(|target| kind_of(target.target_type)).unwrap_or_default()
}

/// The first text that is not empty.
pub(super) fn either<'a>(first: &'a str, second: &'a str) -> &'a str {
    if first.trim().is_empty() { second } else { first }
}

/// `success`, `failure` or `unknown`.
pub(super) fn outcome(event: &Event) -> &'static str {
    use crate::domain::event::Outcome;
    match event.outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Unknown => "unknown",
    }
}

/// `Information`, for instance.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Debug => "Debug",
        Severity::Information => "Information",
        Severity::Notice => "Notice",
        Severity::Warning => "Warning",
        Severity::Error => "Error",
        Severity::Critical => "Critical",
        Severity::Alert => "Alert",
        Severity::Emergency => "Emergency",
    }
}

fn kind_of(target_type: TargetType) -> &'static str {
    match target_type {
        TargetType::User => "user",
        TargetType::Group => "group",
        TargetType::Tenant => "tenant",
        TargetType::Record => "record",
        TargetType::Form => "form",
        TargetType::Task => "task",
        TargetType::Project => "project",
        TargetType::BatchType => "batch_type",
        TargetType::DocumentDefinition => "document_definition",
        TargetType::HotFolder => "hot_folder",
        TargetType::CleanUp => "clean_up",
        TargetType::AuditConfiguration => "audit_configuration",
        TargetType::Permission => "permission",
        TargetType::Document => "document",
        TargetType::ExportJob => "export_job",
        TargetType::Subscription => "subscription",
        TargetType::Other => "other",
    }
}
