//! `vidne subscription`, with consumers and servers that are killed.

use std::{
    io::{BufRead as _, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Stdio},
};

use tempfile::TempDir;

use super::program::{client, command};
use crate::support::{postgres::TestDatabase, server::Server};

/// A `vidne subscription consume siem --json` process.
struct Consume {
    process: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Consume {
    fn at(server: &Server, name: &str) -> Self {
        let mut process = command(&["subscription", "consume", "siem", "--json", "--as", name])
            .env("VIDNE_SERVER", server.endpoint())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(process.stdout.take().unwrap()).lines();
        let err = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, out, err }
    }

    /// Reads standard error up to a line that holds `text`.
    fn wait_for(&mut self, text: &str) {
        let found = self.err.by_ref().map(Result::unwrap).any(|line| line.contains(text));
        assert!(found, "the consumer ended without saying {text:?}");
    }

    fn next_sequence(&mut self) -> u64 {
        let line = self.out.next().expect("the consumer ended").unwrap();
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["sequence"].as_u64().unwrap()
    }

    /// Sequences up to and including `last`, in order and without repetition.
    fn up_to(&mut self, last: u64) -> Vec<u64> {
        let mut all = vec![self.next_sequence()];
        while *all.last().unwrap() < last {
            all.push(self.next_sequence());
        }
        let first = all[0];
        assert_eq!(all, (first..=last).collect::<Vec<_>>());
        all
    }

    fn kill9(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Consume {
    fn drop(&mut self) {
        self.kill9();
    }
}

/// A configuration with a short lease, and one key for all servers.
fn configuration() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("vidne.toml");
    let key = folder.path().join("key");
    let text = format!("[subscriptions]\nlease = \"2s\"\n[keys]\nfile = {:?}\n", key.to_str().unwrap());
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap().to_owned();
    (folder, file)
}

fn record(server: &Server) {
    client(server, &["record", "--type", "read"]).ok();
}

fn show(server: &Server) -> serde_json::Value {
    client(server, &["subscription", "show", "siem", "--json"]).ok().json().remove(0)
}

/// Waits until everything up to `position` is acknowledged.
fn acknowledged(server: &Server, position: u64) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while show(server)["acknowledged_sequence"].as_u64().unwrap() < position {
        assert!(std::time::Instant::now() < end, "{}", show(server));
    }
}

#[test]
fn a_subscription_is_created_shown_consumed_and_deleted() {
    let server = Server::on_sqlite();
    record(&server);
    client(&server, &["record", "--type", "search"]).ok();
    let created =
        client(&server, &["subscription", "create", "siem", "--type", "read", "--json"]).ok().json();
    assert_eq!(created[0]["filter"]["types"][0], "RECORD_READ");
    let listed = client(&server, &["subscription", "list"]).ok().out;
    assert!(listed.contains("NAME") && listed.contains("siem"), "{listed}");
    let run = || client(&server, &["subscription", "consume", "siem", "--json", "--until-caught-up"]).ok();
    let sequences = |run: super::program::Run| {
        run.json().iter().map(|event| event["sequence"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(sequences(run()), [1]);
    record(&server);
    assert_eq!(sequences(run()), [4], "what was printed before is acknowledged");
    assert!(show(&server)["consumer"].is_null(), "{}", show(&server));
    for _ in 0..3 {
        record(&server);
    }
    let limited = client(&server, &["subscription", "consume", "siem", "--json", "--limit", "2"]).ok();
    assert_eq!(sequences(limited), [5, 6]);
    assert_eq!(sequences(run()), [7]);

    assert_eq!(client(&server, &["subscription", "delete", "siem"]).code, 2);
    client(&server, &["subscription", "delete", "siem", "--yes"]).ok();
    let gone = client(&server, &["subscription", "consume", "siem"]);
    assert_eq!(gone.code, 1);
    assert!(gone.err.contains("hint:"), "{}", gone.err);
}

#[test]
fn g4_a_consumer_that_is_killed_is_followed_by_the_next_from_its_last_acknowledgement() {
    let server = Server::on_sqlite();
    client(&server, &["subscription", "create", "siem", "--from-now"]).ok();
    let mut first = Consume::at(&server, "first");
    first.wait_for("waiting for events after #1");
    let mut second = Consume::at(&server, "second");
    second.wait_for("held by another consumer");
    record(&server);
    assert_eq!(first.next_sequence(), 2);
    acknowledged(&server, 2);
    assert_eq!(show(&server)["consumer"], "first");
    first.kill9();
    record(&server);
    // At least once: 2 may only come again if its acknowledgement had not been kept.
    assert_eq!(second.next_sequence(), 3);
    assert_eq!(show(&server)["consumer"], "second");
}

#[test]
fn g4_a_consumer_goes_on_after_its_server_was_killed() {
    let (_folder, configuration) = configuration();
    let mut server = Server::with_arguments(&["--config", &configuration]);
    client(&server, &["subscription", "create", "siem", "--from-now"]).ok();
    let mut consume = Consume::at(&server, "first");
    consume.wait_for("waiting for events after #1");
    record(&server);
    assert_eq!(consume.next_sequence(), 2);
    acknowledged(&server, 2);
    server.kill9();
    consume.wait_for("trying again");
    server.restart();
    record(&server);
    consume.wait_for("connected; events after #2");
    assert_eq!(consume.next_sequence(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g4_of_two_servers_on_one_postgresql_one_takes_over_what_the_other_dropped() {
    let database = TestDatabase::create().await;
    let (_folder, configuration) = configuration();
    tokio::task::block_in_place(|| {
        let arguments = ["--config", &configuration, "--database-url", database.url(), "--migrate"];
        let mut one = Server::with_arguments(&arguments);
        let other = Server::with_arguments(&arguments);
        client(&one, &["subscription", "create", "siem", "--from-now"]).ok();
        let mut first = Consume::at(&one, "first");
        first.wait_for("waiting for events after #1");
        let mut second = Consume::at(&other, "second");
        second.wait_for("held by another consumer");
        for sequence in 2..5 {
            // Recorded at the other one, consumed here.
            record(&other);
            assert_eq!(first.next_sequence(), sequence);
        }
        acknowledged(&other, 4);
        one.kill9();
        record(&other);
        record(&other);
        assert_eq!(second.up_to(6)[0], 5);
        acknowledged(&other, 6);
        assert_eq!(show(&other)["consumer"], "second");
    });
}
