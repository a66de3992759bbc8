//! Tells other servers on the same PostgreSQL which logs have grown, and hears it from them (LISTEN, NOTIFY).
//!
//! Hints only: a lost one is made up for by whoever waits, who polls. A NOTIFY makes commits of the whole database
//! queue for one lock, so it is not part of the transactions that append, and one tells of all that has grown in a while.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use sqlx::postgres::{PgListener, PgPool};
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::{domain::id::TenantId, store::wakeups::Wakeups};

const CHANNEL: &str = "vidne_grown";

/// What grows within this time is told of together.
const PAUSE: Duration = Duration::from_millis(20);

/// A NOTIFY takes payloads of fewer than 8,000 bytes (PostgreSQL manual, "NOTIFY").
const PAYLOAD: usize = 7_900;

/// How long to wait before listening again after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// Speaks for this server. Its tasks end when it is dropped.
#[derive(Debug)]
pub(super) struct Notifier {
    /// Tells what we said ourselves from what others said.
    us: Uuid,
    grown: Arc<Grown>,
    /// A pool of its own with one connection, since a listener keeps it.
    listen: PgPool,
    wakeups: Arc<Wakeups>,
    listening: OnceLock<()>,
    end: DropGuard,
}

/// Logs that grew and of which nobody was told yet.
#[derive(Debug, Default)]
struct Grown {
    tenants: Mutex<HashSet<TenantId>>,
    some: Notify,
}

impl Notifier {
    /// Begins to speak with connections of `speak`; listens with one of `listen` as soon as somebody asks for it.
    pub(super) fn start(speak: PgPool, listen: PgPool, wakeups: Arc<Wakeups>) -> Self {
        let us = Uuid::new_v4();
        let grown = Arc::new(Grown::default());
        let end = CancellationToken::new();
        tokio::spawn(end.clone().run_until_cancelled_owned(tell(speak, us, grown.clone())));
        Self { us, grown, listen, wakeups, listening: OnceLock::new(), end: end.drop_guard() }
    }

    /// These logs have grown.
    pub(super) fn grown<'a>(&self, tenants: impl IntoIterator<Item = &'a TenantId>) {
        let mut grown = self.grown.tenants();
        grown.extend(tenants.into_iter().cloned());
        self.grown.some.notify_one();
    }

    /// Listens from now on.
    pub(super) fn listen(&self) {
        self.listening.get_or_init(|| {
            let hear = hear(self.listen.clone(), self.us, self.wakeups.clone());
            tokio::spawn(self.end.token().clone().run_until_cancelled_owned(hear));
        });
    }
}

impl Grown {
    fn tenants(&self) -> MutexGuard<'_, HashSet<TenantId>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn tell(pool: PgPool, us: Uuid, grown: Arc<Grown>) {
    loop {
        grown.some.notified().await;
        let tenants = mem::take(&mut *grown.tenants());
        for payload in payloads(us, tenants) {
            let told =
                sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(payload).execute(&pool).await;
            if let Err(error) = told {
                tracing::debug!(%error, "other servers were not told of new events; they will find them by themselves");
            }
        }
        sleep(PAUSE).await;
    }
}

async fn hear(pool: PgPool, us: Uuid, wakeups: Arc<Wakeups>) {
    loop {
        if let Err(error) = hear_until_lost(&pool, us, &wakeups).await {
            tracing::debug!(%error, "cannot listen for new events of other servers; polling finds them");
        }
        sleep(RETRY).await;
    }
}

async fn hear_until_lost(pool: &PgPool, us: Uuid, wakeups: &Wakeups) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    // What was said before is lost; so is what is said while a connection is.
    wakeups.wake_all();
    while let Some(notification) = listener.try_recv().await? {
        if let Some(tenants) = read(notification.payload(), us) {
            wakeups.wake(&tenants);
        }
    }
    Ok(())
}

/// Who speaks, then the tenants, parted by spaces, in as many payloads as it takes.
fn payloads(us: Uuid, tenants: HashSet<TenantId>) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for tenant in tenants {
        match payloads.last_mut() {
            Some(last) if last.len() + 1 + tenant.as_str().len() <= PAYLOAD => {
                last.push(' ');
                last.push_str(tenant.as_str());
            }
            _ => payloads.push(format!("{us} {tenant}")),
        }
    }
    payloads
}

/// The tenants of a payload; `None` if we said it ourselves.
fn read(payload: &str, us: Uuid) -> Option<Vec<TenantId>> {
    let (who, tenants) = payload.split_once(' ')?;
    (who.parse() != Ok(us)).then(|| tenants.split(' ').filter_map(TenantId::parse).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_tenants_is_told_in_payloads_that_postgresql_takes() {
        let us = Uuid::new_v4();
        let tenants: HashSet<TenantId> =
            (0..500).map(|n| TenantId::parse(&format!("{n:0>60}")).unwrap()).collect();
        let payloads = payloads(us, tenants.clone());
        assert!(payloads.len() > 1 && payloads.iter().all(|payload| payload.len() <= PAYLOAD));
        let heard: HashSet<TenantId> =
            payloads.iter().flat_map(|payload| read(payload, Uuid::new_v4()).unwrap()).collect();
        assert_eq!(heard, tenants);
        assert!(payloads.iter().all(|payload| read(payload, us).is_none()), "nobody listens to itself");
    }

    #[test]
    fn what_others_say_on_the_channel_harms_nobody() {
        for payload in ["", "x", "x y", "\u{1F600} UPPER", &" ".repeat(100)] {
            assert!(read(payload, Uuid::new_v4()).unwrap_or_default().len() <= 1);
        }
    }
}
