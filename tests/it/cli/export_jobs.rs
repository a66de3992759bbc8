//! Export jobs through the command line: all their settings, and how they run by themselves.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use super::program::{Run, client, run};
use crate::support::server::Server;

/// How long a job may take to do by itself what it should. Generous: several servers share a machine.
const DEADLINE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

fn export(server: &Server, arguments: &[&str]) -> Run {
    client(server, &[&["export"], arguments].concat())
}

fn job(server: &Server, name: &str) -> Json {
    export(server, &["get", name, "--json"]).ok().json().remove(0)
}

fn record(server: &Server) {
    client(server, &["record", "--type", "read"]).ok();
}

/// A server whose local destinations are below a folder of the test's.
fn server(folder: &Path) -> Server {
    let config = folder.with_extension("toml");
    fs::write(&config, format!("[export]\ndirectory = {folder:?}\n")).unwrap();
    Server::with_arguments(&["--config", config.to_str().unwrap()])
}

/// The files below a folder that a consumer would take.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let visible =
        entries.map(|entry| entry.unwrap()).filter(|e| !e.file_name().to_str().unwrap().starts_with('.'));
    visible.flat_map(|e| if e.path().is_dir() { files(&e.path()) } else { vec![e.path()] }).collect()
}

/// Looks until something is there.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what} did not come about within {DEADLINE:?}");
        thread::sleep(POLL);
    }
}

#[test]
fn every_setting_of_a_job_is_kept_and_shown() {
    let server = Server::on_sqlite();
    let create = |name: &str, more: &[&str]| {
        let base = ["create", "--name", name, "--fs", "siem", "--file-mode", "640", "--json"];
        export(&server, &[&base, more].concat()).ok().json().remove(0)
    };
    let made = create(
        "all",
        &[
            "--cron=30 3 * * 1",
            "--time-zone=Europe/Copenhagen",
            "--when-events=500",
            "--when-bytes=1000000",
            "--start=2026-01-02T03:04:05Z",
            "--gzip",
            "--directory-template={tenant}/{yyyy}",
            "--name-template=x_{id}_{first}_{last}",
            "--manifest-directory=notes",
            "--national-id=hash",
            "--max-events=7",
            "--paused",
            "--heartbeat=36h",
        ],
    );
    let kept = job(&server, "all");
    for shown in [&made, &kept] {
        let schedule = json!({
            "cron": "30 3 * * 1", "time_zone": "Europe/Copenhagen", "waiting_events": 500, "waiting_bytes": 1_000_000,
        });
        assert_eq!(shown["schedule"], schedule);
        assert_eq!(shown["destination"], json!({ "fs": { "directory": "siem", "file_mode": "0640" } }));
        assert_eq!(shown["start"]["time"], "2026-01-02T03:04:05.000000Z");
        assert_eq!(
            shown["naming"],
            json!({ "directory": "{tenant}/{yyyy}", "name": "x_{id}_{first}_{last}" })
        );
        assert_eq!((&shown["compression"], &shown["national_id"]), (&json!("GZIP"), &json!("HASH")));
        assert_eq!(shown["heartbeat_interval_seconds"], 129_600);
        assert_eq!((&shown["manifest"], &shown["paused"]), (&json!({ "directory": "notes" }), &json!(true)));
    }
    let said = export(&server, &["show", "all"]).ok().out;
    for words in [
        "cron 30 3 * * 1 (Europe/Copenhagen) or at 500 events",
        "hashed",
        "gzip",
        "in notes",
        "paused",
        "0640",
        "after 1d 12h without a file",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }

    let schedule = |name, flag| create(name, &[flag])["schedule"].clone();
    assert_eq!(schedule("often", "--every=5m"), json!({ "interval_seconds": 300 }));
    assert_eq!(schedule("manual", "--manual"), json!({ "manual": true }));
    assert_eq!(schedule("waits", "--when-events=9"), json!({ "waiting_events": 9 }));
    assert_eq!(create("later", &["--start=now", "--no-manifest"])["manifest"], json!({ "off": true }));
    assert_eq!(job(&server, "later")["start"], json!({ "now": true }));
    assert_eq!(create("fifth", &["--start=5"])["start"], json!({ "sequence": 5 }));

    // What has no flag stays, also within what several flags make up.
    let changed =
        ["--every=1h", "--name-template={id}-{first}-{last}", "--compression=none", "--max-bytes=9000"];
    let changed =
        export(&server, &[&["update", "all", "--json"], &changed[..]].concat()).ok().json().remove(0);
    let schedule = json!({ "interval_seconds": 3600, "waiting_events": 500, "waiting_bytes": 1_000_000 });
    assert_eq!(changed["schedule"], schedule);
    assert_eq!(changed["naming"], json!({ "directory": "{tenant}/{yyyy}", "name": "{id}-{first}-{last}" }));
    assert_eq!(
        (&changed["compression"], &changed["manifest"]),
        (&json!("NONE"), &json!({ "directory": "notes" }))
    );
    assert_eq!(changed["heartbeat_interval_seconds"], 129_600);
    assert_eq!(changed["file_limits"], json!({ "max_events": 7, "max_bytes": 9000 }));
    for (flags, folder) in [
        (&["--file-mode=600"][..], json!({ "directory": "siem", "file_mode": "0600" })),
        (&["--fs=in"], json!({ "directory": "in", "file_mode": "0600" })),
        (&["--fs=siem", "--file-mode=0640"], json!({ "directory": "siem", "file_mode": "0640" })),
        (&["--file-mode="], json!({ "directory": "siem" })),
    ] {
        let moved = export(&server, &[&["update", "all", "--json"], flags].concat()).ok().json();
        assert_eq!(moved[0]["destination"], json!({ "fs": folder }), "{flags:?}");
    }
}

#[test]
fn each_flag_of_a_change_changes_what_it_names() {
    let server = Server::on_sqlite();
    let create = ["create", "--name", "old", "--fs", "siem", "--format", "csv", "--type", "read", "--json"];
    let made = export(&server, &create).ok().json().remove(0);
    assert!(made["format"].get("csv").is_some(), "{made}");
    let job = made["job_id"].as_str().unwrap();
    let change = |flag| export(&server, &["update", job, "--json", "--retry", flag]).ok().json().remove(0);
    assert_eq!(change("--name=new")["name"], "new");
    assert_eq!(change("--manifest-directory=notes")["manifest"], json!({ "directory": "notes" }));
    assert_eq!(change("--no-manifest")["manifest"], json!({ "off": true }));
    assert_eq!(change("--compression=gzip")["compression"], "GZIP");
    assert_eq!(change("--manual")["schedule"], json!({ "manual": true }));
    assert_eq!(change("--heartbeat=1h")["heartbeat_interval_seconds"], 3_600);
    assert!(change("--no-heartbeat").get("heartbeat_interval_seconds").is_none());
    let all = change("--all-events");
    assert!(all["filter"].get("types").is_none(), "{all}");
}

#[test]
fn a_job_is_created_untested_and_run_at_once_if_that_is_said() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("out");
    let server = server(&folder);
    record(&server);
    let run = export(&server, &["create", "--name", "siem", "--fs", "in", "--manual", "--run"]).ok();
    assert!(run.out.contains("1 file"), "{}", run.out);
    assert_eq!(files(&folder).len(), 1);
    let key = outer.path().join("password");
    fs::write(&key, "hemmeligt").unwrap();
    // Nobody listens on port 1.
    let pinned = format!("SHA256:{}", "A".repeat(43));
    let away = ["create", "--name", "away", "--sftp", "127.0.0.1:1", "--user", "siem", "--manual"];
    let away = [&away, &["--password-file", key.to_str().unwrap(), "--host-key", &pinned][..]].concat();
    let refused = export(&server, &away);
    assert!(refused.code == 1 && refused.err.contains("--untested"), "{}", refused.err);
    export(&server, &[&away, &["--untested"][..]].concat()).ok();

    let again = ["again", "siem", "--first", "2", "--json"];
    assert_eq!(export(&server, &again).ok().json()[0]["start"], json!({ "sequence": 2 }));
    let elsewhere = export(&server, &["again", "siem", "--tenant", "elsewhere"]);
    assert!(elsewhere.code == 1 && elsewhere.err.contains("no such tenant"), "{}", elsewhere.err);
}

#[test]
fn a_job_runs_by_itself_until_it_is_paused_and_again_when_it_is_resumed() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("out");
    let server = server(&folder);
    record(&server);
    let create = ["create", "--name", "siem", "--fs", "in", "--every", "1s", "--directory-template", "{job}"];
    export(&server, &create).ok();
    let first = wait_for("the first file", || files(&folder.join("in/siem")).pop());
    assert_eq!(fs::read_to_string(&first).unwrap().lines().count(), 2, "the event and the job's creation");
    wait_for("the first success", || job(&server, "siem").get("last_success_time").cloned());
    let status = |key: &str| export(&server, &["status", "--json"]).ok().json().remove(0)[key].clone();
    assert_eq!((status("state"), status("schedule")), (json!("ok"), json!("every 1s")));

    let paused = export(&server, &["pause", "siem", "--json"]).ok().json().remove(0);
    assert_eq!(paused["paused"], true);
    record(&server);
    assert_eq!(status("state"), "paused");
    assert!(status("lag_events").as_u64().unwrap() > 0);
    let table = export(&server, &["status"]).ok().out;
    let row = table.lines().nth(1).unwrap();
    assert!(
        table.trim_start().starts_with("NAME") && row.contains("siem") && row.contains("paused"),
        "{table}"
    );

    export(&server, &["resume", "siem"]).ok();
    let both = wait_for("the second file", || {
        let files = files(&folder.join("in/siem"));
        (files.len() == 2).then_some(files)
    });
    let runs = wait_for("the second run", || {
        let runs = export(&server, &["runs", "siem", "--json"]).ok().json();
        (runs.len() == 2).then_some(runs)
    });
    for run in &runs {
        assert_eq!(
            (&run["trigger"], &run["state"], &run["files"]),
            (&json!("SCHEDULE"), &json!("OK"), &json!(1))
        );
    }
    let table = export(&server, &["runs", "siem"]).ok().out;
    assert!(
        table.trim_start().starts_with("RUN") && table.lines().count() == 3 && table.contains("schedule"),
        "{table}"
    );

    let last = job(&server, "siem")["published_sequence"].as_u64().unwrap();
    let again = export(&server, &["again", "siem", "--first", "1", "--last", &last.to_string(), "--json"]);
    let again = again.ok().json().remove(0);
    assert_eq!((&again["name"], &again["end_sequence"]), (&json!("siem_r1"), &json!(last)));
    let repeated = wait_for("the range's second delivery", || files(&folder.join("in/siem_r1")).pop());
    let lines = |path: &PathBuf| fs::read_to_string(path).unwrap().lines().count();
    assert_eq!(lines(&repeated), both.iter().map(lines).sum::<usize>());
    let refused = export(&server, &["again", "siem", "--last", "4711"]);
    assert!(refused.code == 1 && refused.err.contains("last_sequence"), "{}", refused.err);
}

#[test]
fn a_preview_prints_the_lines_of_the_file_and_sends_nothing() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("out");
    let server = server(&folder);
    for _ in 0..3 {
        record(&server);
    }
    let preview = export(&server, &["preview", "--format", "cef", "--type", "read", "--events", "2"]).ok();
    assert_eq!(preview.out.lines().filter(|line| line.starts_with("CEF:0|")).count(), 2, "{}", preview.out);
    assert_eq!(preview.out.lines().count(), 2);
    assert!(preview.err.contains("2 events for") && preview.err.contains(".cef"), "{}", preview.err);

    export(&server, &["create", "--name", "siem", "--fs", "in", "--manual", "--type", "read"]).ok();
    let preview = export(&server, &["preview", "siem"]).ok();
    assert_eq!(preview.out.lines().count(), 3);
    assert_eq!(files(&folder), [] as [PathBuf; 0]);
    let run = export(&server, &["run", "siem", "--follow"]).ok();
    assert!(run.out.contains("1 file, 3 events") && run.err.is_empty(), "{}{}", run.out, run.err);
    let written = fs::read_to_string(files(&folder).remove(0)).unwrap();
    assert_eq!(preview.out, written, "the preview is not what was written");
    let nothing = export(&server, &["preview", "siem"]).ok();
    assert!(nothing.out.is_empty() && nothing.err.contains("nothing to export"), "{}", nothing.err);
}

#[test]
fn a_wrong_flag_is_named_before_anything_is_done() {
    let create = ["create", "--name", "x", "--fs", "siem"];
    for (flags, named) in [
        (&["--every", "often"][..], "--every"),
        (&["--every", "0s"], "--every"),
        (&["--every", "5m", "--cron", "0 3 * * *"], "--cron"),
        (&["--cron", "0 3 * *"], "--cron"),
        (&["--cron", "0 3 * * *", "--time-zone", "Middle/Earth"], "--time-zone"),
        (&["--time-zone", "UTC"], "--cron"),
        (&["--manual", "--when-events", "5"], "--when-events"),
        (&["--when-bytes", "many"], "--when-bytes"),
        (&["--start", "yesterday"], "--start"),
        (&["--start", "0"], "--start"),
        (&["--gzip", "--compression", "none"], "--gzip"),
        (&["--compression", "zip"], "--compression"),
        (&["--directory-template", "../x"], "--directory-template"),
        (&["--name-template", "{job}"], "--name-template"),
        (&["--manifest-directory", "/etc"], "--manifest-directory"),
        (&["--no-manifest", "--manifest-directory", "x"], "--manifest-directory"),
        (&["--national-id", "some"], "--national-id"),
        (&["--file-mode", "4755"], "--file-mode"),
        (&["--file-mode", "0440"], "--file-mode"),
    ] {
        // There is no server at all.
        let refused = run(&[&["export"], &create[..], flags].concat());
        assert_eq!(refused.code, 2, "{flags:?}: {}", refused.err);
        assert!(refused.err.contains(named) && refused.out.is_empty(), "{flags:?}: {}", refused.err);
    }
    for (arguments, named) in [
        (&["again", "x", "--first", "0"][..], "--first"),
        (&["preview", "x", "--events", "101"], "--events"),
        (&["preview", "x", "--format", "cef"], "JOB"),
        (&["update", "x", "--start", "now"], "--start"),
        (&["update", "x", "--cron", "soon"], "--cron"),
        (&["create", "--name", "x", "--gcs", "siem", "--file-mode", "0640"], "--file-mode"),
    ] {
        let refused = run(&[&["export"], arguments].concat());
        assert_eq!(refused.code, 2, "{arguments:?}: {}", refused.err);
        assert!(refused.err.contains(named), "{arguments:?}: {}", refused.err);
    }
}
