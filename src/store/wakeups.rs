//! Tells waiting readers of this process that a log has grown.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::domain::id::TenantId;

/// Above this many entries, those that nobody waits for are thrown away.
const SWEEP_ABOVE: usize = 1_024;

/// One watch per tenant that somebody waits for; its size is bounded by the number of those who wait.
#[derive(Debug, Default)]
pub(crate) struct Wakeups(Mutex<HashMap<TenantId, watch::Sender<u64>>>);

impl Wakeups {
    /// A receiver that changes with each call of [`Wakeups::wake`].
    pub(crate) fn subscribe(&self, tenant: &TenantId) -> watch::Receiver<u64> {
        let mut senders = self.senders();
        if senders.len() >= SWEEP_ABOVE {
            senders.retain(|_, sender| sender.receiver_count() > 0);
        }
        senders.entry(tenant.clone()).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// Wakes whoever waits for these tenants. The value only counts the calls.
    pub(crate) fn wake<'a>(&self, tenants: impl IntoIterator<Item = &'a TenantId>) {
        let mut senders = self.senders();
        for tenant in tenants {
            let Some(sender) = senders.get(tenant) else { continue };
            if sender.receiver_count() == 0 {
                senders.remove(tenant);
            } else {
                sender.send_modify(|count| *count = count.wrapping_add(1));
            }
        }
    }

    /// Wakes whoever waits.
    pub(crate) fn wake_all(&self) {
        for sender in self.senders().values() {
            sender.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    fn senders(&self) -> MutexGuard<'_, HashMap<TenantId, watch::Sender<u64>>> {
        // Nothing in here panics half way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_nobody_waits_for_go_away() {
        let wakeups = Wakeups::default();
        for n in 0..SWEEP_ABOVE * 3 {
            drop(wakeups.subscribe(&TenantId::parse(&format!("t{n}")).unwrap()));
        }
        assert!(wakeups.senders().len() <= SWEEP_ABOVE);

        let tenant = TenantId::default_tenant();
        drop(wakeups.subscribe(&tenant));
        wakeups.wake([&tenant]);
        assert!(!wakeups.senders().contains_key(&tenant));
    }
}
