//! The logs that a transaction writes to: their heads, locked until it ends.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{
        Expr,
        extension::mysql::{IndexHintScope, MySqlSelectStatementExt},
    },
};

use super::{
    convert,
    entity::{heads, tenants},
    error::db_error,
    tenant_key::TenantKey,
};
use crate::{
    domain::{id::TenantId, tenant::TenantSettings},
    store::{StoreError, contract::Head},
};

/// A locked log.
pub(super) struct Log {
    pub(super) key: TenantKey,
    /// Moves as events are numbered; [`save_heads`] writes it.
    pub(super) head: Head,
    pub(super) closed: bool,
    pub(super) settings: TenantSettings,
}

/// Locks the heads of these tenants, in the order of their keys, until the transaction ends.
///
/// The lock is what makes the order of sequences the order of commits on several servers. Everything else is
/// read by later statements: on PostgreSQL each sees what was committed when it began, so these see all that
/// was done under the lock before, while the locking statement itself would show other tables as they were
/// before it waited.
///
/// MySQL is told to go by the key. Reading a small table from one end to the other would be quicker, but would
/// wait for every head on the way: whoever holds a tenant's head would delay all tenants.
pub(super) async fn lock_heads(
    transaction: &DatabaseTransaction,
    keys: &HashMap<TenantId, TenantKey>,
) -> Result<Vec<heads::Model>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut heads = heads::Entity::of_each(keys.values().copied()).lock_exclusive();
    QueryTrait::query(&mut heads).force_index("PRIMARY", IndexHintScope::All);
    heads.all(transaction).await.map_err(db_error)
}

/// Locks the heads of these tenants and reads what decides about new events.
pub(super) async fn lock_logs(
    transaction: &DatabaseTransaction,
    keys: &HashMap<TenantId, TenantKey>,
) -> Result<HashMap<TenantId, Log>, StoreError> {
    let mut heads: HashMap<i32, heads::Model> =
        lock_heads(transaction, keys).await?.into_iter().map(|row| (row.tenant_key, row)).collect();
    let rows = tenants::Entity::find()
        .filter(tenants::Column::TenantKey.is_in(keys.values().map(|key| key.get())))
        .all(transaction)
        .await
        .map_err(db_error)?;
    let mut logs = HashMap::with_capacity(rows.len());
    for row in rows {
        let head = heads.remove(&row.tenant_key);
        let head = head.ok_or_else(|| StoreError::Damaged(format!("tenant {} has no head", row.id)))?;
        let log = Log {
            key: TenantKey::from(&row),
            head: convert::head(&head)?,
            closed: row.closed,
            settings: settings(&row),
        };
        logs.insert(convert::tenant_id(row.id)?, log);
    }
    Ok(logs)
}

/// Writes the heads of these logs.
pub(super) async fn save_heads(
    transaction: &DatabaseTransaction,
    logs: impl Iterator<Item = &Log>,
) -> Result<(), StoreError> {
    for log in logs {
        heads::Entity::change(log.key)
            .col_expr(heads::Column::LastSequence, Expr::value(convert::signed(log.head.sequence)))
            .col_expr(heads::Column::LastRecorded, Expr::value(log.head.recorded.micros()))
            .exec(transaction)
            .await
            .map_err(db_error)?;
    }
    Ok(())
}

pub(super) fn settings(row: &tenants::Model) -> TenantSettings {
    TenantSettings {
        security_events_enabled: row.security_events_enabled,
        data_access_events_enabled: row.data_access_events_enabled,
        custom_events_enabled: row.custom_events_enabled,
    }
}
