//! Destinations that are tried out, and real SFTP with user name and password.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use vidne::{
    demo::sftp_server::{Quirks, SftpServer, SftpServerOptions},
    domain::{
        catalogue::EventType,
        export::{Destination, DestinationSecrets, Health, JobSettings, SecretSource, SftpDestination},
        secret::Secret,
    },
    export::{
        destination::{DestinationConfig, OpendalDestinations},
        probe::TestReport,
        secret_source::SecretSources,
        sftp::SftpLimits,
    },
    service::{
        ServiceError,
        exports::{NewAs, TestTarget},
    },
};

use super::{
    bed::{Bed, CALLER, Server, default_tenant, settings},
    faults::Plan,
};

const PASSWORD: &str = "s3cret passw0rd";
const OTHER_KEY: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct Siem {
    bed: Bed,
    server: SftpServer,
    stop: CancellationToken,
}

impl Siem {
    async fn start() -> Self {
        let bed = Bed::new();
        std::fs::create_dir_all(bed.folder()).unwrap();
        let options = SftpServerOptions {
            folder: bed.folder(),
            user: "xflow".to_owned(),
            password: Secret::new(PASSWORD),
            quirks: Quirks::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stop = CancellationToken::new();
        let server = SftpServer::start(listener, options, stop.clone()).unwrap();
        Self { bed, server, stop }
    }

    fn destination(&self, host_keys: Vec<String>) -> Destination {
        Destination::Sftp(SftpDestination {
            address: self.server.address().to_string(),
            user_name: "xflow".to_owned(),
            directory: String::new(),
            host_keys,
            has_password: true,
            ..SftpDestination::default()
        })
    }

    fn vidne(&self) -> Server {
        let sftp = SftpLimits { retries: 0, ..SftpLimits::default() };
        let config = DestinationConfig { sftp, ..DestinationConfig::default() };
        self.bed.server_with(&Plan::none(), Arc::new(OpendalDestinations::new(config)))
    }

    async fn create(&self, vidne: &Server, password: &str) {
        let settings = JobSettings { destination: self.destination(Vec::new()), ..settings() };
        vidne
            .exports
            .create(default_tenant(), settings, secrets(password), NewAs::default(), CALLER)
            .await
            .unwrap();
    }
}

fn secrets(password: &str) -> DestinationSecrets {
    DestinationSecrets { password: Some(Secret::new(password)), ..DestinationSecrets::default() }
}

/// `name` of each step, with `!` where it failed.
fn steps(report: &TestReport) -> Vec<String> {
    let mark = |failed| if failed { "!" } else { "" };
    report.steps.iter().map(|step| format!("{}{}", step.name, mark(step.failure.is_some()))).collect()
}

async fn test(vidne: &Server, target: TestTarget, accept: Option<&str>) -> TestReport {
    vidne.exports.test_destination(&default_tenant(), target, accept, CALLER).await.unwrap().report
}

#[tokio::test]
async fn address_user_and_password_are_enough_once_the_key_is_accepted() {
    let siem = Siem::start().await;
    let vidne = siem.vidne();
    siem.bed.record_some(10).await;
    siem.create(&vidne, PASSWORD).await;
    let job = || TestTarget::Job("siem".to_owned());

    let first = test(&vidne, job(), None).await;
    assert_eq!(steps(&first), ["resolve", "connect", "host_key!"]);
    let shown = first.host_key.unwrap();
    assert_eq!((shown.fingerprint.as_str(), first.host_key_trusted), (siem.server.fingerprint(), false));
    let refused = siem.bed.run(&vidne).await;
    assert!(matches!(
        refused,
        Err(ServiceError::Export(vidne::export::ExportError::HostKey { pinned: false, .. }))
    ));
    assert_eq!(siem.server.login_attempts(), 0, "something secret was sent");

    let accepted = test(&vidne, job(), Some(&shown.fingerprint)).await;
    let all = ["resolve", "connect", "host_key", "login", "directory", "write", "rename", "delete"];
    assert_eq!(steps(&accepted), all);
    assert!(accepted.ok() && accepted.host_key_trusted);
    assert_eq!(std::fs::read_dir(siem.bed.folder()).unwrap().count(), 0, "the probe was left");
    let pinned = siem.bed.job().await;
    let Destination::Sftp(sftp) = &pinned.settings.destination else { panic!("not SFTP") };
    assert_eq!((pinned.revision, sftp.host_keys.as_slice()), (2, [shown.fingerprint.clone()].as_slice()));

    let result = siem.bed.run(&vidne).await.unwrap();
    assert_eq!((result.files, result.events), (3, 10));
    siem.bed.assert_delivered_equals_log().await;
    assert_eq!(siem.bed.run(&vidne).await.unwrap().files, 0);

    let log = siem.bed.log().await;
    let own: Vec<EventType> = log.iter().map(|event| event.event.event_type).collect();
    assert!(own.contains(&EventType::SERVICE_HOST_KEY_ACCEPTED));
    assert!(own.contains(&EventType::SERVICE_EXPORT_JOB_RECOVERED));
    siem.stop.cancel();
}

#[tokio::test]
async fn another_key_than_the_accepted_or_pinned_one_is_a_hard_stop() {
    let siem = Siem::start().await;
    let vidne = siem.vidne();
    siem.create(&vidne, PASSWORD).await;
    let report = test(&vidne, TestTarget::Job("siem".to_owned()), Some(OTHER_KEY)).await;
    assert_eq!(steps(&report), ["resolve", "connect", "host_key!"]);
    assert_eq!(siem.bed.job().await.revision, 1, "a key was pinned");
    let pinned = siem.destination(vec![OTHER_KEY.to_owned()]);
    let report = test(&vidne, TestTarget::Destination(pinned, secrets(PASSWORD)), None).await;
    assert_eq!(steps(&report), ["resolve", "connect", "host_key!"]);
    assert!(!report.host_key_trusted);
    assert_eq!(siem.server.login_attempts(), 0, "something secret was sent");
    siem.stop.cancel();
}

#[tokio::test]
async fn a_known_hosts_line_pins_as_well_as_a_fingerprint() {
    let siem = Siem::start().await;
    let pinned = siem.destination(vec![siem.server.host_key_line().to_owned()]);
    let report = test(&siem.vidne(), TestTarget::Destination(pinned, secrets(PASSWORD)), None).await;
    assert!(report.ok() && report.host_key_trusted, "{report:?}");
    siem.stop.cancel();
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told_from_a_login_that_fails() {
    let siem = Siem::start().await;
    let mut missing = siem.destination(vec![siem.server.fingerprint().to_owned()]);
    let Destination::Sftp(sftp) = &mut missing else { panic!("not SFTP") };
    sftp.directory = "ind".to_owned();
    let report = test(&siem.vidne(), TestTarget::Destination(missing, secrets(PASSWORD)), None).await;
    assert_eq!(steps(&report), ["resolve", "connect", "host_key", "login", "directory!"]);
    let said = report.steps[4].failure.clone().unwrap();
    assert!(said.contains("no folder \"ind\"") && said.contains("spelling"), "{said}");
    assert_eq!(std::fs::read_dir(siem.bed.folder()).unwrap().count(), 0, "the folder was made");
    siem.stop.cancel();
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_told_from_a_server_that_does_not_answer() {
    let siem = Siem::start().await;
    let mut nowhere = siem.destination(vec![siem.server.fingerprint().to_owned()]);
    let Destination::Sftp(sftp) = &mut nowhere else { panic!("not SFTP") };
    // Never a name (RFC 6761).
    sftp.address = "drop.invalid".to_owned();
    let report = test(&siem.vidne(), TestTarget::Destination(nowhere, secrets(PASSWORD)), None).await;
    assert_eq!(steps(&report), ["resolve!"]);
    let said = report.steps[0].failure.clone().unwrap();
    assert!(said.contains("host name is not known") && said.contains("DNS"), "{said}");
    siem.stop.cancel();
}

#[tokio::test]
async fn a_wrong_password_is_said_in_words_without_the_password() {
    let siem = Siem::start().await;
    let vidne = siem.vidne();
    let pinned = siem.destination(vec![siem.server.fingerprint().to_owned()]);
    let target = TestTarget::Destination(pinned.clone(), secrets("wrong password"));
    let report = test(&vidne, target, None).await;
    assert_eq!(steps(&report), ["resolve", "connect", "host_key", "login!"]);
    let said = report.steps[3].failure.clone().unwrap();
    assert!(said.contains("password was not accepted") && !said.contains("wrong password"), "{said}");

    siem.bed.record_some(1).await;
    let settings = JobSettings { destination: pinned, ..settings() };
    let created = vidne
        .exports
        .create(default_tenant(), settings, secrets("wrong password"), NewAs::default(), CALLER)
        .await;
    created.unwrap();
    siem.bed.run(&vidne).await.unwrap_err();
    let job = siem.bed.job().await;
    assert_eq!(job.health, Health::Failing);
    assert!(!job.last_error.is_empty() && !job.last_error.contains("wrong password"), "{}", job.last_error);
    siem.stop.cancel();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_answer() {
    let siem = Siem::start().await;
    let mut destination = siem.destination(Vec::new());
    let Destination::Sftp(sftp) = &mut destination else { panic!("not SFTP") };
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    sftp.address = closed.to_string();
    let report = test(&siem.vidne(), TestTarget::Destination(destination, secrets(PASSWORD)), None).await;
    assert_eq!(steps(&report), ["resolve", "connect!"]);
    assert_eq!(report.host_key, None);
    siem.stop.cancel();
}

#[tokio::test]
async fn a_local_folder_is_tried_out_and_left_as_it_was() {
    let bed = Bed::new();
    bed.create(settings()).await;
    let server = bed.good_server();
    let report = test(&server, TestTarget::Job("siem".to_owned()), None).await;
    assert_eq!(steps(&report), ["directory", "write", "rename", "delete"]);
    assert!(report.ok());
    assert_eq!(std::fs::read_dir(bed.folder()).unwrap().count(), 0);
    let outside = Destination::Fs { directory: "../etc".to_owned(), file_mode: None };
    let report = test(&server, TestTarget::Destination(outside, Default::default()), None).await;
    assert_eq!(steps(&report), ["directory!"]);
}

#[tokio::test]
async fn a_link_out_of_the_export_directory_is_refused() {
    let bed = Bed::new();
    bed.record_some(1).await;
    bed.create(settings()).await;
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), bed.root.path().join("siem")).unwrap();
    let refused = bed.run(&bed.good_server()).await.unwrap_err().to_string();
    assert!(refused.contains("leads out"), "{refused}");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_host_key_that_is_no_fingerprint_is_refused() {
    let bed = Bed::new();
    bed.create(settings()).await;
    let target = TestTarget::Job("siem".to_owned());
    let exports = bed.good_server().exports;
    let refused = exports.test_destination(&default_tenant(), target, Some("trust me"), CALLER).await;
    assert!(matches!(refused, Err(ServiceError::Invalid(_))));
}

#[tokio::test]
async fn a_password_in_a_file_of_the_server_is_read_anew_at_each_run_and_never_repeated() {
    let siem = Siem::start().await;
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("siem-password"), text).unwrap();
    let config = DestinationConfig {
        sftp: SftpLimits { retries: 0, ..SftpLimits::default() },
        secret_sources: SecretSources { files: Some(folder.path().to_owned()), env_prefix: None },
        ..DestinationConfig::default()
    };
    let vidne = siem.bed.server_with(&Plan::none(), Arc::new(OpendalDestinations::new(config)));
    let Destination::Sftp(sftp) = siem.destination(vec![siem.server.fingerprint().to_owned()]) else {
        panic!("not SFTP")
    };
    let from = Some(SecretSource::File("siem-password".to_owned()));
    let destination = Destination::Sftp(SftpDestination { password_from: from, has_password: false, ..sftp });
    let settings = JobSettings { destination, ..settings() };
    let none = DestinationSecrets::default();
    vidne.exports.create(default_tenant(), settings, none, NewAs::default(), CALLER).await.unwrap();
    siem.bed.record_some(3).await;

    let missing = siem.bed.run(&vidne).await.unwrap_err().to_string();
    assert!(missing.contains("siem-password") && missing.contains("cannot be read"), "{missing}");
    write("wr0ng passw0rd\n");
    let refused = siem.bed.run(&vidne).await.unwrap_err().to_string();
    assert!(!refused.contains("wr0ng"), "{refused}");
    assert!(siem.bed.delivered().is_empty());
    // Put right in the file alone, and the next run works.
    write(&format!("{PASSWORD}\n"));
    assert_eq!(siem.bed.run(&vidne).await.unwrap().files, 1);
    assert_eq!(siem.bed.delivered().len(), 1);
    // A server whose configuration names no folder reads none.
    let elsewhere = siem.vidne();
    siem.bed.record_some(1).await;
    let refused = siem.bed.run(&elsewhere).await.unwrap_err().to_string();
    assert!(refused.contains("export.secret_files"), "{refused}");
    siem.stop.cancel();
}
