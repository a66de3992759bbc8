//! What becomes of tenants and jobs from start to start.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::Builder;
use vidne::codec::proto::v1::{self, destination, export_format};

use super::{Config, JOB, call, client, exported, job, pause, resume, told};
use crate::support::{postgres::TestDatabase, server::Server};

#[test]
fn a_declared_job_runs_by_itself_and_follows_the_file_from_start_to_start() {
    let config = Config::new(JOB);
    let mut server = config.server();
    let tenant = client(&server, &["tenant", "get", "acme", "--json"]).ok().json().remove(0);
    assert_eq!((&tenant["display_name"], &tenant["revision"]), (&"ACME".into(), &1.into()));
    assert_eq!(tenant["settings"]["security_events_enabled"], true);
    let created = job(&server);
    assert_eq!((created.declared, created.revision), (true, 1));
    assert_eq!(created.heartbeat_interval.map(|interval| interval.seconds), Some(3_600));

    // It runs by itself.
    client(&server, &["record", "--tenant", "acme", "--type", "read"]).ok();
    let end = Instant::now() + Duration::from_secs(60);
    let file = loop {
        if let Some(file) = exported(&server) {
            break file;
        }
        assert!(Instant::now() < end, "nothing is exported: {:?}", job(&server));
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(fs::read_to_string(file).unwrap().lines().count(), 1);

    // The same again changes nothing, and a pause lasts.
    pause(&server);
    let told_before = client(&server, &["query", "--tenant", "acme", "--json"]).ok().json().len();
    assert!(server.terminate().success());
    server.restart();
    let same = job(&server);
    assert_eq!((same.revision, same.paused), (1, true));
    assert_eq!(client(&server, &["query", "--tenant", "acme", "--json"]).ok().json().len(), told_before);
    let tenant = client(&server, &["tenant", "get", "acme", "--json"]).ok().json().remove(0);
    assert_eq!(tenant["revision"], 1);
    resume(&server);

    // What a call changed is set again.
    client(&server, &["export", "update", "local", "--tenant", "acme", "--national-id", "full"]).ok();
    server.restart();
    let set_again = job(&server);
    assert_eq!((set_again.revision, set_again.national_id()), (3, v1::NationalIdMode::Omit));
    assert!(set_again.declared);

    // Another file, another revision; the tenant's switch too.
    config.write(
        &JOB.replace("{ json_lines = {} }", "{ cef = { version = \"v1\" } }").replace("= true", "= false"),
    );
    server.restart();
    let changed = job(&server);
    assert_eq!((changed.revision, &changed.job_id, changed.paused), (4, &created.job_id, false));
    let kind = changed.format.clone().unwrap().kind.unwrap();
    assert!(
        matches!(&kind, export_format::Kind::Cef(cef) if cef.version() == v1::CefVersion::V1),
        "{kind:?}"
    );
    let tenant = client(&server, &["tenant", "get", "acme", "--json"]).ok().json().remove(0);
    assert_eq!(tenant["settings"]["security_events_enabled"], false);

    // No longer declared: paused, and nothing is lost.
    config.write("");
    server.restart();
    let released = job(&server);
    assert_eq!((released.declared, released.paused), (false, true));
    assert_eq!((released.format, released.published_sequence), (changed.format, changed.published_sequence));
    assert!(server.log().contains("no longer declared"), "{}", server.log());
    client(&server, &["tenant", "get", "acme"]).ok();
    server.restart();
    assert_eq!(job(&server).revision, released.revision);
}

#[test]
fn what_the_configuration_does_is_witnessed_as_what_calls_do() {
    let config = Config::new(JOB);
    let mut server = config.server();
    let created = ["SERVICE_EXPORT_JOB_CREATED"];
    assert_eq!(told(&server), created);
    let events = client(&server, &["query", "--json"]).ok().json();
    let tenant = events.iter().find(|event| event["type"] == "TENANT_CREATED").unwrap();
    assert_eq!(tenant["actor"]["user_id"], "configuration");
    config.write(&JOB.replace("json_lines", "ecs").replace("= true", "= false"));
    server.restart();
    let changed = [created[0], "AUDITING_CONFIGURATION_CHANGED", "SERVICE_EXPORT_JOB_UPDATED"];
    assert_eq!(told(&server), changed);
    config.write("");
    server.restart();
    let released = [&changed[..], &["SERVICE_EXPORT_JOB_PAUSED", "SERVICE_EXPORT_JOB_UPDATED"]].concat();
    assert_eq!(told(&server), released);
}

#[test]
fn servers_that_start_at_the_same_time_make_one_job() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let database = runtime.block_on(TestDatabase::create());
    let url = database.url().to_owned();
    let key = tempfile::tempdir().unwrap();
    let key = key.path().join("vidne.key");
    let config = Config::new(&format!("keys.file = {key:?}\n{JOB}"));
    // Makes the key and migrates, and declares nothing.
    let empty = Config::new(&format!("keys.file = {key:?}\n"));
    let start = |file: &Path| {
        Server::with_arguments(&["--config", file.to_str().unwrap(), "--database-url", &url, "--migrate"])
    };
    drop(start(&empty.path()));
    let servers: Vec<Server> = thread::scope(|scope| {
        let starting: Vec<_> = (0..3).map(|_| scope.spawn(|| start(&config.path()))).collect();
        starting.into_iter().map(|server| server.join().unwrap()).collect()
    });
    let jobs = client(&servers[0], &["export", "list", "--tenant", "acme", "--json"]).ok().json();
    assert_eq!((jobs.len(), &jobs[0]["revision"]), (1, &1.into()));
    assert_eq!(told(&servers[1]), ["SERVICE_EXPORT_JOB_CREATED"]);
}

#[test]
fn accepted_host_keys_outlive_a_start_and_passwords_given_by_call_do_not() {
    let config = Config::new(
        r#"
        [export]
        secret_env_prefix = "EXPORT_"
        [[tenants]]
        tenant_id = "acme"
        [[export_jobs]]
        tenant_id = "acme"
        name = "local"
        format.json_lines = {}
        schedule.manual = true
        [export_jobs.destination.sftp]
        address = "siem.example"
        user_name = "vidne"
        password_env = "EXPORT_SIEM"
        "#,
    );
    let mut server = config.server();
    let key = format!("SHA256:{}", "A".repeat(43));
    let update = |server: &Server, sftp: v1::SftpDestination, path: &str| {
        let kind = Some(destination::Kind::Sftp(sftp));
        let job = v1::ExportJob { destination: Some(v1::Destination { kind }), ..job(server) };
        let mask = prost_types::FieldMask { paths: vec![format!("destination.sftp.{path}")] };
        let request = v1::UpdateExportJobRequest { job: Some(job), update_mask: Some(mask), revision: 0 };
        call(server, async |mut exports| exports.update_export_job(request).await);
    };
    let sftp = |server: &Server| match job(server).destination.unwrap().kind.unwrap() {
        destination::Kind::Sftp(sftp) => sftp,
        other => panic!("not SFTP: {other:?}"),
    };
    let host_keys = v1::SftpDestination { host_keys: vec![key.clone()], ..Default::default() };
    update(&server, host_keys, "host_keys");
    server.restart();
    assert_eq!((sftp(&server).host_keys, job(&server).revision), (vec![key.clone()], 2));

    let password = v1::SftpDestination { password: "hunter2".to_owned(), ..Default::default() };
    update(&server, password, "password");
    assert!(sftp(&server).has_password && sftp(&server).password_from.is_none());
    server.restart();
    let again = sftp(&server);
    assert!(!again.has_password && again.password_from.is_some() && again.host_keys == [key]);
}
