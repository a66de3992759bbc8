//! What each of the 32 types is called in each format, as the formats' own documents have it.

/// One type.
pub struct Fact {
    pub code: Option<u8>,
    /// The product's name.
    pub name: &'static str,
    pub english: &'static str,
    pub action: &'static str,
    pub category: &'static str,
    pub ocsf_class: u64,
    pub ocsf_activity: u64,
    pub ecs_category: &'static str,
    /// With commas between.
    pub ecs_types: &'static str,
    /// What `crud_types` makes of it, where that differs.
    pub ecs_crud: &'static str,
    pub ecs_action: &'static str,
}

#[expect(clippy::too_many_arguments, reason = "a table")]
const fn fact(
    code: Option<u8>,
    name: &'static str,
    english: &'static str,
    action: &'static str,
    category: &'static str,
    ocsf_class: u64,
    ocsf_activity: u64,
    ecs_category: &'static str,
    ecs_types: &'static str,
    ecs_crud: &'static str,
    ecs_action: &'static str,
) -> Fact {
    Fact {
        code,
        name,
        english,
        action,
        category,
        ocsf_class,
        ocsf_activity,
        ecs_category,
        ecs_types,
        ecs_crud,
        ecs_action,
    }
}

#[rustfmt::skip] // One line per type, to be read as a table.
pub const FACTS: [Fact; 32] = [
    fact(Some(0), "UserCreated", "User created", "Create", "iam", 3001, 1, "iam", "user,creation", "", "user-created"),
    fact(Some(1), "UserDeleted", "User deleted", "Delete", "iam", 3001, 6, "iam", "user,deletion", "", "user-deleted"),
    fact(Some(2), "GroupCreated", "Group created", "Create", "iam", 3006, 6, "iam", "group,creation", "", "group-created"),
    fact(Some(3), "GroupDeleted", "Group deleted", "Delete", "iam", 3006, 5, "iam", "group,deletion", "", "group-deleted"),
    fact(Some(4), "PermissionAdded", "Permission added", "Grant", "iam", 3005, 1, "iam", "user,change", "", "permission-added"),
    fact(Some(5), "PermissionDeleted", "Permission deleted", "Revoke", "iam", 3005, 2, "iam", "user,change", "", "permission-deleted"),
    fact(Some(6), "AddToGroup", "User added to a group", "AddToGroup", "iam", 3006, 3, "iam", "user,change", "", "user-added-to-group"),
    fact(Some(7), "RemoveFromGroup", "User removed from a group", "RemoveFromGroup", "iam", 3006, 4, "iam", "user,change", "", "user-removed-from-group"),
    fact(Some(8), "UserPasswordChanged", "User password changed", "PasswordChange", "iam", 3001, 3, "iam", "user,change", "", "user-password-changed"),
    fact(Some(9), "GroupModified", "Group permissions / member status modified", "Modify", "iam", 3006, 99, "iam", "group,change", "", "group-modified"),
    fact(Some(10), "UserPasswordReset", "User password reset", "PasswordReset", "iam", 3001, 4, "iam", "user,change", "", "user-password-reset"),
    fact(Some(11), "TenantCreated", "Tenant created", "Create", "tenant", 3004, 1, "iam", "admin,creation", "", "tenant-created"),
    fact(Some(12), "TenantDeleted", "Tenant deleted", "Delete", "tenant", 3004, 4, "iam", "admin,deletion", "", "tenant-deleted"),
    fact(Some(13), "ProjectDeleted", "Project deleted", "Delete", "configuration", 3004, 4, "configuration", "deletion", "", "project-deleted"),
    fact(Some(14), "ProjectChanged", "Project changed", "Modify", "configuration", 3004, 3, "configuration", "change", "", "project-changed"),
    fact(Some(15), "BatchTypeCreated", "Batch type created", "Create", "configuration", 3004, 1, "configuration", "creation", "", "batch-type-created"),
    fact(Some(16), "BatchTypeDelete", "Batch type deleted", "Delete", "configuration", 3004, 4, "configuration", "deletion", "", "batch-type-deleted"),
    fact(Some(17), "BatchTypeChanged", "Batch type changed", "Modify", "configuration", 3004, 3, "configuration", "change", "", "batch-type-changed"),
    fact(Some(18), "TemplateCreated", "Document definition created", "Create", "configuration", 3004, 1, "configuration", "creation", "", "template-created"),
    fact(Some(19), "TemplateDelete", "Document definition deleted", "Delete", "configuration", 3004, 4, "configuration", "deletion", "", "template-deleted"),
    fact(Some(20), "TemplateChanged", "Document definition changed", "Modify", "configuration", 3004, 3, "configuration", "change", "", "template-changed"),
    fact(Some(21), "ProjectHotFolderEnable", "Project hot folder enabled", "Enable", "configuration", 3004, 8, "configuration", "change", "", "project-hot-folder-enabled"),
    fact(Some(22), "ProjectHotFolderDiable", "Project hot folder disabled", "Disable", "configuration", 3004, 9, "configuration", "change", "", "project-hot-folder-disabled"),
    fact(Some(23), "ManualCleanUpStart", "Manual clean-up started", "Start", "maintenance", 3004, 10, "configuration", "change", "", "manual-clean-up-started"),
    fact(Some(24), "CleanUpEnable", "Automatic clean-up enabled", "Enable", "maintenance", 3004, 8, "configuration", "change", "", "clean-up-enabled"),
    fact(Some(25), "CleanUpDisable", "Automatic clean-up disabled", "Disable", "maintenance", 3004, 9, "configuration", "change", "", "clean-up-disabled"),
    fact(Some(26), "AuditingConfigurationChanged", "Security event log configuration changed", "Modify", "audit", 3004, 3, "configuration", "change", "", "auditing-configuration-changed"),
    fact(None, "Search", "Record/form searched", "Search", "data-access", 6001, 5, "database", "access", "", "search"),
    fact(None, "Read", "Record/form read", "Read", "data-access", 6001, 2, "database", "access", "", "read"),
    fact(None, "Create", "Record/form created", "Create", "data-access", 6001, 1, "database", "change", "creation", "create"),
    fact(None, "Edit", "Record/form edited", "Edit", "data-access", 6001, 3, "database", "change", "", "edit"),
    fact(None, "Delete", "Record/form deleted", "Delete", "data-access", 6001, 4, "database", "change", "deletion", "delete"),
];
