//! The event catalogue: every type with its number, names, category and meaning, in one table.
//!
//! Sources: XFlow's "Integration til SIEM" (the five verbs) and ABBYY FlexiCapture's security event
//! log (codes 0 to 26, spelled as the product spells them).

use std::fmt;

/// What happened: an index into [`CATALOGUE`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(u16);

/// Which switch of a tenant decides whether an event is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Search, Read, Delete, Edit and Create on records.
    DataAccess,
    /// FlexiCapture's 27 types.
    SecurityAdministration,
    /// Named by the client.
    Custom,
    /// What vidne itself did.
    Service,
}

/// One row of the catalogue.
#[derive(Debug)]
pub struct EventTypeInfo {
    /// The number on the wire and in the store; never reused.
    pub number: i32,
    /// The name in JSON and on the command line.
    pub name: &'static str,
    /// The product's own name, spelled as there, or the verb of a data access.
    pub original: &'static str,
    /// SecurityEventTypeId, 0 to 26.
    pub code: Option<u8>,
    /// Its category.
    pub category: Category,
    /// What it means.
    pub meaning: &'static str,
}

const fn access(number: i32, name: &'static str, verb: &'static str, meaning: &'static str) -> EventTypeInfo {
    EventTypeInfo { number, name, original: verb, code: None, category: Category::DataAccess, meaning }
}

const fn security(
    code: u8,
    name: &'static str,
    original: &'static str,
    meaning: &'static str,
) -> EventTypeInfo {
    let category = Category::SecurityAdministration;
    EventTypeInfo { number: 100 + code as i32, name, original, code: Some(code), category, meaning }
}

const fn service(
    number: i32,
    name: &'static str,
    original: &'static str,
    meaning: &'static str,
) -> EventTypeInfo {
    EventTypeInfo { number, name, original, code: None, category: Category::Service, meaning }
}

/// Every event type, by number.
pub static CATALOGUE: [EventTypeInfo; 45] = [
    access(1, "RECORD_SEARCHED", "Search", "Records or forms were searched"),
    access(2, "RECORD_READ", "Read", "A record or form was read"),
    access(3, "RECORD_DELETED", "Delete", "A record or form was deleted"),
    access(4, "RECORD_EDITED", "Edit", "A record or form was edited"),
    access(5, "RECORD_CREATED", "Create", "A record or form was created"),
    security(0, "USER_CREATED", "UserCreated", "User created"),
    security(1, "USER_DELETED", "UserDeleted", "User deleted"),
    security(2, "GROUP_CREATED", "GroupCreated", "Group created"),
    security(3, "GROUP_DELETED", "GroupDeleted", "Group deleted"),
    security(4, "PERMISSION_ADDED", "PermissionAdded", "Permission added"),
    security(5, "PERMISSION_DELETED", "PermissionDeleted", "Permission deleted"),
    security(6, "ADD_TO_GROUP", "AddToGroup", "User added to a group"),
    security(7, "REMOVE_FROM_GROUP", "RemoveFromGroup", "User removed from a group"),
    security(8, "USER_PASSWORD_CHANGED", "UserPasswordChanged", "User password changed"),
    security(9, "GROUP_MODIFIED", "GroupModified", "Group permissions or member status modified"),
    security(10, "USER_PASSWORD_RESET", "UserPasswordReset", "User password reset"),
    security(11, "TENANT_CREATED", "TenantCreated", "Tenant created"),
    security(12, "TENANT_DELETED", "TenantDeleted", "Tenant deleted"),
    security(13, "PROJECT_DELETED", "ProjectDeleted", "Project deleted"),
    security(14, "PROJECT_CHANGED", "ProjectChanged", "Project changed"),
    security(15, "BATCH_TYPE_CREATED", "BatchTypeCreated", "Batch type created"),
    security(16, "BATCH_TYPE_DELETE", "BatchTypeDelete", "Batch type deleted"),
    security(17, "BATCH_TYPE_CHANGED", "BatchTypeChanged", "Batch type changed"),
    security(18, "TEMPLATE_CREATED", "TemplateCreated", "Document definition created"),
    security(19, "TEMPLATE_DELETE", "TemplateDelete", "Document definition deleted"),
    security(20, "TEMPLATE_CHANGED", "TemplateChanged", "Document definition changed"),
    security(21, "PROJECT_HOT_FOLDER_ENABLE", "ProjectHotFolderEnable", "Project hot folder enabled"),
    security(22, "PROJECT_HOT_FOLDER_DIABLE", "ProjectHotFolderDiable", "Project hot folder disabled"),
    security(23, "MANUAL_CLEAN_UP_START", "ManualCleanUpStart", "Manual clean-up started"),
    security(24, "CLEAN_UP_ENABLE", "CleanUpEnable", "Automatic clean-up enabled"),
    security(25, "CLEAN_UP_DISABLE", "CleanUpDisable", "Automatic clean-up disabled"),
    security(
        26,
        "AUDITING_CONFIGURATION_CHANGED",
        "AuditingConfigurationChanged",
        "Security event log configuration changed",
    ),
    EventTypeInfo {
        number: 1000,
        name: "CUSTOM",
        original: "",
        code: None,
        category: Category::Custom,
        meaning: "Named by `custom_type`",
    },
    service(2000, "SERVICE_EXPORT_JOB_CREATED", "ExportJobCreated", "Export job created"),
    service(2001, "SERVICE_EXPORT_JOB_UPDATED", "ExportJobUpdated", "Export job changed"),
    service(2002, "SERVICE_EXPORT_JOB_DELETED", "ExportJobDeleted", "Export job deleted"),
    service(2003, "SERVICE_EXPORT_JOB_FAILED", "ExportJobFailed", "Export job began to fail"),
    service(2004, "SERVICE_EXPORT_JOB_RECOVERED", "ExportJobRecovered", "Export job works again"),
    service(2005, "SERVICE_HOST_KEY_ACCEPTED", "HostKeyAccepted", "SFTP host key accepted"),
    service(2006, "SERVICE_SUBSCRIPTION_CREATED", "SubscriptionCreated", "Subscription created"),
    service(2007, "SERVICE_SUBSCRIPTION_DELETED", "SubscriptionDeleted", "Subscription deleted"),
    service(2008, "SERVICE_EXPORT_JOB_PAUSED", "ExportJobPaused", "Export job paused"),
    service(2009, "SERVICE_EXPORT_JOB_RESUMED", "ExportJobResumed", "Export job resumed"),
    service(2010, "SERVICE_HOST_KEY_CHANGED", "HostKeyChanged", "SFTP host key changed"),
    service(2011, "SERVICE_EXPORT_JOB_HEARTBEAT", "ExportJobHeartbeat", "Export job had nothing to export"),
];

impl EventType {
    /// `EVENT_TYPE_CUSTOM`.
    pub const CUSTOM: Self = Self(32);
    /// Code 11.
    pub const TENANT_CREATED: Self = Self(16);
    /// Code 12.
    pub const TENANT_DELETED: Self = Self(17);
    /// Code 26.
    pub const AUDITING_CONFIGURATION_CHANGED: Self = Self(31);
    /// vidne's own: an export job was created.
    pub const SERVICE_EXPORT_JOB_CREATED: Self = Self(33);
    /// vidne's own: an export job was changed.
    pub const SERVICE_EXPORT_JOB_UPDATED: Self = Self(34);
    /// vidne's own: an export job was deleted.
    pub const SERVICE_EXPORT_JOB_DELETED: Self = Self(35);
    /// vidne's own: an export job began to fail.
    pub const SERVICE_EXPORT_JOB_FAILED: Self = Self(36);
    /// vidne's own: an export job works again.
    pub const SERVICE_EXPORT_JOB_RECOVERED: Self = Self(37);
    /// vidne's own: a host key was accepted.
    pub const SERVICE_HOST_KEY_ACCEPTED: Self = Self(38);
    /// vidne's own: a subscription was created.
    pub const SERVICE_SUBSCRIPTION_CREATED: Self = Self(39);
    /// vidne's own: a subscription was deleted.
    pub const SERVICE_SUBSCRIPTION_DELETED: Self = Self(40);
    /// vidne's own: an export job was paused.
    pub const SERVICE_EXPORT_JOB_PAUSED: Self = Self(41);
    /// vidne's own: an export job was resumed.
    pub const SERVICE_EXPORT_JOB_RESUMED: Self = Self(42);
    /// vidne's own: a server presented another host key than the pinned one.
    pub const SERVICE_HOST_KEY_CHANGED: Self = Self(43);
    /// vidne's own: an export job had nothing to export for a while.
    pub const SERVICE_EXPORT_JOB_HEARTBEAT: Self = Self(44);

    /// Every type, by number.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..CATALOGUE.len() as u16).map(Self)
    }

    /// The type with this number on the wire.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::all().find(|t| t.info().number == number)
    }

    /// The type with this catalogue name, such as `USER_CREATED`, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|t| t.info().name.eq_ignore_ascii_case(name))
    }

    /// Its row of the catalogue.
    pub fn info(self) -> &'static EventTypeInfo {
        &CATALOGUE[usize::from(self.0)]
    }

    /// Its category.
    pub fn category(self) -> Category {
        self.info().category
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_security_types_have_the_codes_0_to_26_and_the_numbers_100_to_126() {
        let codes: Vec<u8> = CATALOGUE.iter().filter_map(|i| i.code).collect();
        assert_eq!(codes, (0..=26).collect::<Vec<_>>());
        for info in CATALOGUE.iter().filter(|i| i.code.is_some()) {
            assert_eq!(info.number, 100 + i32::from(info.code.unwrap()));
            assert_eq!(info.category, Category::SecurityAdministration);
        }
    }

    #[test]
    fn the_named_constants_point_at_their_rows() {
        for (event_type, name) in [
            (EventType::CUSTOM, "CUSTOM"),
            (EventType::TENANT_CREATED, "TENANT_CREATED"),
            (EventType::TENANT_DELETED, "TENANT_DELETED"),
            (EventType::AUDITING_CONFIGURATION_CHANGED, "AUDITING_CONFIGURATION_CHANGED"),
            (EventType::SERVICE_EXPORT_JOB_CREATED, "SERVICE_EXPORT_JOB_CREATED"),
            (EventType::SERVICE_EXPORT_JOB_UPDATED, "SERVICE_EXPORT_JOB_UPDATED"),
            (EventType::SERVICE_EXPORT_JOB_DELETED, "SERVICE_EXPORT_JOB_DELETED"),
            (EventType::SERVICE_EXPORT_JOB_FAILED, "SERVICE_EXPORT_JOB_FAILED"),
            (EventType::SERVICE_EXPORT_JOB_RECOVERED, "SERVICE_EXPORT_JOB_RECOVERED"),
            (EventType::SERVICE_HOST_KEY_ACCEPTED, "SERVICE_HOST_KEY_ACCEPTED"),
            (EventType::SERVICE_SUBSCRIPTION_CREATED, "SERVICE_SUBSCRIPTION_CREATED"),
            (EventType::SERVICE_SUBSCRIPTION_DELETED, "SERVICE_SUBSCRIPTION_DELETED"),
            (EventType::SERVICE_EXPORT_JOB_PAUSED, "SERVICE_EXPORT_JOB_PAUSED"),
            (EventType::SERVICE_EXPORT_JOB_RESUMED, "SERVICE_EXPORT_JOB_RESUMED"),
            (EventType::SERVICE_HOST_KEY_CHANGED, "SERVICE_HOST_KEY_CHANGED"),
            (EventType::SERVICE_EXPORT_JOB_HEARTBEAT, "SERVICE_EXPORT_JOB_HEARTBEAT"),
        ] {
            assert_eq!(event_type.info().name, name);
            assert_eq!(EventType::from_number(event_type.info().number), Some(event_type));
        }
    }

    #[test]
    fn the_misspelled_name_is_kept() {
        assert_eq!(EventType::from_number(122).unwrap().info().original, "ProjectHotFolderDiable");
    }

    #[test]
    fn numbers_and_names_are_unique_and_in_order() {
        assert!(CATALOGUE.windows(2).all(|w| w[0].number < w[1].number));
        for event_type in EventType::all() {
            assert_eq!(EventType::from_name(event_type.info().name), Some(event_type));
        }
    }
}
