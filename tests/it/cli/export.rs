//! `vidne export` and `demo`, with the loopback SFTP server on the other side.

use std::{fs, path::PathBuf};

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use vidne::{
    demo::sftp_server::{Quirks, SftpServer, SftpServerOptions},
    domain::secret::Secret,
};

use super::program::{Run, client, run};
use crate::support::server::Server;

/// An SFTP server with a user, and a file that holds the password.
struct DropServer {
    folder: TempDir,
    sftp: SftpServer,
    _stop: tokio_util::sync::DropGuard,
}

impl DropServer {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        fs::write(folder.path().join("password"), "hemmeligt\n").unwrap();
        let stop = CancellationToken::new();
        let options = SftpServerOptions {
            folder: folder.path().join("in"),
            user: "siem".to_owned(),
            password: Secret::new("hemmeligt"),
            quirks: Quirks::default(),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let sftp = SftpServer::start(listener, options, stop.clone()).unwrap();
        Self { folder, sftp, _stop: stop.drop_guard() }
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path().join("in")).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
        files.sort();
        files
    }

    /// `vidne export` with this destination.
    async fn vidne(&self, server: &Server, arguments: &[&str]) -> Run {
        let address = self.sftp.address().to_string();
        let password = self.folder.path().join("password");
        let destination =
            ["--sftp", &address, "--user", "siem", "--password-file", password.to_str().unwrap()];
        export(server, &[arguments, &destination].concat())
    }
}

/// Waits for the program while the SFTP server goes on, on the other worker.
fn export(server: &Server, arguments: &[&str]) -> Run {
    tokio::task::block_in_place(|| client(server, &[&["export"], arguments].concat()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn address_user_and_password_set_up_a_job_once_the_host_key_is_agreed_to() {
    let server = Server::on_sqlite();
    tokio::task::block_in_place(|| client(&server, &["record", "--type", "read"])).ok();
    let siem = DropServer::start().await;
    let fingerprint = siem.sftp.fingerprint().to_owned();

    // Nobody can be asked here: the key is shown, nothing is trusted and no login was tried.
    let unknown = siem.vidne(&server, &["create", "--name", "siem"]).await;
    assert_eq!(unknown.code, 1);
    assert!(
        unknown.err.contains(&fingerprint) && unknown.err.contains("--accept-host-key"),
        "{}",
        unknown.err
    );
    let other = siem
        .vidne(
            &server,
            &["create", "--name", "siem", "--accept-host-key", &format!("SHA256:{}", "A".repeat(43))],
        )
        .await;
    assert!(other.code == 1 && other.err.contains(&fingerprint), "{}", other.err);
    assert_eq!(siem.sftp.login_attempts(), 0);
    assert_eq!(export(&server, &["list", "--json"]).ok().json().len(), 0);

    let accept = ["create", "--name", "siem", "--json", "--accept-host-key", &fingerprint];
    let job = siem.vidne(&server, &accept).await.ok().json().remove(0);
    assert_eq!(job["destination"]["sftp"]["host_keys"], serde_json::json!([fingerprint]));
    assert_eq!(job["destination"]["sftp"]["has_password"], true);
    assert!(!job.to_string().contains("hemmeligt"));

    let run = export(&server, &["run", "siem", "--json"]).ok().json();
    assert_eq!(run.last().unwrap()["result"]["files"], 1);
    let files = export(&server, &["files", "siem", "--json"]).ok().json();
    assert_eq!(files[0]["state"], "PUBLISHED");
    let dropped = siem.files();
    assert_eq!(dropped.len(), 1);
    assert_eq!(dropped[0].file_name().unwrap().to_str().unwrap(), files[0]["name"]);
    assert_eq!(fs::read_to_string(&dropped[0]).unwrap().lines().count() as u64, files[0]["event_count"]);

    let test = export(&server, &["test", "siem"]).ok();
    assert!(test.out.contains("The destination works."), "{}", test.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_creates_no_job() {
    let server = Server::on_sqlite();
    let siem = DropServer::start().await;
    fs::write(siem.folder.path().join("password"), "forkert").unwrap();
    let key = siem.sftp.fingerprint().to_owned();
    let refused = siem.vidne(&server, &["create", "--name", "siem", "--host-key", &key]).await;
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("login") && refused.err.contains("no job was created"), "{}", refused.err);
    assert_eq!(export(&server, &["list", "--json"]).ok().json().len(), 0);
}

#[test]
fn a_job_is_changed_shown_and_deleted() {
    let server = Server::on_sqlite();
    let export = |arguments: &[&str]| client(&server, &[&["export"], arguments].concat());
    export(&["create", "--name", "local", "--fs", "siem", "--format", "csv", "--type", "read"]).ok();
    let changed = export(&["update", "local", "--national-id", "full", "--json"]).ok().json().remove(0);
    assert_eq!((&changed["national_id"], &changed["revision"]), (&"FULL".into(), &2.into()));
    assert_eq!(changed["filter"]["types"], serde_json::json!(["RECORD_READ"]));
    assert_eq!(export(&["update", "local"]).code, 2);
    assert!(export(&["get", "local"]).ok().out.contains("in full"));
    assert!(export(&["run", "local"]).ok().out.contains("Nothing is new"));
    assert!(export(&["run", "no-such-job"]).err.contains("vidne export list"));
    export(&["delete", "local", "--yes"]).ok();
    assert_eq!(export(&["get", "local"]).code, 1);
}

#[test]
fn every_format_and_option_is_kept_and_shown() {
    let server = Server::on_sqlite();
    let export = |arguments: &[&str]| client(&server, &[&["export"], arguments].concat());
    export(&["create", "--name", "local", "--fs", "siem"]).ok();
    for (options, said, json) in [
        (&["csv", "--csv-preset", "flexicapture"] as &[&str], "CSV flexicapture", "FLEXICAPTURE"),
        (
            &["csv", "--csv-columns", "sequence,trace", "--csv-header"],
            "CSV sequence,trace with header",
            "trace",
        ),
        (&["csv", "--csv-no-formula-guard"], "no formula guard", "\"formula_guard\":false"),
        (&["cef", "--cef-version", "1", "--defensive"], "CEF 1, defensive", "\"version\":\"V1\""),
        (&["leef", "--leef-version", "2.0"], "LEEF 2.0", "\"version\":\"V2\""),
        (&["rfc5424", "--rfc5424-hostname", "a.example"], "host a.example, enterprise number 32473", "8192"),
        (&["leef", "--defensive"], "LEEF 1.0, defensive", "\"defensive\":true"),
        (
            &["rfc5424", "--rfc5424-enterprise-number", "99", "--rfc5424-max-line-bytes", "5000"],
            "enterprise number 99",
            "\"max_line_bytes\":5000",
        ),
        (&["rfc5424", "--defensive"], "defensive", "\"defensive\":true"),
        (&["ecs", "--ecs-crud-types"], "ECS 9 with creation and deletion", "\"crud_types\":true"),
        (&["ocsf", "--ocsf-version", "1.4.0"], "OCSF 1.4.0", "V1_4_0"),
        (&["json-lines"], "JSON Lines", "json_lines"),
    ] {
        export(&[&["update", "local", "--format"], options].concat()).ok();
        let shown = export(&["get", "local"]).ok().out;
        assert!(shown.contains(said), "{said}: {shown}");
        let shown = export(&["get", "local", "--json"]).ok().json().remove(0)["format"].to_string();
        assert!(shown.contains(json), "{json}: {shown}");
    }
    let refused = export(&["update", "local", "--format", "csv", "--csv-columns", "sequence,colour"]);
    assert!(refused.code == 1 && refused.err.contains("job.format.csv.columns[1]"), "{}", refused.err);
    let refused = export(&["update", "local", "--format", "cef", "--leef-version", "2.0"]);
    assert!(refused.code == 2 && refused.err.contains("--leef-version"), "{}", refused.err);
}

#[test]
fn the_demo_shows_the_whole_job() {
    let demo = run(&["demo"]).ok();
    for said in [
        "NOT_RECORDED",
        "USER_CREATED",
        "RECORD_READ",
        "DUPLICATE",
        "SHA256:",
        ".jsonl",
        ".csv",
        "vidne serve",
    ] {
        assert!(demo.out.contains(said), "{said} is missing in {}", demo.out);
    }
    // It tries to clear the screen.
    assert!(!demo.out.contains('\u{1b}'));
    // National ids are not for everybody.
    assert!(!demo.out.contains("-0001") && demo.err.is_empty(), "{}", demo.err);
}
