//! The number that stands for a tenant inside the store.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{entity::tenants, error::db_error};
use crate::{domain::id::TenantId, store::StoreError};

/// A tenant's key: the beginning of every key and index of its data. Only `tenants` gives them out, so whoever
/// has one has named a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TenantKey(i32);

impl TenantKey {
    /// For columns.
    pub(super) const fn get(self) -> i32 {
        self.0
    }
}

impl From<&tenants::Model> for TenantKey {
    fn from(row: &tenants::Model) -> Self {
        Self(row.tenant_key)
    }
}

/// More entries are not kept.
const CAPACITY: usize = 10_000;

/// Keys of tenants already asked for. A tenant is never removed and keeps its key, so that what was committed
/// once stays true.
#[derive(Debug, Default)]
pub(super) struct TenantKeys(Mutex<HashMap<TenantId, TenantKey>>);

impl TenantKeys {
    /// The key of one tenant; `TenantNotFound`.
    pub(super) async fn key(
        &self,
        db: &impl ConnectionTrait,
        tenant: &TenantId,
    ) -> Result<TenantKey, StoreError> {
        self.keys(db, [tenant]).await?.remove(tenant).ok_or(StoreError::TenantNotFound)
    }

    /// The keys of those of `tenants` that exist. `db` must not be a transaction that makes tenants: what is
    /// learned is kept.
    pub(super) async fn keys<'a>(
        &self,
        db: &impl ConnectionTrait,
        tenants: impl IntoIterator<Item = &'a TenantId>,
    ) -> Result<HashMap<TenantId, TenantKey>, StoreError> {
        let (known, unknown) = self.split(tenants);
        if unknown.is_empty() {
            return Ok(known);
        }
        let learned = look_up(db, unknown).await?;
        let mut cache = self.cache();
        if cache.len() + learned.len() <= CAPACITY {
            cache.extend(learned.iter().map(|(id, key)| (id.clone(), *key)));
        }
        Ok(known.into_iter().chain(learned).collect())
    }

    fn split<'a>(
        &self,
        tenants: impl IntoIterator<Item = &'a TenantId>,
    ) -> (HashMap<TenantId, TenantKey>, Vec<&'a TenantId>) {
        let cache = self.cache();
        let mut known = HashMap::new();
        let mut unknown = Vec::new();
        for tenant in tenants {
            match cache.get(tenant) {
                Some(key) => drop(known.insert(tenant.clone(), *key)),
                None => unknown.push(tenant),
            }
        }
        (known, unknown)
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<TenantId, TenantKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look_up(
    db: &impl ConnectionTrait,
    mut ids: Vec<&TenantId>,
) -> Result<Vec<(TenantId, TenantKey)>, StoreError> {
    ids.sort_unstable();
    ids.dedup();
    let mut found = Vec::new();
    for ids in ids.chunks(super::append::LOOKUP_ROWS) {
        let rows = tenants::Entity::find()
            .filter(tenants::Column::Id.is_in(ids.iter().map(|id| id.as_str())))
            .all(db)
            .await
            .map_err(db_error)?;
        for row in rows {
            let key = TenantKey::from(&row);
            found.push((super::convert::tenant_id(row.id)?, key));
        }
    }
    Ok(found)
}
