//! `vidne record`, `query` and `types` against a server.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use super::program::{client, client_with, command};
use crate::support::server::Server;

#[test]
fn an_event_from_flags_comes_back_with_every_field() {
    let server = Server::on_sqlite();
    let recorded = client(
        &server,
        &[
            "record",
            "--json",
            "--type",
            "read",
            "--actor-id",
            "4711",
            "--actor-name",
            "Åse",
            "--actor-email",
            "a@b.dk",
            "--actor-initials",
            "ÅSE",
            "--actor-organization",
            "101",
            "--actor-tenant",
            "t",
            "--actor-national-id",
            "320190-0001",
            "--ip",
            "192.0.2.7",
            "--host",
            "ws",
            "--target",
            "task:88",
            "--target",
            "principal=user:jh:Jens;tenant=7",
            "--description",
            "har læst",
            "--label",
            "unit=a",
            "--detail",
            "n=1",
            "--detail:json",
            "m=2.5",
            "--change",
            "f:old=>new",
            "--outcome",
            "failure",
            "--outcome-reason",
            "denied",
            "--severity",
            "warning",
            "--occurred",
            "2026-01-02T03:04:05Z",
        ],
    )
    .ok()
    .json();
    assert_eq!((&recorded[0]["disposition"], &recorded[0]["sequence"]), (&"RECORDED".into(), &1.into()));

    let without = client(&server, &["query", "--json"]).ok();
    assert!(!without.out.contains("320190"), "{}", without.out);
    let event = client(&server, &["query", "--json", "--show-personal"]).ok().json().remove(0);
    let expected = serde_json::json!({
        "type": "RECORD_READ", "type_name": "Read", "severity": "WARNING", "outcome": "FAILURE",
        "outcome_reason": "denied", "occurred_time": "2026-01-02T03:04:05.000000Z", "description": "har læst",
        "actor": { "type": "USER", "user_id": "4711", "name": "Åse", "email": "a@b.dk", "initials": "ÅSE",
            "organization_id": "101", "tenant_id": "t" },
        "source": { "ip_address": "192.0.2.7", "host": "ws" },
        "targets": [
            { "role": "OBJECT", "type": "TASK", "id": "88" },
            { "role": "PRINCIPAL", "type": "USER", "id": "jh", "name": "Jens", "tenant_id": "7" },
        ],
        "labels": { "unit": "a" }, "details": { "n": "1", "m": 2.5 },
        "changes": [{ "field": "f", "old_value": "old", "new_value": "new" }],
        "personal": { "actor_national_id": "320190-0001" },
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&event[name], value, "{name}");
    }
}

#[test]
fn bad_lines_are_named_and_the_others_are_recorded_once() {
    let server = Server::on_sqlite();
    let lines = r#"{"type":"RECORD_READ","event_id":"01890a5d-ac96-774b-bcce-b302099a8057"}
not json

{"type":"RECORD_EDITED","tenant_id":"NOT A TENANT"}
{"type":"USER_CREATED"}
{"type":"RECORD_DELETED"}
"#;
    let run = client_with(&server, &["record", "--file", "-"], lines);
    assert_eq!(run.code, 1);
    for said in ["line 2:", "line 4:", "2 recorded", "0 duplicate", "1 not recorded", "2 refused"] {
        assert!(run.err.contains(said), "{said}: {}", run.err);
    }
    let again = client_with(&server, &["record", "--file", "-"], lines.lines().next().unwrap()).ok();
    assert!(again.err.contains("0 recorded, 1 duplicate"), "{}", again.err);
    assert_eq!(client(&server, &["query", "--json"]).ok().json().len(), 2);
}

#[test]
fn what_query_prints_record_reads() {
    let (one, two) = (Server::on_sqlite(), Server::on_sqlite());
    for i in 0..3 {
        let description = format!("no. {i}");
        client(&one, &["record", "--type", "read", "--description", &description]).ok();
    }
    let printed = client(&one, &["query", "--json"]).ok().out;
    client_with(&two, &["record", "--file", "-"], &printed).ok();
    let without_times = |server: &Server| {
        let mut events = client(server, &["query", "--json"]).ok().json();
        events.iter_mut().for_each(|event| drop(event.as_object_mut().unwrap().remove("recorded_time")));
        events
    };
    assert_eq!(without_times(&one), without_times(&two));
}

#[test]
fn a_table_cannot_steer_the_terminal() {
    let server = Server::on_sqlite();
    let hostile = "\u{1b}[2Jgone\u{9b}31m\nforged line";
    client(&server, &["record", "--type", "read", "--actor-name", hostile, "--description", hostile]).ok();
    let table = client(&server, &["query"]).ok();
    assert!(table.out.contains(r"\u{1b}[2Jgone\u{9b}31m\nforged line"), "{}", table.out);
    assert!(!table.out.contains(['\u{1b}', '\u{9b}']));
    assert_eq!(table.out.lines().count(), 2, "{}", table.out);
    // Programs get what was recorded.
    assert_eq!(client(&server, &["query", "--json"]).ok().json()[0]["description"], hostile);
}

#[test]
fn a_query_goes_on_where_it_stopped() {
    let server = Server::on_sqlite();
    let lines: String = (0..5).map(|_| "{\"type\":\"RECORD_READ\"}\n").collect();
    client_with(&server, &["record", "--file", "-"], &lines).ok();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let file = file.to_str().unwrap();
    let mut seen = Vec::new();
    for expected in [2, 2, 1, 0] {
        let part =
            client(&server, &["query", "--json", "--limit", "2", "--resume", file, "--token-file", file]);
        let part = part.ok().json();
        assert_eq!(part.len(), expected);
        seen.extend(part.iter().map(|event| event["sequence"].as_u64().unwrap()));
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    let last = client(&server, &["query", "--json", "--order", "desc", "--limit", "1"]).ok().json();
    assert_eq!(last[0]["sequence"], 5);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let server = Server::on_sqlite();
    let long = "x".repeat(10_000);
    let lines: String =
        (0..500).map(|_| format!("{{\"type\":\"RECORD_READ\",\"description\":\"{long}\"}}\n")).collect();
    client_with(&server, &["record", "--file", "-"], &lines).ok();
    let mut process = command(&["query", "--json"])
        .env("VIDNE_SERVER", server.endpoint())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("\"sequence\":1,"));
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_batch_is_larger_than_one_request() {
    let server = Server::on_sqlite();
    let lines: String = (0..2_500).map(|_| "{\"type\":\"RECORD_READ\"}\n").collect();
    let run = client_with(&server, &["record", "--file", "-"], &lines).ok();
    assert!(run.err.contains("2500 recorded"), "{}", run.err);
}
