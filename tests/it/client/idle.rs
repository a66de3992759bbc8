//! A recorder that waits does nothing else.

use std::{fs, time::Duration};

use tokio::time::sleep;
use vidne::client::{Client, ClientOptions, Policy, Recorder, RecorderOptions, SpoolOptions};

use super::{
    model::{Model, Reaction, away},
    recorder::{begin_all, event},
};

/// Processor time of this thread, on which the whole test runs, in hundredths of a second.
fn used() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::test]
async fn whatever_it_waits_for_it_does_not_spin() {
    let folder = tempfile::tempdir().unwrap();
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let patient = ClientOptions { first_backoff: Duration::from_millis(200), ..ClientOptions::default() };
    let nobody = Client::connect(&address.to_string(), patient.clone()).unwrap();
    let stuck = Model::stuck();
    let moody = Model::new(|_, _, events| Reaction::Each(events.iter().map(|_| Some(away())).collect()));
    let to = |address: std::net::SocketAddr| Client::connect(&address.to_string(), patient.clone()).unwrap();
    let spool = Policy::Spool(SpoolOptions::new(folder.path()));
    let linger = RecorderOptions { linger: Duration::from_secs(60), ..RecorderOptions::default() };
    let mut recorders = vec![
        Recorder::start(nobody.clone(), RecorderOptions::default()).await.unwrap(),
        Recorder::start(nobody.clone(), linger.clone()).await.unwrap(),
        Recorder::start(nobody, RecorderOptions { policy: spool, ..linger.clone() }).await.unwrap(),
        Recorder::start(to(stuck.serve().await), linger).await.unwrap(),
        Recorder::start(to(stuck.serve().await), RecorderOptions::default()).await.unwrap(),
    ];
    recorders.push(Recorder::start(to(moody.serve().await), RecorderOptions::default()).await.unwrap());
    let mut pending = Vec::new();
    for recorder in &recorders {
        pending.extend(begin_all(recorder, &[event("a"), event("b")]).await);
    }
    // Not to wait for something: to see what is used while nothing happens.
    sleep(Duration::from_millis(200)).await;
    let before = used();
    sleep(Duration::from_secs(2)).await;
    let used = used() - before;
    // Little enough to notice a spinning task on a machine with much else to do.
    assert!(used < 15, "{used} hundredths of a second in two seconds");
    drop(pending);
}
