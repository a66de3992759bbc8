//! `vidne record --file` through kills, and with a spool.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
};

use super::program::{Run, client_with, command, run_with};
use crate::support::server::Server;

fn lines(range: std::ops::Range<usize>) -> String {
    range.map(|i| format!("{{\"type\":\"RECORD_READ\",\"description\":\"no. {i}\"}}\n")).collect()
}

fn nobody() -> String {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{address}")
}

fn record(endpoint: &str, spool: &str, more: &[&str], input: &str) -> Run {
    let arguments = [&["record", "--spool", spool], more].concat();
    run_with(command(&arguments).env("VIDNE_SERVER", endpoint), input)
}

fn descriptions(server: &Server) -> Vec<String> {
    let events = client_with(server, &["query", "--json"], "").ok().json();
    events.iter().map(|event| event["description"].as_str().unwrap().to_owned()).collect()
}

fn numbered(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|i| format!("no. {i}")).collect()
}

#[test]
fn lines_wait_in_a_spool_while_the_server_is_away_and_are_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().to_str().unwrap();
    let away = record(&nobody(), spool, &["--file", "-"], &lines(0..1500));
    assert_eq!(away.code, 1, "{}", away.err);
    for said in ["1500 spooled", "1500 events wait in the spool", "--flush", "0 recorded"] {
        assert!(away.err.contains(said), "{said}: {}", away.err);
    }
    let still = record(&nobody(), spool, &["--flush"], "");
    assert!(still.code == 1 && still.err.contains("1500 events wait"), "{}", still.err);
    let server = Server::on_sqlite();
    // What waits goes before what is new.
    let back = record(&server.endpoint(), spool, &["--file", "-"], &lines(1500..2000)).ok();
    assert!(!back.err.contains("wait"), "{}", back.err);
    assert_eq!(descriptions(&server), numbered(0..2000));
    let empty = record(&server.endpoint(), spool, &["--flush"], "").ok();
    assert!(empty.err.contains("0 sent, 0 wait, 0 refused"), "{}", empty.err);
}

#[test]
fn a_spool_survives_kill_nine_of_the_program_that_fills_it() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().to_str().unwrap();
    let mut process = command(&["record", "--json", "--file", "-", "--spool", spool])
        .env("VIDNE_SERVER", nobody())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    // For as long as it lives.
    let writer = std::thread::spawn(move || {
        let mut i = 0;
        while stdin.write_all(lines(i..i + 10).as_bytes()).is_ok() {
            i += 10;
        }
        i
    });
    let mut acknowledged = 0;
    for line in BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok) {
        let Ok(said) = serde_json::from_str::<serde_json::Value>(&line) else { break };
        assert_eq!(said["disposition"], "SPOOLED", "{said}");
        acknowledged += 1;
        if acknowledged == 3_000 {
            process.kill().unwrap();
        }
    }
    process.wait().unwrap();
    writer.join().unwrap();
    assert!(acknowledged >= 3_000);

    let server = Server::on_sqlite();
    record(&server.endpoint(), spool, &["--flush"], "").ok();
    let recorded = descriptions(&server);
    // Some more may have been written that it had no time to tell of.
    assert!(recorded.len() >= acknowledged, "{} of {acknowledged}", recorded.len());
    assert_eq!(recorded, numbered(0..recorded.len()));
}

#[test]
fn sending_a_spool_survives_kill_nine_of_the_program_that_sends_it() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().to_str().unwrap();
    record(&nobody(), spool, &["--file", "-"], &lines(0..20_000));
    let server = Server::on_sqlite();
    let mut rounds = 0;
    loop {
        let mut process = command(&["record", "--flush", "--spool", spool])
            .env("VIDNE_SERVER", server.endpoint())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let before = newest(&server);
        while newest(&server) == before && process.try_wait().unwrap().is_none() {}
        if process.try_wait().unwrap().is_some() {
            break;
        }
        process.kill().unwrap();
        process.wait().unwrap();
        rounds += 1;
        if rounds == 4 {
            record(&server.endpoint(), spool, &["--flush"], "").ok();
            break;
        }
    }
    assert!(rounds > 0, "it was never killed");
    assert_eq!(descriptions(&server), numbered(0..20_000));
}

fn newest(server: &Server) -> u64 {
    let newest = client_with(server, &["query", "--json", "--order", "desc", "--limit", "1"], "").ok().json();
    newest.first().map_or(0, |event| event["sequence"].as_u64().unwrap())
}

#[test]
fn a_second_program_on_a_spool_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().to_str().unwrap();
    let mut first = command(&["record", "--json", "--file", "-", "--spool", spool])
        .env("VIDNE_SERVER", nobody())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    first.stdin.as_mut().unwrap().write_all(lines(0..1).as_bytes()).unwrap();
    // Once a line is answered, it has the spool.
    BufReader::new(first.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let second = record(&nobody(), spool, &["--file", "-"], &lines(0..1));
    assert_eq!(second.code, 1);
    assert!(
        second.err.contains("vidne-spool.db") && second.err.contains("another process"),
        "{}",
        second.err
    );
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn refused_events_of_a_spool_are_listed_and_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().to_str().unwrap();
    let input = "{\"type\":\"RECORD_READ\",\"tenant_id\":\"no-such-tenant\",\"actor\":{\"name\":\"Mette Holm\"}}\n{\"type\":\"RECORD_READ\"}\n";
    record(&nobody(), spool, &["--file", "-"], input);
    let server = Server::on_sqlite();
    let flushed = record(&server.endpoint(), spool, &["--flush", "--json"], "");
    assert_eq!(flushed.code, 1, "{}", flushed.err);
    let listed = flushed.json();
    assert_eq!((listed.len(), &listed[0]["disposition"]), (1, &"REFUSED".into()));
    assert!(listed[0]["error"].as_str().unwrap().contains("TENANT_NOT_FOUND"), "{}", flushed.out);
    assert!(flushed.err.contains("--discard-refused"), "{}", flushed.err);
    assert!(!format!("{}{}", flushed.out, flushed.err).contains("Mette"));
    record(&server.endpoint(), spool, &["--flush", "--discard-refused"], "");
    let empty = record(&server.endpoint(), spool, &["--flush"], "").ok();
    assert!(empty.err.contains("0 refused"), "{}", empty.err);
}

#[test]
fn a_server_that_is_not_there_without_a_spool_names_the_lines() {
    let run = run_with(command(&["record", "--file", "-"]).env("VIDNE_SERVER", nobody()), &lines(0..5));
    assert_eq!(run.code, 1);
    for said in ["lines 1 to 5 may or may not be recorded", "no connection", "event_id"] {
        assert!(run.err.contains(said), "{said}: {}", run.err);
    }
}

#[test]
fn a_server_with_smaller_limits_takes_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("vidne.toml");
    std::fs::write(&config, "[limits]\nrequest_events = 30\n").unwrap();
    let server = Server::with_arguments(&["--config", config.to_str().unwrap()]);
    let run = client_with(&server, &["record", "--file", "-"], &lines(0..1000)).ok();
    assert!(run.err.contains("1000 recorded"), "{}", run.err);
    assert_eq!(descriptions(&server), numbered(0..1000));
}
