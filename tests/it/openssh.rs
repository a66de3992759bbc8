//! The main job with nothing of ours on the other side: the built program, and OpenSSH with a password user in a
//! chroot.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use crate::{
    cli::program::{Run, client, client_with, command, run_with},
    support::{
        events::{full, recordable},
        postgres::TestDatabase,
        server::Server,
        sshd::{Login, Sshd},
    },
};

/// One JSON line for each type a client may record, with every field filled.
fn lines() -> String {
    let line = |(i, event_type)| {
        let input = full(event_type);
        let event = vidne::domain::event::RecordedEvent {
            sequence: 1,
            recorded: crate::support::events::NOW,
            event: vidne::domain::validate::validate(
                vidne::domain::input::EventInput {
                    event_id: uuid::Uuid::from_u128(i as u128 + 1).to_string(),
                    ..input
                },
                "event",
                &crate::support::events::limits(),
                &crate::support::events::call(),
            )
            .unwrap(),
        };
        let mut line = Vec::new();
        vidne::codec::json::write_line(&event, true, &mut line);
        String::from_utf8(line).unwrap()
    };
    recordable().into_iter().enumerate().map(line).collect()
}

/// `vidne export create` with address, user and password, and consent to the key that `ssh-keygen` prints.
fn create(server: &Server, sshd: &Sshd, name: &str, more: &[&str]) -> Run {
    let address = format!("127.0.0.1:{}", sshd.port);
    let (key, endpoint) = (sshd.fingerprint("ed25519"), server.endpoint());
    let arguments = [
        &["export", "create", "--name", name, "--server", &endpoint],
        &["--sftp", &address, "--user", &sshd.user.name, "--password-env", "DROP_PASSWORD"][..],
        &["--accept-host-key", &key],
        more,
    ]
    .concat();
    run_with(command(&arguments).env("DROP_PASSWORD", &sshd.user.password), "")
}

/// The names of what the job dropped, hidden files included.
fn dropped(sshd: &Sshd) -> Vec<String> {
    let entries = fs::read_dir(sshd.landing_folder()).unwrap();
    let files = entries.map(|entry| entry.unwrap()).filter(|entry| entry.file_type().unwrap().is_file());
    let mut names: Vec<_> = files.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn read(sshd: &Sshd, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(sshd.landing_folder().join(name)).unwrap();
    assert!(text.ends_with('\n'), "{name} ends with a line feed");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn by_sequence(events: &[Value]) -> BTreeMap<u64, &Value> {
    events.iter().map(|event| (event["sequence"].as_u64().unwrap(), event)).collect()
}

fn every_recorded_event_arrives_once_with_all_fields(server: &mut Server) {
    let sshd = Sshd::start(Login::PasswordOrKey);
    client(server, &["tenant", "update", "default", "--security-events", "on"]).ok();
    client_with(server, &["record", "--file", "-"], &lines()).ok();
    create(server, &sshd, "siem", &["--national-id", "full"]).ok();
    client(server, &["export", "run", "siem"]).ok();

    let names = dropped(&sshd);
    assert_eq!(names.len(), 1, "{names:?}");
    let first = read(&sshd, &names[0]);
    let log = client(server, &["query", "--json", "--show-personal"]).ok().json();
    // The job's own creation is in the log before its first run, so it is in the file as well.
    assert_eq!(by_sequence(&first), by_sequence(&log));
    assert_eq!(first.len(), log.len(), "no event twice");
    assert_eq!(first.len(), recordable().len() + 2);
    let read_event = first.iter().find(|event| event["type"] == "RECORD_READ").unwrap();
    assert_eq!(read_event["personal"]["actor_national_id"], "0101701234");
    assert_eq!(read_event["targets"].as_array().unwrap().len(), 4);

    // Nothing new, no file. Something new, and killed before it is exported: exactly that, in a second file.
    client(server, &["export", "run", "siem"]).ok();
    assert_eq!(dropped(&sshd).len(), 1);
    client(server, &["record", "--type", "record_searched", "--actor-id", "late"]).ok();
    server.kill9();
    server.restart();
    client(server, &["export", "run", "siem"]).ok();
    let names = dropped(&sshd);
    assert_eq!(names.len(), 2, "{names:?}");
    let second = read(&sshd, &names[1]);
    assert_eq!(second.len(), 1);
    assert_eq!(second[0]["actor"]["user_id"], "late");
    assert_eq!(second[0]["sequence"].as_u64().unwrap(), first.len() as u64 + 1);
}

#[test]
fn g5_every_recorded_event_arrives_on_openssh_once_with_all_fields_from_sqlite() {
    every_recorded_event_arrives_once_with_all_fields(&mut Server::on_sqlite());
}

#[tokio::test(flavor = "multi_thread")]
async fn g5_every_recorded_event_arrives_on_openssh_once_with_all_fields_from_postgresql() {
    let database = TestDatabase::create().await;
    tokio::task::block_in_place(|| {
        every_recorded_event_arrives_once_with_all_fields(&mut Server::on_postgres(&database));
    });
}

#[test]
fn a_changed_host_key_stops_everything_before_the_password_is_sent() {
    let server = Server::on_sqlite();
    let sshd = Sshd::start(Login::PasswordOrKey);
    let address = format!("127.0.0.1:{}", sshd.port);
    let other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let endpoint = server.endpoint();
    let arguments = [
        "export",
        "create",
        "--name",
        "siem",
        "--server",
        &endpoint,
        "--sftp",
        &address,
        "--user",
        &sshd.user.name,
        "--password-env",
        "DROP_PASSWORD",
        "--accept-host-key",
        other,
    ];
    let refused = run_with(command(&arguments).env("DROP_PASSWORD", &sshd.user.password), "");
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains(&sshd.fingerprint("ed25519")), "{}", refused.err);
    assert!(dropped(&sshd).is_empty());
    // G8, as far as logs go: no secret in what the server says, whatever went wrong.
    assert!(!server.log().contains(&sshd.user.password));
}

#[test]
fn csv_on_openssh_has_the_ten_fields_in_their_order_and_no_national_id() {
    let server = Server::on_sqlite();
    let sshd = Sshd::start(Login::PasswordOrKey);
    client_with(&server, &["record", "--file", "-"], &lines()).ok();
    create(&server, &sshd, "xflow", &["--format", "csv", "--type", "record_read"]).ok();
    client(&server, &["export", "run", "xflow"]).ok();
    let names = dropped(&sshd);
    let text = fs::read_to_string(sshd.landing_folder().join(&names[0])).unwrap();
    assert_eq!(
        text,
        "2026-11-22T07:59:59.123456Z,Information,u-4711,Åse Ørsted,,aase.oersted@example.dk,AAOE,\
         org-29189846,2001:db8::7,\"\"\"Read\"\" has read the form with TaskId 1001, BlanketID 77\"\n"
    );
}
