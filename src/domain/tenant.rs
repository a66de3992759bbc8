//! Tenants and their switches.

use super::{catalogue::Category, id::TenantId, time::Timestamp};

/// One log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// For people.
    pub display_name: String,
    /// Closed to writing.
    pub closed: bool,
    /// Which events it keeps.
    pub settings: TenantSettings,
    /// Goes up with each change, from 1.
    pub revision: u64,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
    /// The place of its newest event.
    pub head_sequence: u64,
}

/// Which categories a tenant keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantSettings {
    /// Security administration; off by default.
    pub security_events_enabled: bool,
    /// Data access; on by default.
    pub data_access_events_enabled: bool,
    /// Custom types; on by default.
    pub custom_events_enabled: bool,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self { security_events_enabled: false, data_access_events_enabled: true, custom_events_enabled: true }
    }
}

impl TenantSettings {
    /// Whether events of this category are kept.
    pub fn keeps(&self, category: Category) -> bool {
        match category {
            Category::SecurityAdministration => self.security_events_enabled,
            Category::DataAccess => self.data_access_events_enabled,
            Category::Custom => self.custom_events_enabled,
            Category::Service => true,
        }
    }

    /// The name and value of each switch, in the order of the contract.
    pub fn switches(&self) -> [(&'static str, bool); 3] {
        [
            ("security_events_enabled", self.security_events_enabled),
            ("data_access_events_enabled", self.data_access_events_enabled),
            ("custom_events_enabled", self.custom_events_enabled),
        ]
    }
}

/// New values for a tenant; `None` leaves a value as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantChange {
    /// For people.
    pub display_name: Option<String>,
    /// `settings.security_events_enabled`.
    pub security_events_enabled: Option<bool>,
    /// `settings.data_access_events_enabled`.
    pub data_access_events_enabled: Option<bool>,
    /// `settings.custom_events_enabled`.
    pub custom_events_enabled: Option<bool>,
}

impl TenantChange {
    /// The settings as they are after the change.
    pub fn apply(&self, old: TenantSettings) -> TenantSettings {
        TenantSettings {
            security_events_enabled: self.security_events_enabled.unwrap_or(old.security_events_enabled),
            data_access_events_enabled: self
                .data_access_events_enabled
                .unwrap_or(old.data_access_events_enabled),
            custom_events_enabled: self.custom_events_enabled.unwrap_or(old.custom_events_enabled),
        }
    }
}
