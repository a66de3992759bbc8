//! `vidne query --count` and `--histogram`, and how events are shown.

use super::program::{Run, client, client_with, command, run_with};
use crate::support::server::Server;

fn filled() -> Server {
    let server = Server::on_sqlite();
    let mut lines = String::new();
    for i in 0..30 {
        let hour = i % 6;
        let outcome = if i % 10 == 0 { "FAILURE" } else { "SUCCESS" };
        lines += &format!(
            "{{\"type\":\"RECORD_READ\",\"outcome\":\"{outcome}\",\"occurred_time\":\"2026-07-01T{hour:02}:30:00.25Z\",\
             \"actor\":{{\"user_id\":\"u-{}\",\"name\":\"=Åse, \\\"A\\\"\"}},\"description\":\"line one\\nline two\"}}\n",
            i % 3
        );
    }
    client_with(&server, &["record", "--file", "-"], &lines).ok();
    server
}

fn usage(server: &Server, arguments: &[&str]) -> Run {
    let run = client(server, arguments);
    assert_eq!(run.code, 2, "{arguments:?}: {}{}", run.out, run.err);
    run
}

#[test]
fn events_are_counted_and_drawn() {
    let server = filled();
    assert_eq!(client(&server, &["query", "--count"]).ok().out, "30\n");
    assert_eq!(client(&server, &["query", "--count", "--outcome", "failure"]).ok().out, "3\n");
    let json = client(&server, &["query", "--count", "--json"]).ok().json().remove(0);
    let extent = serde_json::json!({ "head_sequence": 30, "scanned_sequence": 30, "complete": true });
    assert_eq!(json, serde_json::json!({ "count": 30, "extent": extent }));

    let drawn = client(&server, &["query", "--histogram", "--bucket", "1h"]).ok();
    assert_eq!(drawn.out.lines().count(), 6, "{}", drawn.out);
    for (hour, line) in drawn.out.lines().enumerate() {
        assert_eq!(line, format!("2026-07-01 {hour:02}:00  5  {}", "█".repeat(80 - 16 - 1 - 4)));
    }
    assert!(drawn.err.contains("30 events; one bar is 1h, times are UTC"), "{}", drawn.err);
    let nothing = client(&server, &["query", "--histogram", "--text", "nowhere"]).ok();
    assert!(nothing.out.is_empty() && nothing.err.contains("no events match"));

    let by_actor = client(&server, &["query", "--histogram", "--by", "actor", "--top", "2"]).ok().out;
    let labels: Vec<&str> = by_actor.lines().map(|line| line.split("  ").next().unwrap().trim()).collect();
    assert_eq!(labels, ["u-0", "u-1", "(others)"], "{by_actor}");
    let json = client(&server, &["query", "--histogram", "--json", "--by", "outcome"]).ok().json().remove(0);
    assert_eq!(json["count"], 30);
    assert_eq!(json["outcomes"]["groups"][1], serde_json::json!({ "value": "FAILURE", "count": 3 }));
    assert_eq!(
        json["buckets"].as_array().unwrap().iter().map(|b| b["count"].as_u64().unwrap()).sum::<u64>(),
        30
    );
}

#[test]
fn what_does_not_go_together_is_wrong_usage() {
    let server = Server::on_sqlite();
    for wrong in [
        &["query", "--count", "--histogram"][..],
        &["query", "--count", "--limit", "3"],
        &["query", "--count", "--csv"],
        &["query", "--histogram", "--after", "3"],
        &["query", "--bucket", "1h"],
        &["query", "--by", "type"],
        &["query", "--histogram", "--bucket", "500ms"],
        &["query", "--json", "--csv"],
        &["tail", "--columns", "national_id"],
        &["query", "--time-zone", "Middle/Earth"],
    ] {
        usage(&server, wrong);
    }
    let unknown = usage(&server, &["tail", "--columns", "sequence,colour"]);
    assert!(unknown.err.contains("there are sequence, time, recorded_time, type"), "{}", unknown.err);
}

#[test]
fn csv_is_what_rfc_4180_says_and_no_spreadsheet_runs_it() {
    let server = filled();
    let columns = "--columns=sequence,time,actor_name,outcome,description";
    let csv = client(&server, &["query", "--csv", columns, "--limit", "1"]).ok();
    assert_eq!(
        csv.out,
        "sequence,time,actor_name,outcome,description\r\n\
         1,2026-07-01T00:30:00.250000Z,\"'=Åse, \"\"A\"\"\",FAILURE,\"line one\nline two\"\r\n"
    );
    assert!(csv.err.is_empty(), "{}", csv.err);
    let none = client(&server, &["query", "--csv", "--text", "nowhere"]).ok().out;
    assert_eq!(none, "sequence,time,type,severity,outcome,actor_id,actor_name,ip,target,description\r\n");
    let bare = client(&server, &["query", "--csv", "--no-header", "--text", "nowhere"]).ok().out;
    assert_eq!(bare, "");
    // The same from tail.
    let tail = client(&server, &["tail", "--from-start", "--limit", "1", "--csv", columns]).ok();
    assert_eq!(tail.out, csv.out);
}

#[test]
fn columns_and_time_zones_are_as_asked_for_in_both_commands() {
    let server = filled();
    let columns = ["--columns", "outcome,time,actor_id", "--limit", "1"];
    let table = client(&server, &[&["query"], &columns[..]].concat()).ok().out;
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<_> = table.lines().map(words).collect();
    assert_eq!(
        lines,
        [vec!["OUTCOME", "TIME", "ACTOR", "ID"], vec!["FAILURE", "2026-07-01", "00:30:00Z", "u-0"]]
    );
    let line = client(&server, &[&["tail", "--from-start"], &columns[..]].concat()).ok().out;
    assert_eq!(line, "FAILURE  2026-07-01 00:30:00Z  u-0\n");

    // A zone that POSIX spells out needs no time zone database.
    let mut local = command(&["query", "--columns", "time", "--local-time", "--limit", "1"]);
    let shown = run_with(local.env("TZ", "CET-2").env("VIDNE_SERVER", server.endpoint()), "").ok().out;
    assert!(shown.contains("2026-07-01 02:30:00+02:00"), "{shown}");
    let mut drawn = command(&["query", "--histogram", "--bucket", "1h", "--local-time"]);
    let drawn = run_with(drawn.env("TZ", "CET-2").env("VIDNE_SERVER", server.endpoint()), "").ok();
    assert!(drawn.out.starts_with("2026-07-01 02:00  5  █"), "{}", drawn.out);
}

#[test]
fn a_pipe_gets_no_colours_in_any_form() {
    let server = filled();
    for form in
        [&["query"][..], &["query", "--histogram"], &["query", "--columns", "type"], &["query", "--csv"]]
    {
        let run = client(&server, form).ok();
        assert!(!run.out.contains('\u{1b}') && !run.err.contains('\u{1b}'), "{form:?}");
    }
}
