//! Servers on one PostgreSQL tell each other of new events.

use std::time::Duration;

use vidne::store::{
    EventStore,
    sql::{PoolOptions, SqlStore},
};

use super::{
    harness::TestDatabase,
    outage::migrated,
    sample::{at, event, tenant},
};

async fn open(database: &TestDatabase) -> SqlStore {
    SqlStore::open(&database.database(), &PoolOptions::default()).await.unwrap()
}

/// Waits for a wake-up; fails after a minute.
async fn woken(wakeups: &mut tokio::sync::watch::Receiver<u64>) {
    tokio::time::timeout(Duration::from_secs(60), wakeups.changed()).await.expect("a wake-up").unwrap();
}

/// Appends until the listener hears of it: what is said before it listens is lost.
async fn heard(writer: &SqlStore, wakeups: &mut tokio::sync::watch::Receiver<u64>, from: u128) {
    for n in from..from + 600 {
        writer.append(&[event(n)], at(1)).await.unwrap();
        if tokio::time::timeout(Duration::from_millis(100), wakeups.changed()).await.is_ok() {
            return;
        }
    }
    panic!("nobody was told within a minute");
}

#[tokio::test]
async fn an_append_at_one_server_wakes_readers_at_another() {
    let database = migrated().await;
    let (writer, reader) = (open(&database).await, open(&database).await);
    let mut wakeups = reader.wakeups(&tenant("default"));
    // The first one tells that the reader listens now.
    woken(&mut wakeups).await;
    wakeups.borrow_and_update();
    writer.append(&[event(1)], at(1)).await.unwrap();
    woken(&mut wakeups).await;
}

#[tokio::test]
async fn a_listener_whose_connection_is_ended_listens_again_by_itself() {
    let database = migrated().await;
    let (writer, reader) = (open(&database).await, open(&database).await);
    let mut wakeups = reader.wakeups(&tenant("default"));
    woken(&mut wakeups).await;
    database.terminate_connections().await;
    // What was said meanwhile is lost, so that whoever listens again wakes everybody.
    woken(&mut wakeups).await;
    wakeups.borrow_and_update();
    let mut from = 1;
    // The writer's connections were ended as well.
    while writer.append(&[event(from)], at(1)).await.is_err() {
        from += 1;
    }
    heard(&writer, &mut wakeups, 1_000).await;
}
