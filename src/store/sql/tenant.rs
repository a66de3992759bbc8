//! Tenants: made, read, changed, closed.

use std::collections::HashMap;

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};

use super::{
    append::{append, witnessed},
    convert,
    entity::{heads, tenants},
    error::{db_error, is_unique_violation},
    installation,
    log::{Heads, lock_heads, settings, touch_head},
    store::SqlStore,
    tenant_key::TenantKey,
};
use crate::{
    domain::{id::TenantId, tenant::Tenant, time::Timestamp},
    store::{
        StoreError, TenantStore,
        contract::{Installation, NewEvent, NewTenant, TenantUpdate},
    },
};

#[async_trait]
impl TenantStore for SqlStore {
    async fn installation(&self, propose: Installation) -> Result<Installation, StoreError> {
        installation::installation(self, propose).await
    }

    async fn create_tenant(&self, tenant: NewTenant, witness: NewEvent) -> Result<Tenant, StoreError> {
        let mut keys = self.keys.keys(&self.read, [&witness.tenant]).await?;
        let transaction = self.begin().await?;
        lock_heads(&transaction, &keys, Heads::WaitedFor).await?;
        let key = insert(&transaction, &tenant).await?;
        // The witness may stand in the new log itself.
        if witness.tenant == tenant.id {
            keys.insert(tenant.id.clone(), key);
        }
        witnessed(&append(&transaction, &keys, std::slice::from_ref(&witness), tenant.created).await?)?;
        let made = read(&transaction, &tenant.id).await?;
        self.finish(transaction, [&witness.tenant]).await?;
        Ok(made)
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        let row = find(id).one(&self.read).await.map_err(db_error)?;
        Ok(with_heads(&self.read, row.into_iter().collect()).await?.pop())
    }

    async fn tenants(&self, after: Option<&TenantId>, limit: usize) -> Result<Vec<Tenant>, StoreError> {
        // The column compares bytes on every database.
        let mut rows = tenants::Entity::find().order_by_asc(tenants::Column::Id).limit(limit as u64);
        if let Some(after) = after {
            rows = rows.filter(tenants::Column::Id.gt(after.as_str()));
        }
        let rows = rows.all(&self.read).await.map_err(db_error)?;
        with_heads(&self.read, rows).await
    }

    async fn update_tenant(
        &self,
        update: TenantUpdate,
        witness: Option<NewEvent>,
    ) -> Result<Tenant, StoreError> {
        let touched = [Some(&update.id), witness.as_ref().map(|w| &w.tenant)];
        let keys = self.keys.keys(&self.read, touched.into_iter().flatten()).await?;
        let key = *keys.get(&update.id).ok_or(StoreError::TenantNotFound)?;
        let transaction = self.begin().await?;
        lock_heads(&transaction, &keys, Heads::WaitedFor).await?;
        let tenant = read(&transaction, &update.id).await?;
        if tenant.revision != update.expected_revision {
            return Err(StoreError::RevisionMismatch { current: tenant.revision });
        }
        if tenant.closed {
            return Err(StoreError::TenantClosed);
        }
        use tenants::Column;
        tenants::change(key)
            .col_expr(Column::DisplayName, Expr::value(update.display_name.as_str()))
            .col_expr(Column::SecurityEventsEnabled, Expr::value(update.settings.security_events_enabled))
            .col_expr(
                Column::DataAccessEventsEnabled,
                Expr::value(update.settings.data_access_events_enabled),
            )
            .col_expr(Column::CustomEventsEnabled, Expr::value(update.settings.custom_events_enabled))
            .col_expr(Column::Revision, Expr::value(convert::signed(tenant.revision + 1)))
            .col_expr(Column::UpdatedTime, Expr::value(update.updated.micros()))
            .exec(&transaction)
            .await
            .map_err(db_error)?;
        if let Some(witness) = &witness {
            witnessed(&append(&transaction, &keys, std::slice::from_ref(witness), update.updated).await?)?;
        }
        let witnessed_here = witness.as_ref().is_some_and(|witness| witness.tenant == update.id);
        if tenant.settings != update.settings && !witnessed_here {
            touch_head(&transaction, key).await?;
        }
        let changed = read(&transaction, &update.id).await?;
        self.finish(transaction, witness.iter().map(|witness| &witness.tenant)).await?;
        Ok(changed)
    }

    async fn close_tenant(
        &self,
        id: &TenantId,
        now: Timestamp,
        witness: NewEvent,
    ) -> Result<Tenant, StoreError> {
        let keys = self.keys.keys(&self.read, [id, &witness.tenant]).await?;
        let key = *keys.get(id).ok_or(StoreError::TenantNotFound)?;
        let transaction = self.begin().await?;
        lock_heads(&transaction, &keys, Heads::WaitedFor).await?;
        let tenant = read(&transaction, id).await?;
        if tenant.closed {
            return Ok(tenant);
        }
        // First the witness, which may stand in the log that is closed.
        witnessed(&append(&transaction, &keys, std::slice::from_ref(&witness), now).await?)?;
        tenants::change(key)
            .col_expr(tenants::Column::Closed, Expr::value(true))
            .col_expr(tenants::Column::Revision, Expr::value(convert::signed(tenant.revision + 1)))
            .col_expr(tenants::Column::UpdatedTime, Expr::value(now.micros()))
            .exec(&transaction)
            .await
            .map_err(db_error)?;
        touch_head(&transaction, key).await?;
        let closed = read(&transaction, id).await?;
        self.finish(transaction, [&witness.tenant]).await?;
        Ok(closed)
    }
}

impl SqlStore {
    /// Commits and wakes the readers of these logs.
    pub(super) async fn finish<'a>(
        &self,
        transaction: DatabaseTransaction,
        grown: impl IntoIterator<Item = &'a TenantId> + Clone,
    ) -> Result<(), StoreError> {
        let committed = transaction.commit().await.map_err(db_error);
        // Also after a commit of unknown outcome: the events may be there.
        self.wake(grown);
        committed
    }
}

fn find(id: &TenantId) -> sea_orm::Select<tenants::Entity> {
    tenants::Entity::find().filter(tenants::Column::Id.eq(id.as_str()))
}

/// The tenant as this transaction sees it; `TenantNotFound`.
async fn read(transaction: &DatabaseTransaction, id: &TenantId) -> Result<Tenant, StoreError> {
    let row = find(id).one(transaction).await.map_err(db_error)?;
    with_heads(transaction, row.into_iter().collect()).await?.pop().ok_or(StoreError::TenantNotFound)
}

async fn insert(transaction: &DatabaseTransaction, tenant: &NewTenant) -> Result<TenantKey, StoreError> {
    let row = tenants::ActiveModel {
        tenant_key: NotSet,
        id: Set(tenant.id.as_str().to_owned()),
        display_name: Set(tenant.display_name.clone()),
        closed: Set(false),
        security_events_enabled: Set(tenant.settings.security_events_enabled),
        data_access_events_enabled: Set(tenant.settings.data_access_events_enabled),
        custom_events_enabled: Set(tenant.settings.custom_events_enabled),
        revision: Set(1),
        created_time: Set(tenant.created.micros()),
        updated_time: Set(tenant.created.micros()),
    };
    let row = tenants::Entity::insert(row).exec_with_returning(transaction).await.map_err(|error| {
        if is_unique_violation(&error) { StoreError::TenantExists } else { db_error(error) }
    })?;
    let head = heads::ActiveModel {
        tenant_key: Set(row.tenant_key),
        last_sequence: Set(0),
        last_recorded: Set(Timestamp::default().micros()),
    };
    heads::Entity::insert(head).exec_without_returning(transaction).await.map_err(db_error)?;
    Ok(TenantKey::from(&row))
}

/// Adds where each log ends; keeps the order.
async fn with_heads(db: &impl ConnectionTrait, rows: Vec<tenants::Model>) -> Result<Vec<Tenant>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let heads = heads::Entity::of_each(rows.iter().map(TenantKey::from)).all(db).await.map_err(db_error)?;
    let heads: HashMap<i32, i64> = heads.into_iter().map(|row| (row.tenant_key, row.last_sequence)).collect();
    rows.into_iter()
        .map(|row| {
            let head = heads.get(&row.tenant_key).copied().unwrap_or_default();
            Ok(Tenant {
                closed: row.closed,
                settings: settings(&row),
                revision: convert::unsigned(row.revision)?,
                created: Timestamp::from_micros(row.created_time),
                updated: Timestamp::from_micros(row.updated_time),
                head_sequence: convert::unsigned(head)?,
                display_name: row.display_name,
                id: convert::tenant_id(row.id)?,
            })
        })
        .collect()
}
