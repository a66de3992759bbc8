//! PostgreSQL: its processes write and sync, vidne answers.

use super::{connect, order::synced_before_answered, record, strace::Strace};
use crate::support::{cluster::Cluster, server::Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_postgresql_has_synced_an_event_before_its_answer_is_written() {
    let (_cluster, results) = trace(Cluster::start().await).await;
    for (id, result) in results {
        result.unwrap_or_else(|wrong| panic!("{id}: {wrong}"));
    }
}

/// That the test above can fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_of_a_postgresql_that_syncs_nothing_shows_that() {
    let (_cluster, results) = trace(Cluster::with(&["fsync=off"]).await).await;
    for (id, result) in results {
        let wrong = result.expect_err(&id);
        assert!(wrong.contains("never synced"), "{id}: {wrong}");
    }
}

async fn trace(cluster: Cluster) -> (Cluster, Vec<(String, Result<(), String>)>) {
    let server = Server::on_url(cluster.url());
    let mut client = connect(&server).await;
    record(&mut client).await;
    // One trace of all of them, so that its lines are in one order.
    let strace = Strace::attach(&[cluster.processes(), vec![server.process()]].concat());
    let ids = record(&mut client).await;
    let trace = strace.finish();
    let port = format!(":{}", cluster.url().rsplit_once('/').unwrap().0.rsplit_once(':').unwrap().1);
    let check = |id: String| {
        let result = synced_before_answered(&trace, &id, "/pg_wal/", Some(&port));
        (id, result)
    };
    (cluster, ids.into_iter().map(check).collect())
}
