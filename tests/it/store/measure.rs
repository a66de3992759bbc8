//! (temporary) figures
use super::{
    harness::TestDatabase,
    outage::migrated,
    sample::{at, event},
};
use bytes::Bytes;
use std::time::Instant;
use vidne::store::{
    EventStore,
    contract::NewEvent,
    sql::{Database, PoolOptions, SqlStore, migrate},
};

fn make(from: u128, n: u128) -> Vec<NewEvent> {
    let body = Bytes::from(vec![120u8; 450]);
    (from..from + n)
        .map(|i| NewEvent {
            id: vidne::domain::id::EventId::from(uuid::Uuid::from_u128(
                (i << 80) | 0x7000_8000_0000_0000_0000,
            )),
            content: body.clone(),
            personal: (i % 2 == 0).then(|| Bytes::from_static(&[1; 40])),
            ..event(i)
        })
        .collect()
}
async fn run(name: &str, database: &Database) {
    let store = SqlStore::open(database, &PoolOptions::default()).await.unwrap();
    let mut from = 1u128;
    for (size, rounds) in
        [(1u128, 400u128), (10, 100), (50, 60), (100, 60), (300, 30), (1000, 16), (3000, 6), (10_000, 3)]
    {
        for _ in 0..7 {
            store.append(&make(from, size.min(1000)), at(1)).await.unwrap();
            from += size.min(1000);
        }
        let batches: Vec<_> = (0..rounds).map(|r| make(from + r * size, size)).collect();
        from += rounds * size;
        let start = Instant::now();
        for batch in &batches {
            store.append(batch, at(1)).await.unwrap();
        }
        let t = start.elapsed().as_secs_f64();
        println!(
            "{name:10} batch {size:6}: {:9.0} events/s  {:8.2} ms/batch",
            (rounds * size) as f64 / t,
            t * 1e3 / rounds as f64
        );
    }
}
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn measure_all() {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let database = Database::sqlite(folder.path());
    migrate(&database).await.unwrap();
    run("sqlite", &database).await;
    let tcp: TestDatabase = migrated().await;
    run("tcp", &tcp.database()).await;
    let socket = migrated().await.over_its_socket().await;
    run("socket", &socket.database()).await;
}
