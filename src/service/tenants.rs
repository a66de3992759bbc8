//! Managing tenants.

use std::sync::Arc;

use super::{
    ServiceError,
    witness::{Testimony, Witness, tenant_target},
};
use crate::{
    domain::{
        catalogue::EventType,
        event::{Change, Target, TargetRole, TargetType},
        id::TenantId,
        limits::INDEXED_BYTES,
        tenant::{Tenant, TenantChange, TenantSettings},
        time::Clock,
        violation::Violations,
    },
    store::{
        Store, StoreError,
        contract::{NewTenant, TenantUpdate},
    },
};

/// Manages tenants; every change is witnessed in the same transaction.
#[derive(Clone)]
pub struct Tenants {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    witness: Witness,
}

impl Tenants {
    /// Everything that managing tenants needs.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, witness: Witness) -> Self {
        Self { store, clock, witness }
    }

    /// Creates a tenant; `TenantCreated` (11) goes to the log of `default`.
    pub async fn create(
        &self,
        id: TenantId,
        display_name: String,
        settings: TenantSettings,
        caller: &str,
    ) -> Result<Tenant, ServiceError> {
        check_display_name(&display_name)?;
        let testimony = Testimony {
            targets: vec![tenant_target(&id, &display_name)],
            description: format!("Tenant {id} created"),
            recorded_by: caller.to_owned(),
            ..Testimony::default()
        };
        let witness =
            self.witness.event(EventType::TENANT_CREATED, &TenantId::default_tenant(), testimony)?;
        let tenant = NewTenant { id, display_name, settings, created: self.clock.now() };
        Ok(self.store.create_tenant(tenant, witness).await?)
    }

    /// One tenant.
    pub async fn get(&self, id: &TenantId) -> Result<Tenant, ServiceError> {
        Ok(self.store.tenant(id).await?.ok_or(StoreError::TenantNotFound)?)
    }

    /// At most `limit` tenants by id, after `after`.
    pub async fn list(&self, after: Option<&TenantId>, limit: usize) -> Result<Vec<Tenant>, ServiceError> {
        Ok(self.store.tenants(after, limit).await?)
    }

    /// Changes a tenant that was read at `revision`. A change of a switch is witnessed by
    /// `AuditingConfigurationChanged` (26) in the tenant's own log.
    pub async fn update(
        &self,
        id: &TenantId,
        revision: u64,
        change: TenantChange,
        caller: &str,
    ) -> Result<Tenant, ServiceError> {
        let tenant = self.get(id).await?;
        if tenant.revision != revision {
            return Err(StoreError::RevisionMismatch { current: tenant.revision }.into());
        }
        let settings = change.apply(tenant.settings);
        let display_name = change.display_name.unwrap_or(tenant.display_name);
        check_display_name(&display_name)?;
        let switched = switched(&tenant.settings, &settings);
        let witness = if switched.is_empty() {
            None
        } else {
            let testimony = Testimony {
                targets: vec![Target {
                    role: TargetRole::Object,
                    target_type: TargetType::AuditConfiguration,
                    tenant_id: id.to_string(),
                    ..Target::default()
                }],
                description: describe(&switched),
                changes: switched,
                recorded_by: caller.to_owned(),
                ..Testimony::default()
            };
            Some(self.witness.event(EventType::AUDITING_CONFIGURATION_CHANGED, id, testimony)?)
        };
        let updated = self.clock.now();
        let update =
            TenantUpdate { id: id.clone(), expected_revision: revision, display_name, settings, updated };
        Ok(self.store.update_tenant(update, witness).await?)
    }

    /// Closes a tenant to writing; `TenantDeleted` (12) goes to the log of `default`.
    pub async fn close(&self, id: &TenantId, caller: &str) -> Result<Tenant, ServiceError> {
        if id.is_default() {
            return Err(ServiceError::TenantProtected);
        }
        let tenant = self.get(id).await?;
        let testimony = Testimony {
            targets: vec![tenant_target(id, &tenant.display_name)],
            description: format!("Tenant {id} deleted: closed to writing"),
            recorded_by: caller.to_owned(),
            ..Testimony::default()
        };
        let witness =
            self.witness.event(EventType::TENANT_DELETED, &TenantId::default_tenant(), testimony)?;
        Ok(self.store.close_tenant(id, self.clock.now(), witness).await?)
    }
}

fn check_display_name(name: &str) -> Result<(), Violations> {
    if name.len() <= INDEXED_BYTES {
        return Ok(());
    }
    Err(Violations::one("tenant.display_name", format!("{} bytes; at most {INDEXED_BYTES}", name.len())))
}

fn switched(old: &TenantSettings, new: &TenantSettings) -> Vec<Change> {
    let pairs = old.switches().into_iter().zip(new.switches());
    pairs
        .filter(|((_, old), (_, new))| old != new)
        .map(|((name, old), (_, new))| Change {
            field: format!("settings.{name}"),
            old_value: old.to_string(),
            new_value: new.to_string(),
        })
        .collect()
}

fn describe(changes: &[Change]) -> String {
    let of = |change: &Change| {
        let state = if change.new_value == "true" { "on" } else { "off" };
        format!("{} switched {state}", change.field.trim_start_matches("settings."))
    };
    changes.iter().map(of).collect::<Vec<_>>().join(", ")
}
