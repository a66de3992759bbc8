//! Connections that break, locks that are held, readers that hold nothing.

use std::time::Duration;

use sqlx::Row;
use vidne::{
    domain::query::Order,
    store::{
        EventStore, StoreError,
        contract::AppendOutcome,
        sql::{PoolOptions, SqlStore, migrate},
    },
};

use super::{
    harness::TestDatabase,
    sample::{all, at, collect, event, tenant},
};

pub async fn migrated() -> TestDatabase {
    let database = TestDatabase::create().await;
    migrate(&database.database()).await.unwrap();
    database
}

#[tokio::test]
async fn a_store_whose_connections_were_ended_works_again_by_itself() {
    let database = migrated().await;
    let options = PoolOptions { max_connections: 4, ..PoolOptions::default() };
    let store = SqlStore::open(&database.database(), &options).await.unwrap();
    for round in 0..5 {
        let events = || vec![event(round * 2), event(round * 2 + 1)];
        store.append(&events(), at(1)).await.unwrap();
        // Fill the pool, so that more than one connection breaks.
        let log = tenant("default");
        let (a, b, c) = tokio::join!(store.head(&log), store.head(&log), store.head(&log));
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        database.terminate_connections().await;
        let mut refusals = 0;
        let outcomes = loop {
            match store.append(&[event(1_000 + round)], at(1)).await {
                Ok(outcomes) => break outcomes,
                Err(StoreError::Unavailable(_)) if refusals < 10 => refusals += 1,
                Err(other) => panic!("after {refusals} refusals: {other:?}"),
            }
        };
        assert!(matches!(outcomes[..], [AppendOutcome::Recorded(_)]));
    }
    let kept = all(&store, "default").await;
    assert!(kept.iter().map(|event| event.sequence).eq(1..=15));
}

#[tokio::test]
async fn a_transaction_held_open_makes_others_wait_and_later_commits_come_later() {
    let database = migrated().await;
    let store = SqlStore::open(&database.database(), &PoolOptions::default()).await.unwrap();
    let mut other = database.connect().await;
    sqlx::raw_sql("BEGIN; UPDATE heads SET last_sequence = last_sequence + 1, last_recorded = 77")
        .execute(&mut other)
        .await
        .unwrap();
    let append = tokio::spawn(async move { (store.append(&[event(1)], at(1)).await, store) });
    let mut watch = database.connect().await;
    loop {
        let waiting = sqlx::query("SELECT count(*) FROM pg_locks WHERE NOT granted").fetch_one(&mut watch);
        if waiting.await.unwrap().get::<i64, _>(0) > 0 {
            break;
        }
        assert!(!append.is_finished(), "nothing goes past a locked head");
        tokio::task::yield_now().await;
    }
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    let (outcomes, _store) = append.await.unwrap();
    let AppendOutcome::Recorded(stamp) = outcomes.unwrap()[0] else { panic!("recorded") };
    assert_eq!((stamp.sequence, stamp.recorded), (2, at(77)), "what was committed meanwhile is seen");
}

#[tokio::test]
async fn a_lock_that_does_not_come_is_given_up_and_nothing_is_left() {
    let database = migrated().await;
    let options = PoolOptions { lock_timeout: Duration::from_millis(50), ..PoolOptions::default() };
    let store = SqlStore::open(&database.database(), &options).await.unwrap();
    let mut other = database.connect().await;
    sqlx::raw_sql("BEGIN; SELECT 1 FROM heads FOR UPDATE").execute(&mut other).await.unwrap();
    let refused = store.append(&[event(1)], at(1)).await;
    assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    let outcomes = store.append(&[event(1)], at(1)).await.unwrap();
    assert!(matches!(outcomes[..], [AppendOutcome::Recorded(stamp)] if stamp.sequence == 1));
}

#[tokio::test]
async fn the_isolation_level_of_the_database_does_not_matter() {
    let database = migrated().await;
    let name = sqlx::query("SELECT current_database()").fetch_one(&mut database.connect().await).await;
    let name: String = name.unwrap().get(0);
    let sql = format!("ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut database.connect().await).await.unwrap();
    let one = SqlStore::open(&database.database(), &PoolOptions::default()).await.unwrap();
    let two = SqlStore::open(&database.database(), &PoolOptions::default()).await.unwrap();
    let (one, two) = tokio::join!(append_many(one, 0), append_many(two, 1_000));
    assert_eq!((one, two), (30, 30));
}

async fn append_many(store: SqlStore, from: u128) -> usize {
    for n in from..from + 30 {
        store.append(&[event(n)], at(1)).await.unwrap();
    }
    30
}

#[tokio::test]
async fn a_pool_without_a_free_connection_answers_unavailable_in_time() {
    let database = migrated().await;
    let options =
        PoolOptions { max_connections: 1, acquire_timeout: Duration::from_secs(1), ..PoolOptions::default() };
    let store = SqlStore::open(&database.database(), &options).await.unwrap();
    store.head(&tenant("default")).await.unwrap();
    let mut other = database.connect().await;
    sqlx::raw_sql("BEGIN; SELECT 1 FROM heads FOR UPDATE").execute(&mut other).await.unwrap();
    let (events, log) = ([event(1)], tenant("default"));
    let (blocked, starved) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(3), store.append(&events, at(1))),
        store.head(&log),
    );
    assert!(blocked.is_err(), "it waits for the lock");
    assert!(matches!(starved, Err(StoreError::Unavailable(_))), "{starved:?}");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    // The abandoned call has given its connection back, and left nothing.
    let head = loop {
        match store.head(&log).await {
            Ok(head) => break head,
            Err(StoreError::Unavailable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(head.sequence, 0);
}

#[tokio::test]
async fn a_reader_holds_no_connection_between_its_steps() {
    let database = migrated().await;
    let options = PoolOptions { max_connections: 1, ..PoolOptions::default() };
    let store = SqlStore::open(&database.database(), &options).await.unwrap();
    store.append(&(1..=600).map(event).collect::<Vec<_>>(), at(1)).await.unwrap();
    let (log, filter) = (tenant("default"), Default::default());
    for order in [Order::Ascending, Order::Descending] {
        let range = if order == Order::Ascending { (1, 600) } else { (600, 1) };
        assert_eq!(collect(&store, &log, &filter, order, range, (7, 1_000_000)).await.len(), 600);
    }
}
