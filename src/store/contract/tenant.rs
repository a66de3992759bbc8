//! Tenants and the installation.

use async_trait::async_trait;
use uuid::Uuid;

use super::NewEvent;
use crate::{
    domain::{
        id::TenantId,
        tenant::{Tenant, TenantSettings},
        time::Timestamp,
    },
    store::StoreError,
};

/// What marks a database as one installation of vidne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Random, made once.
    pub id: Uuid,
    /// Tells whether a server has this installation's key, without telling the key.
    pub key_check: [u8; 32],
}

/// A tenant to be created.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// Its id.
    pub id: TenantId,
    /// For people.
    pub display_name: String,
    /// Which events it keeps.
    pub settings: TenantSettings,
    /// When.
    pub created: Timestamp,
}

/// New values for a tenant.
#[derive(Clone, Debug)]
pub struct TenantUpdate {
    /// Which.
    pub id: TenantId,
    /// The revision that the new values were made from.
    pub expected_revision: u64,
    /// For people.
    pub display_name: String,
    /// Which events it keeps from now on.
    pub settings: TenantSettings,
    /// When.
    pub updated: Timestamp,
}

/// Keeps tenants. A `witness` is the event that tells of the change: it MUST be appended in the same
/// transaction as the change (its tenant's head locked first), or neither is there.
#[async_trait]
pub trait TenantStore: Send + Sync + 'static {
    /// The installation of this database; `propose` becomes it if there is none yet.
    async fn installation(&self, propose: Installation) -> Result<Installation, StoreError>;

    /// Creates a tenant. `TenantExists` if the id was ever used. `default` exists from the first migration on.
    async fn create_tenant(&self, tenant: NewTenant, witness: NewEvent) -> Result<Tenant, StoreError>;

    /// One tenant, closed or not.
    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError>;

    /// At most `limit` tenants in the order of their ids, after `after`.
    async fn tenants(&self, after: Option<&TenantId>, limit: usize) -> Result<Vec<Tenant>, StoreError>;

    /// Changes a tenant. `RevisionMismatch` if it has moved on, `TenantClosed` if it is closed.
    async fn update_tenant(
        &self,
        update: TenantUpdate,
        witness: Option<NewEvent>,
    ) -> Result<Tenant, StoreError>;

    /// Closes a tenant to writing. Closing it again MUST change nothing and append no witness.
    async fn close_tenant(
        &self,
        id: &TenantId,
        now: Timestamp,
        witness: NewEvent,
    ) -> Result<Tenant, StoreError>;
}
