//! The journal over the real store: what one tenant's trouble does to others, and what a killed connection does
//! to receipts.

use std::{collections::HashMap, sync::Arc, time::Duration};

use sqlx::Row;
use vidne::{
    domain::time::SystemClock,
    service::{
        ServiceError,
        journal::{Admission, Journal, JournalOptions},
    },
    store::{
        contract::AppendOutcome,
        sql::{PoolOptions, SqlStore},
    },
};

use super::{
    harness::TestDatabase,
    outage::migrated,
    sample::{add_tenant, all, event_in},
};

struct Bench {
    database: TestDatabase,
    store: Arc<SqlStore>,
    journal: Journal,
}

async fn bench(database: TestDatabase, lock_timeout: Duration) -> Bench {
    let options = PoolOptions { max_connections: 6, lock_timeout, ..PoolOptions::default() };
    let store = Arc::new(SqlStore::open(&database.database(), &options).await.unwrap());
    for tenant in ["a", "b", "c"] {
        add_tenant(&*store, tenant).await;
    }
    // One committer, so that all tenants share it.
    let options = JournalOptions { committers: 1, ..JournalOptions::default() };
    let (journal, committers) = Journal::start(store.clone(), Arc::new(SystemClock), &options);
    tokio::spawn(committers.ended());
    Bench { database, store, journal }
}

type Outcome = Result<AppendOutcome, ServiceError>;

async fn record(journal: &Journal, tenant: &str, n: u128) -> Outcome {
    let pending = journal.enqueue(vec![event_in(tenant, n)], Admission::Wait).await.unwrap();
    pending.outcomes().await.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_somebody_holds_delays_only_its_own_tenant() {
    let bench = bench(migrated().await, Duration::from_secs(60)).await;
    let mut other = bench.database.connect().await;
    let hold =
        "BEGIN; SELECT 1 FROM heads JOIN tenants USING (tenant_key) WHERE id = 'a' FOR UPDATE OF heads";
    sqlx::raw_sql(hold).execute(&mut other).await.unwrap();

    // Together in one request, so that they come to the committer together.
    let events = ["a", "b", "c"].map(|tenant| event_in(tenant, 1)).to_vec();
    let together = bench.journal.enqueue(events, Admission::Wait).await.unwrap();
    let mut held = tokio::spawn(together.outcomes());
    for n in 2..30 {
        for tenant in ["b", "c"] {
            let outcome =
                tokio::time::timeout(Duration::from_secs(20), record(&bench.journal, tenant, n)).await;
            assert!(matches!(outcome, Ok(Ok(AppendOutcome::Recorded(_)))), "{tenant} {n}: {outcome:?}");
        }
    }
    assert!(tokio::time::timeout(Duration::from_millis(1), &mut held).await.is_err(), "a's is held");
    assert_eq!(all(&*bench.store, "b").await.len(), 29, "b's part of the first request as well");

    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    let outcomes = held.await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(AppendOutcome::Recorded(_)))), "{outcomes:?}");
    assert_eq!(all(&*bench.store, "a").await.len(), 1);
}

const WRITERS: u128 = 6;
const KILLS: usize = 20;

/// Each writer records `requests` requests of `batch` events.
async fn receipts_survive_killed_connections(database: TestDatabase, requests: u128, batch: u128) {
    let bench = bench(database, Duration::from_secs(60)).await;
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let journal = bench.journal.clone();
        writers.push(tokio::spawn(async move {
            let tenant = ["a", "b", "c"][(writer % 3) as usize];
            let mut receipts = Vec::new();
            for n in 0..requests {
                let ids: Vec<u128> = (0..batch).map(|i| writer * 1_000_000 + n * batch + i).collect();
                // As a client does: the same ids again until the answer is known.
                loop {
                    let events = ids.iter().map(|&id| event_in(tenant, id)).collect();
                    let outcomes = journal.enqueue(events, Admission::Wait).await.unwrap().outcomes().await;
                    if outcomes.iter().all(Result::is_ok) {
                        receipts.extend(ids.iter().copied().zip(outcomes));
                        break;
                    }
                    for outcome in outcomes {
                        assert!(
                            matches!(
                                outcome,
                                Err(ServiceError::StoreAway)
                                    | Ok(AppendOutcome::Recorded(_) | AppendOutcome::Duplicate(_))
                            ),
                            "{outcome:?}"
                        );
                    }
                }
            }
            (tenant, receipts)
        }));
    }
    // Each kill after some progress, so that all of them hit appends under way.
    let mut watch = bench.database.connect().await;
    let mut before = 0;
    for _ in 0..KILLS {
        loop {
            let sql = "SELECT sum(last_sequence)::int8 FROM heads";
            let now: i64 = sqlx::query(sql).fetch_one(&mut watch).await.unwrap().get(0);
            if now > before || writers.iter().all(tokio::task::JoinHandle::is_finished) {
                before = now;
                break;
            }
        }
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND application_name = 'vidne'";
        sqlx::raw_sql(sql).execute(&mut watch).await.unwrap();
    }
    let mut given: HashMap<&str, Vec<(u128, Outcome)>> = HashMap::new();
    for writer in writers {
        let (tenant, receipts) = writer.await.unwrap();
        given.entry(tenant).or_default().extend(receipts);
    }
    for (tenant, receipts) in given {
        let kept = all(&*bench.store, tenant).await;
        assert!(kept.iter().map(|event| event.sequence).eq(1..=kept.len() as u64), "{tenant}: no holes");
        assert_eq!(kept.len() as u128, WRITERS / 3 * requests * batch, "{tenant}: each event once");
        for (id, receipt) in receipts {
            let (Ok(AppendOutcome::Recorded(stamp)) | Ok(AppendOutcome::Duplicate(stamp))) = receipt else {
                panic!("{receipt:?}");
            };
            let event = &kept[stamp.sequence as usize - 1];
            assert_eq!((event.sequence, event.leaf_hash), (stamp.sequence, stamp.leaf_hash), "{tenant} {id}");
            let content = format!("content of {id}");
            assert!(event.payload.windows(content.len()).any(|part| part == content.as_bytes()), "{id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g3_receipts_survive_killed_connections() {
    receipts_survive_killed_connections(migrated().await, 50, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g3_receipts_of_batches_by_copy_survive_killed_connections() {
    receipts_survive_killed_connections(migrated().await.over_its_socket().await, 10, 150).await;
}
