//! Real collectors read the folder while the exporter writes to it: every event arrives once.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::real::Real;
use crate::support::{
    collectors::Collector,
    effort::rounds,
    sshd::{Login, Sshd},
};

/// How long a collector may take to read what there is.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);
const EVENTS: usize = 10;

/// The sequences of the lines that a collector has put out, sorted, once `wanted` has arrived.
fn collected(collector: &mut Collector, wanted: u64) -> Vec<u64> {
    let end = Instant::now() + PATIENCE;
    loop {
        let mut sequences: Vec<u64> = collector.lines().iter().map(|line| sequence(line)).collect();
        if sequences.contains(&wanted) {
            sequences.sort_unstable();
            return sequences;
        }
        assert!(Instant::now() < end, "{wanted} has not arrived: {sequences:?}");
        std::thread::sleep(LOOK);
    }
}

fn sequence(line: &str) -> u64 {
    let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    event["sequence"].as_u64().unwrap()
}

/// The wanted events of the log.
async fn wanted(real: &Real) -> Vec<u64> {
    let filter = real.bed.job().await.settings.filter;
    let log = real.bed.log().await;
    log.iter().filter(|event| filter.matches(event)).map(|event| event.sequence).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_rsyslog_and_syslog_ng_pick_every_event_up_once_while_the_exporter_runs() {
    let sshd = Sshd::start(Login::PasswordOrKey);
    let real = Real::on_openssh(&sshd).await;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    // One is there from the beginning, the other comes when files are there already.
    let mut collectors = vec![Collector::rsyslog(&sshd.landing_folder(), folders[0].path())];
    for round in 0..rounds(6, 30) {
        real.bed.record_some(EVENTS).await;
        real.run().await.unwrap();
        if round == 1 {
            collectors.push(Collector::syslog_ng(&sshd.landing_folder(), folders[1].path()));
        }
        // Somewhere in the middle of what they do.
        let last = *wanted(&real).await.last().unwrap();
        if round % 2 == 1 {
            tokio::task::block_in_place(|| collected(&mut collectors[0], last));
        }
    }
    let all = wanted(&real).await;
    let last = *all.last().unwrap();
    for (collector, folder) in collectors.iter_mut().zip(&folders) {
        // What it gets twice may come late: only after one more file is it certain to have been.
        let early = tokio::task::block_in_place(|| collected(collector, last));
        assert!(early.len() <= all.len(), "{early:?}");
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        eprintln!("{} of {} events at first, its log: {log:?}", early.len(), all.len());
    }
    real.bed.record_some(1).await;
    real.run().await.unwrap();
    let all = wanted(&real).await;
    for collector in &mut collectors {
        let end = Instant::now() + PATIENCE;
        loop {
            let got = tokio::task::block_in_place(|| collected(collector, *all.last().unwrap()));
            if got == all {
                break;
            }
            assert!(got.len() < all.len() && Instant::now() < end, "{got:?} instead of {all:?}");
            tokio::time::sleep(LOOK).await;
        }
    }
}
