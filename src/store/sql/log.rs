//! The logs that a transaction writes to: their heads, locked until it ends.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{
        Expr, LockBehavior, LockType,
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

/// A log: locked, or as it was when it last was.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) key: TenantKey,
    /// Moves as events are numbered.
    pub(super) head: Head,
    pub(super) closed: bool,
    pub(super) settings: TenantSettings,
}

/// What to do about a head that somebody else holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heads {
    /// Wait for it until the lock time-out.
    WaitedFor,
    /// `Busy` at once.
    FreeOrBusy,
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
    held: Heads,
) -> Result<Vec<heads::Model>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let heads = heads::Entity::of_each(keys.values().copied());
    let mut heads = match held {
        Heads::WaitedFor => heads.lock_exclusive(),
        Heads::FreeOrBusy => heads.lock_with_behavior(LockType::Update, LockBehavior::Nowait),
    };
    QueryTrait::query(&mut heads).force_index("PRIMARY", IndexHintScope::All);
    heads.all(transaction).await.map_err(db_error)
}

/// Locks the heads of these tenants and reads what decides about new events.
pub(super) async fn lock_logs(
    transaction: &DatabaseTransaction,
    keys: &HashMap<TenantId, TenantKey>,
    held: Heads,
) -> Result<HashMap<TenantId, Log>, StoreError> {
    let mut heads: HashMap<i32, heads::Model> =
        lock_heads(transaction, keys, held).await?.into_iter().map(|row| (row.tenant_key, row)).collect();
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

/// Makes what servers remember of a log out of date, where something that decides about new events has changed
/// and its sequence has not.
pub(super) async fn touch_head(transaction: &DatabaseTransaction, key: TenantKey) -> Result<(), StoreError> {
    let later = Expr::col(heads::Column::LastRecorded).add(1_i64);
    let touched = heads::Entity::change(key).col_expr(heads::Column::LastRecorded, later);
    touched.exec(transaction).await.map_err(db_error).map(drop)
}

/// Writes where these logs end.
pub(super) async fn save_heads(
    transaction: &DatabaseTransaction,
    heads: &BTreeMap<TenantKey, Head>,
) -> Result<(), StoreError> {
    for (key, head) in heads {
        heads::Entity::change(*key)
            .col_expr(heads::Column::LastSequence, Expr::value(convert::signed(head.sequence)))
            .col_expr(heads::Column::LastRecorded, Expr::value(head.recorded.micros()))
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
