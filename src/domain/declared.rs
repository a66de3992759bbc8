//! Tenants and export jobs that the configuration declares.

use super::{export::JobSettings, id::TenantId, tenant::TenantChange};

/// Everything that is declared.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// In the order of the file; no id twice.
    pub tenants: Vec<DeclaredTenant>,
    /// In the order of the file; no name twice in a tenant.
    pub jobs: Vec<DeclaredJob>,
}

/// A tenant that is to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredTenant {
    /// Its id.
    pub id: TenantId,
    /// The values that are declared; the others are left as they are.
    pub values: TenantChange,
}

/// An export job that is to exist.
#[derive(Clone, Debug)]
pub struct DeclaredJob {
    /// Its log.
    pub tenant: TenantId,
    /// Its settings. They hold no secrets, only where the server finds them.
    pub settings: JobSettings,
    /// It is made paused. Later on, whoever pauses and resumes it decides.
    pub paused: bool,
    /// A job of this name that was not made by a declaration becomes this one.
    pub adopt: bool,
}
