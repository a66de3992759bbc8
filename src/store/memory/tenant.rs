//! Tenants.

use std::ops::Bound;

use async_trait::async_trait;

use super::MemoryStore;
use crate::{
    domain::{id::TenantId, tenant::Tenant, time::Timestamp},
    store::{
        StoreError, TenantStore,
        contract::{Installation, NewEvent, NewTenant, TenantUpdate},
    },
};

#[async_trait]
impl TenantStore for MemoryStore {
    async fn installation(&self, propose: Installation) -> Result<Installation, StoreError> {
        self.change(|state| Ok(*state.installation.get_or_insert(propose)))
    }

    async fn create_tenant(&self, tenant: NewTenant, witness: NewEvent) -> Result<Tenant, StoreError> {
        self.change(|state| {
            if state.logs.contains_key(&tenant.id) {
                return Err(StoreError::TenantExists);
            }
            state.add_log(tenant.id.clone(), tenant.display_name, tenant.settings, tenant.created);
            state.witness(&witness, tenant.created)?;
            Ok(state.log(&tenant.id)?.tenant.clone())
        })
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        Ok(self.state().logs.get(id).map(|log| log.tenant.clone()))
    }

    async fn tenants(&self, after: Option<&TenantId>, limit: usize) -> Result<Vec<Tenant>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state();
        let logs = state.logs.range::<TenantId, _>((from, Bound::Unbounded));
        Ok(logs.take(limit).map(|(_, log)| log.tenant.clone()).collect())
    }

    async fn update_tenant(
        &self,
        update: TenantUpdate,
        witness: Option<NewEvent>,
    ) -> Result<Tenant, StoreError> {
        self.change(|state| {
            let tenant = &mut state.log_mut(&update.id)?.tenant;
            if tenant.revision != update.expected_revision {
                return Err(StoreError::RevisionMismatch { current: tenant.revision });
            }
            if tenant.closed {
                return Err(StoreError::TenantClosed);
            }
            tenant.display_name = update.display_name;
            tenant.settings = update.settings;
            tenant.revision += 1;
            tenant.updated = update.updated;
            if let Some(witness) = &witness {
                state.witness(witness, update.updated)?;
            }
            Ok(state.log(&update.id)?.tenant.clone())
        })
    }

    async fn close_tenant(
        &self,
        id: &TenantId,
        now: Timestamp,
        witness: NewEvent,
    ) -> Result<Tenant, StoreError> {
        self.change(|state| {
            if !state.log(id)?.tenant.closed {
                state.witness(&witness, now)?;
                let tenant = &mut state.log_mut(id)?.tenant;
                tenant.closed = true;
                tenant.revision += 1;
                tenant.updated = now;
            }
            Ok(state.log(id)?.tenant.clone())
        })
    }
}
