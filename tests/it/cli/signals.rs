//! SIGTERM, as a service manager sends it.

use std::{
    fs,
    time::{Duration, Instant},
};

use super::program::{client, run};
use crate::support::{processes::kill, server::Server};

/// How long the server goes on serving after the first signal.
const DELAY: Duration = Duration::from_secs(50);

fn with_delay(delay: Duration) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vidne.toml");
    fs::write(&file, format!("[shutdown]\ndelay = \"{}ms\"\n", delay.as_millis())).unwrap();
    let server = Server::with_arguments(&["--config", file.to_str().unwrap()]);
    (folder, server)
}

fn health(server: &Server, service: &str) -> i32 {
    let endpoint = format!("http://{}", server.addresses().health);
    run(&["health", "--server", &endpoint, "--service", service]).code
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    let (_folder, mut server) = with_delay(DELAY);
    let begin = Instant::now();
    kill("TERM", &[server.process()]);
    while !server.log().contains("a second signal ends the process at once") {
        assert!(begin.elapsed() < DELAY, "{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = server.terminate();
    assert_eq!(status.code(), Some(1), "{status}");
    assert!(begin.elapsed() < DELAY, "{:?}", begin.elapsed());
}

#[test]
fn after_the_first_signal_the_server_is_not_ready_serves_for_the_delay_and_ends_with_code_0() {
    let delay = Duration::from_secs(3);
    let (_folder, mut server) = with_delay(delay);
    assert_eq!(health(&server, "vidne.v1.AuditService"), 0);
    assert_eq!(health(&server, ""), 0);
    let begin = Instant::now();
    kill("TERM", &[server.process()]);
    while health(&server, "vidne.v1.AuditService") == 0 {
        assert!(begin.elapsed() < delay, "it is ready all the time");
    }
    client(&server, &["record", "--type", "record_read"]).ok();
    // The signal has been taken; this only waits.
    let status = loop {
        if let Some(status) = server.ended() {
            break status;
        }
        assert!(begin.elapsed() < delay * 10, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(status.success(), "{status}");
    assert!(begin.elapsed() >= delay, "it ended after {:?}", begin.elapsed());
}

#[test]
fn health_with_record_writes_an_event_and_reads_it_back() {
    let server = Server::on_sqlite();
    let run = client(&server, &["health", "--record", "--json"]).ok();
    let event = &run.json()[0]["event"];
    assert_eq!(event["sequence"], 1);
    let stored = client(&server, &["query", "--json"]).ok().json();
    assert_eq!(
        (&stored[0]["event_id"], &stored[0]["type_name"]),
        (&event["event_id"], &"vidne.health".into())
    );
    client(&server, &["tenant", "update", "default", "--custom-events", "off"]).ok();
    let refused = client(&server, &["health", "--record"]);
    assert!(refused.code == 1 && refused.err.contains("custom events"), "{}", refused.err);
    let missing = client(&server, &["health", "--record", "--tenant", "nobody"]);
    assert!(missing.code == 1 && missing.err.contains("no such tenant"), "{}", missing.err);
}
