//! G10: a server that stalls in a transaction delays only the tenants whose heads it holds.

use std::{sync::Arc, time::Duration};

use vidne::{
    domain::time::SystemClock,
    service::{
        ServiceError,
        journal::{Admission, Journal, JournalOptions},
    },
    store::{
        EventStore as _,
        contract::AppendOutcome,
        sql::{PoolOptions, SqlStore, migrate},
    },
};

use crate::{
    faults::watchdog::Watchdog,
    store::{
        harness::TestDatabase,
        sample::{add_tenant, all, event_in, tenant},
    },
};

/// How long a server waits for a head.
const LOCK: Duration = Duration::from_millis(400);
/// Events of the tenant that must not be delayed, by each journal.
const FREE: u128 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g10_a_stalled_server_that_holds_a_head_delays_only_that_tenant() {
    let watchdog = Watchdog::default();
    watchdog.within(Duration::from_secs(120), stall(&watchdog)).await;
}

async fn stall(watchdog: &Watchdog) {
    let database = TestDatabase::create().await;
    migrate(&database.database()).await.unwrap();
    let options = PoolOptions { lock_timeout: LOCK, ..PoolOptions::default() };
    let mut journals = Vec::new();
    let mut stores = Vec::new();
    for _ in 0..2 {
        let store = Arc::new(SqlStore::open(&database.database(), &options).await.unwrap());
        // One committer: the hardest case, since both tenants come to the same one.
        let options = JournalOptions { committers: 1, ..JournalOptions::default() };
        journals.push(Journal::start(store.clone(), Arc::new(SystemClock), &options));
        stores.push(store);
    }
    add_tenant(&*stores[0], "held").await;
    add_tenant(&*stores[0], "free").await;

    // The third server: in the midst of a transaction, and silent.
    let mut stalled = database.connect().await;
    let sql = "BEGIN; SELECT 1 FROM heads JOIN tenants USING (tenant_key) WHERE tenants.id = 'held' FOR UPDATE OF heads";
    sqlx::raw_sql(sql).execute(&mut stalled).await.unwrap();

    let mut stuck = Vec::new();
    let mut slowest = Duration::ZERO;
    for n in 0..FREE {
        for (number, (journal, _)) in journals.iter().enumerate() {
            let id = n * 2 + number as u128;
            // Now and then more for the tenant that is held, so that each committer meets it again and again.
            if n % 10 == 0 {
                let event = event_in("held", id);
                stuck.push(journal.enqueue(vec![event], Admission::Now).await.unwrap());
            }
            watchdog.doing("the free tenant", format!("event {n} of journal {number}"));
            let begun = std::time::Instant::now();
            let pending = journal.enqueue(vec![event_in("free", id)], Admission::Now).await.unwrap();
            let outcomes = pending.outcomes().await;
            assert!(matches!(outcomes[..], [Ok(AppendOutcome::Recorded(_))]), "{outcomes:?}");
            slowest = slowest.max(begun.elapsed());
        }
    }
    // One wait for the lock until it is known that it is held, and what else a busy machine needs.
    assert!(slowest < LOCK * 10, "the free tenant waited for {slowest:?}");
    assert_eq!(stores[0].head(&tenant("held")).await.unwrap().sequence, 0);

    sqlx::raw_sql("ROLLBACK").execute(&mut stalled).await.unwrap();
    watchdog.doing("the held tenant", "what was sent meanwhile");
    let mut recorded = 0;
    for pending in stuck {
        for outcome in pending.outcomes().await {
            match outcome {
                Ok(AppendOutcome::Recorded(_)) => recorded += 1,
                Err(ServiceError::StoreAway) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    watchdog.doing("the held tenant", "one more");
    let pending = journals[1].0.enqueue(vec![event_in("held", 9_999)], Admission::Now).await.unwrap();
    assert!(matches!(pending.outcomes().await[..], [Ok(AppendOutcome::Recorded(_))]));
    for (log, count) in [("free", FREE as usize * 2), ("held", recorded + 1)] {
        let kept = all(&*stores[0], log).await;
        assert!(kept.iter().map(|event| event.sequence).eq(1..=count as u64), "{log}: {} events", kept.len());
    }
    for (journal, committers) in journals {
        drop(journal);
        watchdog.doing("the journals", "ending");
        committers.ended().await;
    }
}
