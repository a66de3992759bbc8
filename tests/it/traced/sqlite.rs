//! SQLite: vidne itself writes and syncs.

use super::{connect, order::synced_before_answered, record, strace::Strace};
use crate::support::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_sqlite_has_synced_an_event_before_its_answer_is_written() {
    let server = Server::on_sqlite();
    let mut client = connect(&server).await;
    // The first makes files and prepares statements.
    record(&mut client).await;
    let strace = Strace::attach(&[server.process()]);
    let ids = record(&mut client).await;
    let trace = strace.finish();
    for id in ids {
        if let Err(wrong) = synced_before_answered(&trace, &id, "vidne.db-wal", None) {
            panic!("{id}: {wrong}\n{trace}");
        }
    }
}
