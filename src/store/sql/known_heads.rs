//! Where the logs ended when this server last wrote to them.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{log::Log, tenant_key::TenantKey};

/// More are not kept.
const CAPACITY: usize = 10_000;

/// Logs as they were left by this server's last append. Guesses: nothing is decided by one unless the database says,
/// in the statement that appends, that the head is still the same. Whatever decides about new events changes the head
/// with it (see `tenant::close_tenant`), so that an old guess never fits.
#[derive(Debug, Default)]
pub(super) struct KnownHeads(Mutex<HashMap<TenantKey, Log>>);

impl KnownHeads {
    /// Takes a guess out: whoever appends puts back what it finds.
    pub(super) fn take(&self, tenant: TenantKey) -> Option<Log> {
        self.logs().remove(&tenant)
    }

    /// Keeps a log as it is now.
    pub(super) fn keep(&self, log: Log) {
        let mut logs = self.logs();
        if logs.len() < CAPACITY || logs.contains_key(&log.key) {
            logs.insert(log.key, log);
        }
    }

    fn logs(&self) -> MutexGuard<'_, HashMap<TenantKey, Log>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
