//! `vidne tail` against a server that goes and comes back.

use std::{
    io::{BufRead as _, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Stdio},
};

use super::program::{client, command};
use crate::support::server::Server;

struct Tail {
    process: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Tail {
    fn of(server: &Server, arguments: &[&str]) -> Self {
        let mut process = command(&[&["tail", "--json"], arguments].concat())
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
        assert!(found, "tail ended without saying {text:?}");
    }

    fn next_sequence(&mut self) -> u64 {
        let line = self.out.next().expect("tail ended").unwrap();
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["sequence"].as_u64().unwrap()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn record(server: &Server) {
    client(server, &["record", "--type", "read"]).ok();
}

#[test]
fn tail_goes_on_after_the_server_was_killed_without_gap_or_repetition() {
    let mut server = Server::on_sqlite();
    record(&server);
    let mut tail = Tail::of(&server, &[]);
    tail.wait_for("waiting for events after #1");
    record(&server);
    assert_eq!(tail.next_sequence(), 2);
    server.kill9();
    tail.wait_for("trying again");
    server.restart();
    tail.wait_for("connected");
    record(&server);
    assert_eq!(tail.next_sequence(), 3);
}

#[test]
fn tail_begins_where_it_is_told_and_ends_at_its_limit() {
    let server = Server::on_sqlite();
    for _ in 0..3 {
        record(&server);
    }
    let mut all = Tail::of(&server, &["--from-start", "--limit", "3"]);
    assert_eq!([all.next_sequence(), all.next_sequence(), all.next_sequence()], [1, 2, 3]);
    assert!(all.process.wait().unwrap().success());
    let mut later = Tail::of(&server, &["--after", "2"]);
    assert_eq!(later.next_sequence(), 3);
}
