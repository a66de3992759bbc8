//! `vidne bench`: that it measures what it says. Never how fast: the figures of a test run tell nothing.

use std::str::FromStr as _;

use serde_json::Value as Json;
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};

use crate::{
    cli::program::{Run, client, run},
    support::{postgres::TestDatabase, server::Server},
};

/// As short as a measurement can be that still measures every case.
const SHORT: [&str; 6] = ["bench", "record", "--seconds", "0.05", "--max-events", "4000"];

const CASES: [&str; 6] = [
    "unary, 1 in flight",
    "unary, 16 in flight",
    "unary, 256 in flight",
    "batches of 100, 4 in flight",
    "batches of 1,000, 4 in flight",
    "stream, requests of 1,000",
];

const BARE: [&str; 2] = ["bare call, 1 in flight", "bare call, 256 in flight"];

#[test]
fn sqlite_is_measured_with_its_limits_in_one_run_that_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let report = report(&bench(&["--json", "--folder", folder.path().to_str().unwrap()]));
    let [sqlite] = report["stores"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!(sqlite["store"], "sqlite");
    assert!(sqlite["version"].as_str().unwrap().starts_with("SQLite 3."), "{sqlite}");
    assert_eq!(sqlite["settings"], "journal_mode = wal, synchronous = FULL");
    assert_measured(sqlite, "raw insert");
    assert!(report["machine"]["cores"].as_u64().unwrap() > 0);
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "something is left in the folder");
}

#[tokio::test]
async fn postgresql_is_measured_in_a_database_that_is_dropped_again() {
    let database = TestDatabase::create().await;
    let report = report(&bench(&["--json", "--no-sqlite", "--database-url", database.url()]));
    let [postgres] = report["stores"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!(postgres["store"], "postgresql");
    assert!(postgres["version"].as_str().unwrap().starts_with("PostgreSQL "), "{postgres}");
    let settings = postgres["settings"].as_str().unwrap();
    assert!(settings.starts_with("fsync = on, synchronous_commit = on"), "{settings}");
    assert_measured(postgres, "raw COPY");

    let options = PgConnectOptions::from_str(database.url()).unwrap();
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    let left: Vec<(String,)> =
        sqlx::query_as("SELECT datname FROM pg_database WHERE datname LIKE 'vidne\\_bench\\_%'")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_running_server_is_measured_in_a_tenant_that_must_be_named() {
    let server = Server::on_sqlite();
    let endpoint = server.endpoint();
    let refused = run(&["bench", "record", "--server", &endpoint]);
    assert!(refused.code == 2 && refused.err.contains("--tenant"), "{}", refused.err);

    client(&server, &["tenant", "create", "bench"]).ok();
    let report = report(&bench(&["--json", "--server", &endpoint, "--tenant", "bench"]));
    let [measured] = report["stores"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!(names(&measured["cases"]), CASES);
    assert_eq!(names(&measured["limits"]), BARE);
    let recorded: u64 =
        measured["cases"].as_array().unwrap().iter().map(|case| case["events"].as_u64().unwrap()).sum();
    let tenant = client(&server, &["tenant", "get", "bench", "--json"]).ok().json().remove(0);
    let head = tenant["head_sequence"].as_u64().unwrap();
    assert!(head > recorded, "{head} events in the log, {recorded} of them counted, the rest the warm-up");
}

#[test]
fn markdown_has_a_table_for_each_store_and_says_that_a_debug_build_tells_nothing() {
    let run = bench(&["--markdown"]);
    let rows = run.out.lines().filter(|line| line.starts_with("| ")).count();
    assert_eq!(rows, 1 + CASES.len() + 2 + BARE.len(), "{}", run.out);
    assert_eq!(run.out.contains("DEBUG BUILD"), cfg!(debug_assertions), "{}", run.out);
}

#[tokio::test]
async fn how_soon_events_reach_subscribers_and_what_those_cost_is_measured_with_its_limits() {
    let database = TestDatabase::create().await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let few = ["bench", "follow", "--seconds", "0.2", "--rate", "20", "--idle", "50", "--json"];
    let measured = run(&[&few[..], &["--folder", folder, "--database-url", database.url()]].concat()).ok();
    let report = report(&measured);
    let [sqlite, postgres] = report["stores"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!((&sqlite["store"], &postgres["store"]), (&"sqlite".into(), &"postgresql".into()));
    for (store, limit) in [(sqlite, "bare call, 1 in flight"), (postgres, "bare LISTEN/NOTIFY")] {
        assert_eq!(names(&store["limits"]), [limit]);
        let cases = store["cases"].as_array().unwrap();
        let mut written = Vec::new();
        for (n, subscribers) in [1.0, 10.0, 100.0, 1_000.0].into_iter().enumerate() {
            let [recorded, sent] = [&cases[2 * n], &cases[2 * n + 1]];
            assert!(recorded["case"].as_str().unwrap().ends_with("recorded to received"), "{recorded}");
            let number = |of: &Json, name: &str| of[name].as_f64().unwrap();
            assert_eq!(number(recorded, "events"), number(sent, "events"));
            assert!(
                number(recorded, "p50_ms") <= number(sent, "p50_ms") && number(sent, "p50_ms") > 0.0,
                "{sent}"
            );
            // Each subscriber got each event.
            written.push(number(sent, "events") / subscribers);
        }
        assert!(written.iter().all(|events| *events >= 1.0 && events.fract() == 0.0), "{written:?}");
        let writing: Vec<&str> = cases[8..].iter().map(|case| case["case"].as_str().unwrap()).collect();
        let who = |who: &str| format!("unary, 256 in flight, {who}");
        assert_eq!(
            writing,
            [who("no subscriber"), who("100 that get nothing"), who("100 that get everything")]
        );
        let goals = store["goals"].as_array().unwrap();
        assert_eq!(goals.len(), 4);
        let idle = |goal: &Json| goal["ratio"].as_str().unwrap().contains("idle subscriber, ");
        assert!(goals[..3].iter().all(idle) && !idle(&goals[3]), "{goals:?}");
        let rate = |at: usize| cases[at]["events_per_second"].as_f64().unwrap();
        assert!((goals[3]["measured"].as_f64().unwrap() - rate(9) / rate(8)).abs() < 1e-9, "{goals:?}");
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "something is left in the folder");
}

#[test]
fn the_memory_of_a_server_that_is_sent_too_much_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let measured = |more: &[&str]| {
        let few = [
            "bench",
            "memory",
            "--clients",
            "4",
            "--seconds",
            "5",
            "--working",
            "90",
            "--json",
            "--folder",
            folder,
        ];
        report(&run(&[&few, more].concat()).ok())
    };
    let memory = measured(&[]);
    let number = |name: &str| memory[name].as_u64().unwrap();
    assert_eq!((memory["store"].as_str(), number("clients")), (Some("sqlite"), 4));
    assert!(number("answered") > 0 && number("events") >= number("answered"), "{memory}");
    assert!(0 < number("idle_mib") && number("idle_mib") <= number("peak_mib"), "{memory}");
    assert!(number("end_mib") <= number("peak_mib"), "{memory}");
    let [goal] = memory["goals"].as_array().unwrap().as_slice() else { panic!("{memory}") };
    assert_eq!(goal["measured"].as_f64(), Some(number("peak_mib") as f64));
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "something is left in the folder");
}

/// What `bench query` reads.
const READS: [&str; 9] = [
    "everything",
    "everything, newest first",
    "one type of five",
    "an administrative type, none there",
    "one actor of 700",
    "one target of 10,000",
    "an outcome, none there",
    "a tenth by recorded time",
    "a tenth by occurred time",
];

#[tokio::test]
async fn reading_is_measured_on_both_stores_beside_what_they_give_without_vidne() {
    let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::create().await);
    let folder = folder.path().to_str().unwrap();
    let quick = ["bench", "query", "--quick", "--json", "--folder", folder, "--database-url", database.url()];
    let report = report(&run(&quick).ok());
    let [sqlite, postgres] = report["stores"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!((sqlite["store"].as_str(), postgres["store"].as_str()), (Some("sqlite"), Some("postgresql")));
    assert!(postgres["limit"].as_str().unwrap().starts_with("COPY (SELECT payload"), "{postgres}");
    for store in [sqlite, postgres] {
        assert_eq!((names(&store["reads"]), store["events"].as_u64()), (READS.to_vec(), Some(5_000)));
        let reads = store["reads"].as_array().unwrap();
        let found: Vec<_> = reads.iter().map(|read| read["events"].as_u64().unwrap()).collect();
        assert_eq!(found[..7], [5_000, 5_000, 1_000, 0, 8, 1, 0], "{store}");
        // Many were recorded at one time.
        assert!((1..=5_000).contains(&found[7]) && (1..=2_500).contains(&found[8]), "{found:?}");
        for (read, goal) in reads.iter().zip(store["goals"].as_array().unwrap()) {
            let number = |name: &str| read[name].as_f64().unwrap();
            assert!(number("seconds") > 0.0 && number("limit_seconds") > 0.0, "{read}");
            assert!(number("first_ms") <= number("seconds") * 1_000.0, "{read}");
            let ratio = number("limit_seconds") / number("seconds");
            assert!((number("ratio") - ratio).abs() < 1e-9, "{read}");
            assert_eq!((goal["measured"].as_f64(), goal["met"].as_bool()), (Some(ratio), Some(ratio >= 0.7)));
        }
        assert_eq!(store["pages"].as_array().unwrap().len(), READS.len());
        let memory = |name: &str| store[name].as_u64().unwrap();
        assert!(
            0 < memory("idle_memory_mib") && memory("idle_memory_mib") <= memory("scan_memory_mib"),
            "{store}"
        );
        assert!(memory("scan_memory_mib") <= memory("peak_memory_mib"), "{store}");
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "something is left in the folder");
}

#[test]
fn exports_to_openssh_are_measured_beside_each_stage_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let short = ["bench", "export", "--quick", "--format", "json-lines", "--format", "cef", "--json"];
    let export = report(&run(&[&short[..], &["--folder", path]].concat()).ok());
    assert_eq!(names(&export["exports"]), ["json-lines", "cef"]);
    let stages = ["sftp put", "sftp put -f", "reading rows by key", "rendering json-lines", "rendering cef"];
    assert_eq!(names(&export["stages"]), stages);
    for rate in [&export["exports"], &export["stages"]].iter().flat_map(|list| list.as_array().unwrap()) {
        assert!(rate["events"].as_u64().unwrap() >= 1_000, "{rate}");
        assert!(rate["mb_per_second"].as_f64().unwrap() > 0.0, "{rate}");
    }
    // The same events, and `sftp put` sent the same bytes.
    for put in 0..2 {
        assert_eq!(export["stages"][put]["bytes"], export["exports"][0]["bytes"]);
    }
    // What the stages take together leaves less than any of them alone could do with all cores.
    let micros = |at: usize| export["stages"][at]["cpu_micros"].as_f64().unwrap();
    let cores = export["machine"]["cores"].as_f64().unwrap();
    let ceiling = export["ceiling"].as_f64().unwrap();
    assert!((ceiling - cores * 1e6 / (micros(1) + micros(2) + micros(3))).abs() < 1e-6 * ceiling, "{export}");
    let goals = export["goals"].as_array().unwrap();
    assert_eq!(goals.len(), 4, "{export}");
    assert!(export["server_peak_memory_mib"].as_u64().unwrap() > 0);
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "something is left in the folder");
}

fn bench(more: &[&str]) -> Run {
    run(&[&SHORT, more].concat()).ok()
}

fn report(run: &Run) -> Json {
    serde_json::from_str(&run.out).unwrap()
}

/// All cases, the limits and the goals are there and go together.
fn assert_measured(store: &Json, raw: &str) {
    assert_eq!(names(&store["cases"]), CASES);
    let limits = names(&store["limits"]);
    assert!(limits[0].starts_with(raw), "{limits:?}");
    assert_eq!(limits[1], "single insert, 1 row a transaction");
    assert_eq!(limits[2..], BARE);
    for figures in [&store["cases"], &store["limits"]].iter().flat_map(|list| list.as_array().unwrap()) {
        let number = |name: &str| figures[name].as_f64().unwrap();
        assert!(number("events") > 0.0 && number("events_per_second") > 0.0, "{figures}");
        assert!(0.0 < number("p50_ms") && number("p50_ms") <= number("p99_ms"), "{figures}");
    }
    let goals = store["goals"].as_array().unwrap();
    assert_eq!(goals.len(), 3);
    let rate = |list: &str, at: usize| store[list][at]["events_per_second"].as_f64().unwrap();
    let bulk = rate("cases", 4).max(rate("cases", 5)) / rate("limits", 0);
    assert!((goals[0]["measured"].as_f64().unwrap() - bulk).abs() < 1e-9, "{store}");
    let many = rate("cases", 2) / rate("limits", 1);
    assert!((goals[1]["measured"].as_f64().unwrap() - many).abs() < 1e-9, "{store}");
}

fn names(figures: &Json) -> Vec<&str> {
    figures.as_array().unwrap().iter().map(|figures| figures["case"].as_str().unwrap()).collect()
}
