//! vidne is killed.

use std::{sync::Arc, time::Duration};

use tokio::task::block_in_place;
use tonic::transport::{Channel, Endpoint};

use super::{
    ledger::Ledger,
    load::{LetDown, Load, TENANTS, make_tenants, more_receipts},
    log::check,
    watchdog::Watchdog,
};
use crate::support::{
    effort::{random, rounds},
    postgres::TestDatabase,
    server::Server,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g3_every_receipt_holds_after_vidne_is_killed_under_load_on_sqlite() {
    kill_and_check("sqlite", Server::on_sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_g2_g3_every_receipt_holds_after_vidne_is_killed_under_load_on_postgresql() {
    let database = TestDatabase::create().await;
    kill_and_check("postgresql", Server::on_postgres(&database)).await;
}

async fn kill_and_check(store: &str, mut server: Server) {
    let name = format!("vidne killed on {store}");
    let mut random = random(&name);
    let rounds = rounds(2, 20);
    let channel = connect(&server);
    make_tenants(&channel).await;
    let (ledger, watchdog) = (Arc::new(Ledger::default()), Watchdog::default());
    let mut load = Load::start(&channel, &ledger, &watchdog, LetDown::ByConnection, &mut random);
    for round in 1..=rounds {
        let (receipts, then) = (50 + random.below(1_500), Duration::from_micros(random.below(60_000)));
        watchdog.doing("the run", format!("round {round}: {receipts} more receipts"));
        let under_load = watchdog.within(Duration::from_secs(120), more_receipts(&ledger, receipts as usize));
        tokio::select! {
            () = under_load => {}
            () = load.failure() => {}
        }
        // Somewhere within a transaction, or between two.
        tokio::time::sleep(then).await;
        block_in_place(|| server.restart());
    }
    watchdog.doing("the run", "stopping");
    watchdog.within(Duration::from_secs(120), load.stop()).await;
    let figures = watchdog.within(Duration::from_secs(120), check(channel, &TENANTS, &ledger)).await;
    eprintln!("{name}, {rounds} times: {figures}");
}

/// Connects whenever there is something to connect to.
pub fn connect(server: &Server) -> Channel {
    let endpoint = Endpoint::from_shared(server.endpoint()).unwrap();
    endpoint.connect_timeout(Duration::from_secs(5)).tcp_nodelay(true).connect_lazy()
}
