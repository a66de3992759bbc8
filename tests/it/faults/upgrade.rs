//! Two servers on one PostgreSQL behind one address are replaced one after the other, as a Deployment does it.

use std::{fs, sync::Arc, time::Duration};

use prost::Message as _;
use tokio::{sync::watch, task::block_in_place};
use tokio_util::task::AbortOnDropHandle;
use tonic::transport::Endpoint;
use vidne::{
    client::{Client, ClientOptions, QueryItem, Resume},
    codec::proto::v1::{Event, QueryEventsRequest},
};

use super::{
    ledger::Ledger,
    load::{LetDown, Load, TENANTS, make_tenants, more_receipts},
    log::check,
    watchdog::Watchdog,
};
use crate::support::{
    effort::{random, rounds},
    postgres::TestDatabase,
    proxy::Proxy,
    server::Server,
};

const LONG: Duration = Duration::from_secs(120);

/// As the chart has them, but faster.
const SETTINGS: &str = "
[server]
max_connection_age = \"1s\"
[shutdown]
delay = \"300ms\"
deadline = \"20s\"
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_g3_g4_nothing_is_lost_or_twice_while_two_servers_behind_one_address_are_upgraded_under_load() {
    let mut random = random("rolling upgrade");
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("vidne.toml");
    // Made by the first server, as it is the same for both.
    let key = folder.path().join("key");
    fs::write(&settings, format!("{SETTINGS}[keys]\nfile = {:?}\n", key.to_str().unwrap())).unwrap();
    let database = TestDatabase::create().await;
    let arguments = ["--database-url", database.url(), "--migrate", "--config", settings.to_str().unwrap()];
    let mut servers = [Server::with_arguments(&arguments), Server::with_arguments(&arguments)];
    let proxy = Proxy::start(servers.iter().map(|server| server.addresses().listen).collect()).await;
    let endpoint = Endpoint::from_shared(proxy.endpoint()).unwrap().connect_timeout(Duration::from_secs(5));
    let channels = [endpoint.connect_lazy(), endpoint.connect_lazy()];
    make_tenants(&channels[0]).await;

    let (ledger, watchdog) = (Arc::new(Ledger::default()), Watchdog::default());
    let mut start = |channel| Load::start(channel, &ledger, &watchdog, LetDown::ByConnection, &mut random);
    let [mut left, mut right] = [start(&channels[0]), start(&channels[1])];
    let (told, mut seen) = watch::channel(0);
    let reader = AbortOnDropHandle::new(tokio::spawn(follow(proxy.endpoint(), told)));
    for round in 0..rounds(1, 10) {
        for (number, server) in servers.iter_mut().enumerate() {
            watchdog.doing("the run", format!("round {round}, server {number}"));
            tokio::select! {
                () = watchdog.within(LONG, more_receipts(&ledger, 1_000)) => {}
                () = left.failure() => {}
                () = right.failure() => {}
            }
            let ended = block_in_place(|| server.terminate());
            assert!(ended.success(), "{ended}: {}", server.log());
            block_in_place(|| server.restart());
        }
    }
    watchdog.doing("the run", "stopping");
    watchdog.within(LONG, left.stop()).await;
    watchdog.within(LONG, right.stop()).await;
    let figures = watchdog.within(LONG, check(channels[0].clone(), &TENANTS, &ledger)).await;
    let entries = ledger.entries();
    let expected = entries.keys().filter(|(tenant, _)| tenant == TENANTS[0]).count() as u64;
    eprintln!("rolling upgrade: {figures}, over {} connections", proxy.connections());
    // The subscriber was there all the time.
    let all = watchdog.within(LONG, seen.wait_for(|seen| *seen >= expected)).await.map(|seen| *seen);
    match all {
        Ok(seen) => assert_eq!(seen, expected),
        Err(_) => panic!("the subscriber: {:?}", reader.await),
    }
}

/// Subscribes as other services do, whatever happens to its connections; tells how far it came.
///
/// # Panics
///
/// If it is not given 1, 2, 3, ..., each once.
async fn follow(endpoint: String, told: watch::Sender<u64>) {
    let client = Client::connect(&endpoint, ClientOptions::default()).unwrap();
    let tenant_id = TENANTS[0].to_owned();
    let request = QueryEventsRequest { tenant_id, follow: true, ..QueryEventsRequest::default() };
    let mut stream = client.query(request, Resume::Always);
    let mut seen = 0;
    loop {
        if let QueryItem::Events(events) = stream.next().await.unwrap().unwrap().item {
            for event in events {
                seen += 1;
                assert_eq!(Event::decode(event).unwrap().sequence, seen);
            }
            told.send_replace(seen);
        }
    }
}
