//! A database that is there and does not answer.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use crate::support::{cluster::Cluster, processes::kill, server::Server};

/// How long the probes of Kubernetes wait by default in the chart, and more.
const PROBE: Duration = Duration::from_secs(5);
const SOON: Duration = Duration::from_secs(30);

/// Whether a service serves, as a probe asks; an answer that does not come in time fails the test.
fn serves(server: &Server, service: &str) -> bool {
    let begin = Instant::now();
    let mut probe = Command::new(env!("CARGO_BIN_EXE_vidne"));
    probe.args([
        "health",
        "--server",
        &format!("http://{}", server.addresses().health),
        "--service",
        service,
    ]);
    let output = probe.output().unwrap();
    assert!(begin.elapsed() < PROBE, "the probe took {:?}", begin.elapsed());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("SERVING"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    output.status.success()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_frozen_database_the_server_lives_is_not_ready_and_stops_within_its_deadlines() {
    let cluster = Cluster::start().await;
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("vidne.toml");
    fs::write(&settings, "[shutdown]\ndeadline = \"1s\"\n").unwrap();
    let mut server = Server::with_arguments(&[
        "--database-url",
        cluster.url(),
        "--migrate",
        "--config",
        settings.to_str().unwrap(),
    ]);
    const READY: &str = "vidne.v1.AuditService";
    assert!(serves(&server, READY));

    kill("STOP", &cluster.processes());
    let mut recording = Command::new(env!("CARGO_BIN_EXE_vidne"))
        .args(["record", "--type", "record_read", "--server", &server.endpoint()])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + SOON;
    while serves(&server, READY) {
        assert!(Instant::now() < end, "it is ready all the time");
    }
    assert!(serves(&server, ""), "it must not be restarted for that");

    // 1 s for calls, 2 s for what they left, 5 s for the database, 5 s for telemetry.
    let begin = Instant::now();
    let status = server.terminate();
    let took = begin.elapsed();
    recording.kill().unwrap();
    recording.wait().unwrap();
    assert!(took < Duration::from_secs(13), "it took {took:?}");
    assert!(status.success(), "{status}: {}", server.log());
    eprintln!("stopped in {took:?} on a frozen database");
}
