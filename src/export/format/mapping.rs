//! What each event type is called in each format: one row per type, one place.

use crate::domain::catalogue::EventType;

/// One event type in the words of the formats.
#[derive(Debug)]
pub(super) struct Mapping {
    /// In English, for CEF's header.
    pub name: &'static str,
    /// The verb of CEF and LEEF.
    pub action: &'static str,
    /// The category of CEF and LEEF.
    pub category: &'static str,
    pub ocsf: Ocsf,
    pub ecs: Ecs,
}

/// An OCSF class and activity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ocsf {
    pub class: Class,
    pub activity: u8,
    pub activity_name: &'static str,
}

/// The OCSF classes that are used, with what each of them is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// 3001: a user.
    AccountChange,
    /// 3005 if the principal is a user, 3006 if it is a group.
    Privileges,
    /// 3006: a group, perhaps a user.
    GroupManagement,
    /// 3004: anything else that is managed.
    EntityManagement(Entity),
    /// 6001: records and forms.
    WebResources,
}

/// A `managed_entity` of OCSF: its type_id and the name of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entity {
    pub type_id: u8,
    pub name: &'static str,
}

/// An ECS categorisation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ecs {
    /// Empty where ECS has no fitting one.
    pub category: &'static str,
    pub types: Types,
    pub action: &'static str,
}

/// `event.type` of ECS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Types {
    /// These, whatever the event holds.
    Are(&'static [&'static str]),
    /// `change`, with `user`, `group` or, if the principal's kind is unknown, `admin`.
    OfPrincipal,
    /// `change`, or this one where the job wants it.
    Crud(&'static str),
}

/// The row of a type.
pub(super) fn mapping(event_type: EventType) -> &'static Mapping {
    let row = |table: &'static [Mapping], from: i32| {
        usize::try_from(event_type.info().number - from).ok().and_then(|index| table.get(index))
    };
    let found = match event_type.info().number {
        1..100 => row(&ACCESS, 1),
        100..1000 => row(&SECURITY, 100),
        1000 => Some(&CUSTOM),
        _ => row(&SERVICE, 2000),
    };
    found.unwrap_or(&OTHER)
}

const ORGANIZATION: Entity = Entity { type_id: 4, name: "Organization" };
const POLICY: Entity = Entity { type_id: 5, name: "Policy" };
const PROJECT: Entity = entity("Project");
const BATCH_TYPE: Entity = entity("Batch Type");
const DEFINITION: Entity = entity("Document Definition");
const HOT_FOLDER: Entity = entity("Hot Folder");
const MANUAL_CLEAN_UP: Entity = entity("Manual Clean-Up");
const CLEAN_UP: Entity = entity("Automatic Clean-Up");
const EXPORT_JOB: Entity = entity("Export Job");
const SUBSCRIPTION: Entity = entity("Subscription");

const fn entity(name: &'static str) -> Entity {
    Entity { type_id: 99, name }
}

const fn ocsf(class: Class, activity: u8, activity_name: &'static str) -> Ocsf {
    Ocsf { class, activity, activity_name }
}

const fn managed(entity: Entity, activity: u8, activity_name: &'static str) -> Ocsf {
    ocsf(Class::EntityManagement(entity), activity, activity_name)
}

const fn ecs(category: &'static str, types: &'static [&'static str], action: &'static str) -> Ecs {
    Ecs { category, types: Types::Are(types), action }
}

const fn iam(types: &'static [&'static str], action: &'static str) -> Ecs {
    ecs("iam", types, action)
}

const fn config(types: &'static [&'static str], action: &'static str) -> Ecs {
    ecs("configuration", types, action)
}

const fn row(
    name: &'static str,
    action: &'static str,
    category: &'static str,
    ocsf: Ocsf,
    ecs: Ecs,
) -> Mapping {
    Mapping { name, action, category, ocsf, ecs }
}

const fn access(name: &'static str, verb: &'static str, activity: Ocsf, ecs: Ecs) -> Mapping {
    row(name, verb, "data-access", activity, ecs)
}

const fn web(activity: u8, activity_name: &'static str) -> Ocsf {
    ocsf(Class::WebResources, activity, activity_name)
}

const fn database(types: Types, action: &'static str) -> Ecs {
    Ecs { category: "database", types, action }
}

const ACCESSED: Types = Types::Are(&["access"]);
const CHANGED: Types = Types::Are(&["change"]);

static ACCESS: [Mapping; 5] = [
    access("Record/form searched", "Search", web(5, "Search"), database(ACCESSED, "search")),
    access("Record/form read", "Read", web(2, "Read"), database(ACCESSED, "read")),
    access("Record/form deleted", "Delete", web(4, "Delete"), database(Types::Crud("deletion"), "delete")),
    access("Record/form edited", "Edit", web(3, "Update"), database(CHANGED, "edit")),
    access("Record/form created", "Create", web(1, "Create"), database(Types::Crud("creation"), "create")),
];

const USER: Class = Class::AccountChange;
const GROUP: Class = Class::GroupManagement;
const PRIVILEGES: Class = Class::Privileges;

#[rustfmt::skip] // One line per type, to be read as a table.
static SECURITY: [Mapping; 27] = [
    row("User created", "Create", "iam", ocsf(USER, 1, "Create"), iam(&["user", "creation"], "user-created")),
    row("User deleted", "Delete", "iam", ocsf(USER, 6, "Delete"), iam(&["user", "deletion"], "user-deleted")),
    row("Group created", "Create", "iam", ocsf(GROUP, 6, "Create"), iam(&["group", "creation"], "group-created")),
    row("Group deleted", "Delete", "iam", ocsf(GROUP, 5, "Delete"), iam(&["group", "deletion"], "group-deleted")),
    row("Permission added", "Grant", "iam", ocsf(PRIVILEGES, 1, "Assign Privileges"),
        Ecs { category: "iam", types: Types::OfPrincipal, action: "permission-added" }),
    row("Permission deleted", "Revoke", "iam", ocsf(PRIVILEGES, 2, "Revoke Privileges"),
        Ecs { category: "iam", types: Types::OfPrincipal, action: "permission-deleted" }),
    row("User added to a group", "AddToGroup", "iam", ocsf(GROUP, 3, "Add User"),
        iam(&["user", "change"], "user-added-to-group")),
    row("User removed from a group", "RemoveFromGroup", "iam", ocsf(GROUP, 4, "Remove User"),
        iam(&["user", "change"], "user-removed-from-group")),
    row("User password changed", "PasswordChange", "iam", ocsf(USER, 3, "Password Change"),
        iam(&["user", "change"], "user-password-changed")),
    row("Group permissions / member status modified", "Modify", "iam", ocsf(GROUP, 99, "Modified"),
        iam(&["group", "change"], "group-modified")),
    row("User password reset", "PasswordReset", "iam", ocsf(USER, 4, "Password Reset"),
        iam(&["user", "change"], "user-password-reset")),
    row("Tenant created", "Create", "tenant", managed(ORGANIZATION, 1, "Create"),
        iam(&["admin", "creation"], "tenant-created")),
    row("Tenant deleted", "Delete", "tenant", managed(ORGANIZATION, 4, "Delete"),
        iam(&["admin", "deletion"], "tenant-deleted")),
    row("Project deleted", "Delete", "configuration", managed(PROJECT, 4, "Delete"),
        config(&["deletion"], "project-deleted")),
    row("Project changed", "Modify", "configuration", managed(PROJECT, 3, "Update"),
        config(&["change"], "project-changed")),
    row("Batch type created", "Create", "configuration", managed(BATCH_TYPE, 1, "Create"),
        config(&["creation"], "batch-type-created")),
    row("Batch type deleted", "Delete", "configuration", managed(BATCH_TYPE, 4, "Delete"),
        config(&["deletion"], "batch-type-deleted")),
    row("Batch type changed", "Modify", "configuration", managed(BATCH_TYPE, 3, "Update"),
        config(&["change"], "batch-type-changed")),
    row("Document definition created", "Create", "configuration", managed(DEFINITION, 1, "Create"),
        config(&["creation"], "template-created")),
    row("Document definition deleted", "Delete", "configuration", managed(DEFINITION, 4, "Delete"),
        config(&["deletion"], "template-deleted")),
    row("Document definition changed", "Modify", "configuration", managed(DEFINITION, 3, "Update"),
        config(&["change"], "template-changed")),
    row("Project hot folder enabled", "Enable", "configuration", managed(HOT_FOLDER, 8, "Enable"),
        config(&["change"], "project-hot-folder-enabled")),
    row("Project hot folder disabled", "Disable", "configuration", managed(HOT_FOLDER, 9, "Disable"),
        config(&["change"], "project-hot-folder-disabled")),
    row("Manual clean-up started", "Start", "maintenance", managed(MANUAL_CLEAN_UP, 10, "Activate"),
        config(&["change"], "manual-clean-up-started")),
    row("Automatic clean-up enabled", "Enable", "maintenance", managed(CLEAN_UP, 8, "Enable"),
        config(&["change"], "clean-up-enabled")),
    row("Automatic clean-up disabled", "Disable", "maintenance", managed(CLEAN_UP, 9, "Disable"),
        config(&["change"], "clean-up-disabled")),
    row("Security event log configuration changed", "Modify", "audit", managed(POLICY, 3, "Update"),
        config(&["change"], "auditing-configuration-changed")),
];

/// OCSF has no class for what it does not know: the activity is Other, named by the custom type.
static CUSTOM: Mapping =
    row("Custom event", "Custom", "custom", ocsf(Class::WebResources, 99, ""), ecs("", &[], "custom"));

#[rustfmt::skip] // One line per type, to be read as a table.
static SERVICE: [Mapping; 12] = [
    row("Export job created", "Create", "service", managed(EXPORT_JOB, 1, "Create"),
        config(&["creation"], "export-job-created")),
    row("Export job changed", "Modify", "service", managed(EXPORT_JOB, 3, "Update"),
        config(&["change"], "export-job-updated")),
    row("Export job deleted", "Delete", "service", managed(EXPORT_JOB, 4, "Delete"),
        config(&["deletion"], "export-job-deleted")),
    row("Export job began to fail", "Fail", "service", managed(EXPORT_JOB, 99, "Failed"),
        config(&["info"], "export-job-failed")),
    row("Export job works again", "Recover", "service", managed(EXPORT_JOB, 99, "Recovered"),
        config(&["info"], "export-job-recovered")),
    row("SFTP host key accepted", "Accept", "service", managed(EXPORT_JOB, 99, "Host Key Accepted"),
        config(&["change"], "host-key-accepted")),
    row("Subscription created", "Create", "service", managed(SUBSCRIPTION, 1, "Create"),
        config(&["creation"], "subscription-created")),
    row("Subscription deleted", "Delete", "service", managed(SUBSCRIPTION, 4, "Delete"),
        config(&["deletion"], "subscription-deleted")),
    row("Export job paused", "Pause", "service", managed(EXPORT_JOB, 99, "Paused"),
        config(&["change"], "export-job-paused")),
    row("Export job resumed", "Resume", "service", managed(EXPORT_JOB, 99, "Resumed"),
        config(&["change"], "export-job-resumed")),
    row("SFTP host key changed", "Refuse", "service", managed(EXPORT_JOB, 99, "Host Key Changed"),
        config(&["info"], "host-key-changed")),
    row("Export job had nothing to export", "Heartbeat", "service", managed(EXPORT_JOB, 99, "Heartbeat"),
        config(&["info"], "export-job-heartbeat")),
];

/// For types of vidne's own that have no row yet.
static OTHER: Mapping = row(
    "Service event",
    "Other",
    "service",
    managed(entity("Service"), 99, "Other"),
    config(&["info"], "service-event"),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_catalogue_has_a_row_of_its_own() {
        let mut seen = std::collections::HashSet::new();
        for event_type in EventType::all() {
            let row: *const Mapping = mapping(event_type);
            assert!(!std::ptr::eq(row, &OTHER), "{event_type:?}");
            assert!(seen.insert(row), "{event_type:?}");
        }
    }
}
