//! Those who read while others write: nobody may ever see n before n-1.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sqlx::Row as _;
use tokio::task::JoinSet;
use vidne::{
    domain::{filter::EventFilter, id::TenantId, query::Order},
    store::{
        Store, StoreError,
        contract::{ScanRequest, StoredEvent},
    },
};

use super::plan::LOGS;
use crate::store::{bed::Bed, sample::tenant};

/// Watchers of every log.
pub struct Watchers(JoinSet<Result<(), String>>);

/// Starts one reader of each log by the store, and where there is SQL, one by that: it sees the rows as they are,
/// whatever the head says.
pub async fn start(bed: &Bed, done: &Arc<AtomicBool>) -> Watchers {
    let mut watchers = JoinSet::new();
    for log in LOGS {
        let store = bed.another_server().await;
        watchers.spawn(by_store(store, log, done.clone()));
        if let Some(database) = bed.postgres() {
            watchers.spawn(by_sql(database.connect().await, log, done.clone()));
        }
    }
    Watchers(watchers)
}

impl Watchers {
    /// Waits for them; they end after a last look once `done` is set.
    pub async fn ended(mut self) -> Result<(), String> {
        while let Some(ended) = self.0.join_next().await {
            ended.map_err(|failed| format!("a watcher failed: {failed}"))??;
        }
        Ok(())
    }
}

async fn by_store(store: Arc<dyn Store>, log: &'static str, done: Arc<AtomicBool>) -> Result<(), String> {
    let tenant = tenant(log);
    let mut seen: Vec<[u8; 32]> = Vec::new();
    loop {
        let last = done.load(Ordering::SeqCst);
        // Its connections are ended too, now and then.
        if let Ok(head) = store.head(&tenant).await {
            let from = seen.len() as u64;
            if head.sequence < from {
                return Err(format!("{log}: the head went back from {from} to {}", head.sequence));
            }
            if let Ok(events) = read(&*store, &tenant, head.sequence).await {
                if !events.iter().map(|event| event.sequence).eq(1..=head.sequence) {
                    return Err(format!("{log}: not all is there up to the head {}", head.sequence));
                }
                if !events.iter().zip(&seen).all(|(event, hash)| event.leaf_hash == *hash) {
                    return Err(format!("{log}: what was read before has changed"));
                }
                seen = events.iter().map(|event| event.leaf_hash).collect();
                if last {
                    return Ok(());
                }
            }
        }
        tokio::task::yield_now().await;
    }
}

/// Everything up to a head.
async fn read(store: &dyn Store, tenant: &TenantId, head: u64) -> Result<Vec<StoredEvent>, StoreError> {
    let mut events = Vec::new();
    let mut from = 1;
    while from <= head {
        let request = ScanRequest {
            tenant,
            order: Order::Ascending,
            from,
            through: head,
            filter: &EventFilter::default(),
            max_events: 1_000,
            max_bytes: usize::MAX,
            with_personal: false,
            full_after: 0,
        };
        let page = store.scan(request).await?;
        from = page.scanned + 1;
        events.extend(page.events);
    }
    Ok(events)
}

async fn by_sql(
    mut connection: sqlx::PgConnection,
    log: &'static str,
    done: Arc<AtomicBool>,
) -> Result<(), String> {
    // One statement, one view of the database.
    const SQL: &str = "SELECT count(*), coalesce(max(sequence), 0)::int8, coalesce(min(sequence), 1)::int8 \
                       FROM events JOIN tenants USING (tenant_key) WHERE tenants.id = $1";
    loop {
        let last = done.load(Ordering::SeqCst);
        let row = sqlx::query(SQL).bind(log).fetch_one(&mut connection).await.map_err(|e| e.to_string())?;
        let (count, newest, oldest): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        if count != newest || oldest != 1 {
            return Err(format!("{log}: {newest} can be seen, and {count} events in all"));
        }
        if last {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}
