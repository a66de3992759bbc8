//! How large the events of each log are, so that a scan asks for as many rows as it will take.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::tenant_key::TenantKey;

/// Bytes of an event of which nothing is known: more than usual, so that the first page is not too large.
const UNKNOWN: usize = 4096;

/// More entries are not kept.
const CAPACITY: usize = 10_000;

/// Bytes of payload of one event, by log, as it was on the last page.
#[derive(Debug, Default)]
pub(super) struct RowSizes(Mutex<HashMap<TenantKey, usize>>);

impl RowSizes {
    /// What an event of this log has, at least 1.
    pub(super) fn of(&self, key: TenantKey) -> usize {
        self.sizes().get(&key).copied().unwrap_or(UNKNOWN).max(1)
    }

    /// So many events had so many bytes together.
    pub(super) fn learn(&self, key: TenantKey, events: usize, bytes: usize) {
        if events == 0 {
            return;
        }
        let mut sizes = self.sizes();
        if sizes.len() < CAPACITY || sizes.contains_key(&key) {
            sizes.insert(key, bytes / events);
        }
    }

    fn sizes(&self) -> MutexGuard<'_, HashMap<TenantKey, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
