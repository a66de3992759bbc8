//! Files and manifests with permissions of the job's choice: on OpenSSH, on servers that do not set any, and on this
//! machine's disk.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use vidne::{
    domain::{
        export::{
            Delivery, Destination, DestinationSecrets, FileMode, JobSettings, Manifest, SftpDestination,
        },
        secret::Secret,
    },
    export::{
        destination::{DestinationConfig, OpendalDestinations},
        probe::TestReport,
        sftp::SftpLimits,
    },
    service::exports::{NewAs, TestTarget},
};

use super::place::{Outcome, outcome};
use crate::{
    export::{
        bed::{Bed, CALLER, Server, default_tenant, settings},
        faults::Plan,
    },
    support::{
        scripted::{
            Fault::{Answer, Cut, Down},
            Moment::{After, Before},
            Nature, PASSWORD, ScriptedServer, USER,
        },
        sshd::{Login, Sshd},
    },
};

const MODE: u32 = 0o640;
/// What a new file has on a server whose umask is 077.
const UNCHANGED: u32 = 0o600;
const NOT_SUPPORTED: u32 = 8;

fn mode() -> Option<FileMode> {
    Some("0640".parse().unwrap())
}

/// A job with manifests, whose files go to `destination`.
struct Moded {
    bed: Bed,
    server: Server,
}

impl Moded {
    async fn new(destination: Destination, secrets: DestinationSecrets) -> Self {
        Self::in_bed(Bed::new(), destination, secrets).await
    }

    async fn in_bed(bed: Bed, destination: Destination, secrets: DestinationSecrets) -> Self {
        let sftp = SftpLimits { retry_delay: Duration::from_millis(10), ..SftpLimits::default() };
        let export_directory = Some(bed.root.path().to_owned());
        let config = DestinationConfig { sftp, export_directory, ..DestinationConfig::default() };
        let server = bed.server_with(&Plan::none(), Arc::new(OpendalDestinations::new(config)));
        let manifest = Manifest::In { directory: ".manifests".to_owned() };
        let delivery = Delivery { manifest, ..Delivery::default() };
        let settings = JobSettings { destination, delivery, ..settings() };
        server.exports.create(default_tenant(), settings, secrets, NewAs::default(), CALLER).await.unwrap();
        Self { bed, server }
    }

    async fn on_openssh(sshd: &Sshd, file_mode: Option<FileMode>) -> Self {
        let destination = SftpDestination {
            address: format!("127.0.0.1:{}", sshd.port),
            user_name: sshd.user.name.clone(),
            host_keys: vec![sshd.known_hosts_line("ed25519")],
            has_password: true,
            file_mode,
            ..SftpDestination::default()
        };
        Self::new(Destination::Sftp(destination), password(&sshd.user.password)).await
    }

    /// Two files, since a file holds four events.
    async fn deliver(&self) {
        self.bed.record_some(5).await;
        assert_eq!(self.bed.run(&self.server).await.unwrap().files, 2);
    }

    async fn test(&self) -> TestReport {
        let target = TestTarget::Job("siem".to_owned());
        let tested = self.server.exports.test_destination(&default_tenant(), target, None, CALLER).await;
        tested.unwrap().report
    }
}

fn password(password: &str) -> DestinationSecrets {
    DestinationSecrets { password: Some(Secret::new(password)), ..DestinationSecrets::default() }
}

/// The permissions of the two files and their manifests.
fn modes(folder: &Path) -> Vec<u32> {
    let paths: Vec<PathBuf> = [folder.to_owned(), folder.join(".manifests")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.is_file())
        .collect();
    assert_eq!(paths.len(), 4, "{paths:?}");
    paths.iter().map(|path| fs::metadata(path).unwrap().permissions().mode() & 0o7777).collect()
}

/// `write`, `mode` and so on, with what is said about them.
fn said(report: &TestReport) -> Vec<(&str, &str)> {
    assert!(report.steps.iter().all(|step| step.note.is_none() || step.name == "mode"), "{report:?}");
    report.steps.iter().map(|step| (step.name, step.note.as_deref().unwrap_or_default())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_and_manifests_on_openssh_get_their_mode_whatever_the_umask() {
    let sshd = Sshd::start_with(Login::PasswordOrKey, "-u 0077");
    let moded = Moded::on_openssh(&sshd, mode()).await;
    moded.deliver().await;
    assert_eq!(modes(&sshd.landing_folder()), [MODE; 4]);
    let report = moded.test().await;
    assert!(report.ok() && said(&report).iter().all(|(step, _)| *step != "mode"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_mode_files_keep_the_one_that_the_server_gives_them() {
    let sshd = Sshd::start_with(Login::PasswordOrKey, "-u 0077");
    Moded::on_openssh(&sshd, None).await.deliver().await;
    assert_eq!(modes(&sshd.landing_folder()), [UNCHANGED; 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_permits_no_modes_gets_the_files_and_its_test_says_so() {
    let sshd = Sshd::start_with(Login::PasswordOrKey, "-u 0077 -P setstat");
    let moded = Moded::on_openssh(&sshd, mode()).await;
    moded.deliver().await;
    assert_eq!(modes(&sshd.landing_folder()), [UNCHANGED; 4]);
    let report = moded.test().await;
    assert!(report.ok(), "{report:?}");
    let (_, note) = said(&report).into_iter().find(|(step, _)| *step == "mode").unwrap();
    assert!(
        note.contains("0640") && note.contains("permission denied") && note.contains("leave file_mode out")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_and_manifests_on_the_machines_own_disk_get_their_mode() {
    let destination = Destination::Fs { directory: "siem/in".to_owned(), file_mode: mode() };
    let moded = Moded::new(destination, DestinationSecrets::default()).await;
    moded.deliver().await;
    assert_eq!(modes(&moded.bed.folder()), [MODE; 4]);
    assert!(moded.test().await.ok());
}

async fn on_scripted(setstat: bool) -> (Moded, ScriptedServer) {
    // The server needs the bed's folder, and the job the server's address.
    let bed = Bed::new();
    fs::create_dir_all(bed.folder()).unwrap();
    let nature = Nature { setstat, ..Nature::default() };
    let sftp = ScriptedServer::start(&bed.folder(), bed.taken.path(), nature);
    let destination = Destination::Sftp(SftpDestination {
        address: sftp.address(),
        user_name: USER.to_owned(),
        host_keys: vec![sftp.fingerprint()],
        has_password: true,
        file_mode: mode(),
        ..SftpDestination::default()
    });
    (Moded::in_bed(bed, destination, password(PASSWORD)).await, sftp)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_knows_no_modes_gets_the_files_and_its_test_says_so() {
    let (moded, sftp) = on_scripted(false).await;
    sftp.script.listen();
    moded.deliver().await;
    assert_eq!(sftp.script.steps().iter().filter(|step| **step == "setstat").count(), 4);
    assert_eq!(modes(&moded.bed.folder()).len(), 4);
    let report = moded.test().await;
    assert!(report.ok(), "{report:?}");
    let (_, note) = said(&report).into_iter().find(|(step, _)| *step == "mode").unwrap();
    assert!(note.contains("not supported"), "{note}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_whatever_goes_wrong_where_a_mode_is_set_every_file_is_delivered_once() {
    let at = {
        let (moded, sftp) = on_scripted(true).await;
        sftp.script.listen();
        moded.deliver().await;
        assert_eq!(modes(&moded.bed.folder()), [MODE; 4]);
        sftp.script.steps().iter().position(|step| *step == "setstat").unwrap()
    };
    for (fault, goes_on) in [
        (Answer(Before, NOT_SUPPORTED), true),
        (Answer(Before, 3), true),
        (Answer(After, 4), true),
        (Cut(Before), false),
        (Cut(After), false),
        (Down(Before), false),
        (Down(After), false),
    ] {
        let (moded, sftp) = on_scripted(true).await;
        moded.bed.record_some(5).await;
        let trap = sftp.script.set(at, fault);
        let ended = moded.bed.run(&moded.server).await;
        assert!(trap.hit.is_cancelled(), "{fault:?}");
        let wanted = if goes_on { Outcome::Well } else { Outcome::Passing };
        assert_eq!(outcome(&ended), wanted, "{fault:?}: {ended:?}");
        sftp.script.up();
        moded.bed.run(&moded.server).await.unwrap();
        moded.bed.assert_delivered_equals_log().await;
        let delivered = modes(&moded.bed.folder());
        let unchanged = delivered.iter().filter(|mode| **mode != MODE).count();
        assert_eq!(unchanged, usize::from(matches!(fault, Answer(Before, _))), "{fault:?}: {delivered:?}");
    }
}
