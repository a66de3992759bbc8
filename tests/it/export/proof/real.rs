//! The same job against real OpenSSH, with and without its extensions, and ProFTPD: the files are the log.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use vidne::{
    domain::{
        export::{
            Destination, DestinationSecrets, ExportFile, FileState, Health, JobSettings, SftpDestination,
        },
        secret::Secret,
        time::Clock,
    },
    export::{
        destination::{DestinationConfig, OpendalDestinations},
        run::RunResult,
        sftp::SftpLimits,
    },
    service::{ServiceError, exports::NewAs},
};

use super::{
    consumer::{Consumer, Way},
    place::{Outcome, outcome},
};
use crate::{
    export::{
        bed::{Bed, CALLER, Server, TERM, default_tenant, settings},
        faults::Plan,
    },
    support::{
        effort::rounds,
        proftpd::Proftpd,
        sshd::{Login, Sshd},
    },
};

/// What takes OpenSSH's extensions away.
const WITHOUT_EXTENSIONS: &str = "-P posix-rename,fsync,limits,statvfs,fstatvfs,hardlink,lsetstat,expand-path,copy-data,home-directory,\
     users-groups-by-id";
const EVENTS: usize = 10;
const LOOK: Duration = Duration::from_millis(5);
const EVENTS_PER_FILE: u64 = 3;

/// A job whose files go to a real server.
pub struct Real {
    pub bed: Bed,
    pub server: Server,
    /// What the destination's user sees.
    folder: PathBuf,
}

impl Real {
    async fn new(folder: PathBuf, port: u16, user: (&str, &str), host_key: String) -> Self {
        let bed = Bed::new();
        let sftp = SftpLimits { retry_delay: Duration::from_millis(10), ..SftpLimits::default() };
        let config = DestinationConfig { sftp, ..DestinationConfig::default() };
        let server = bed.server_with(&Plan::none(), Arc::new(OpendalDestinations::new(config)));
        let destination = Destination::Sftp(SftpDestination {
            address: format!("127.0.0.1:{port}"),
            user_name: user.0.to_owned(),
            directory: String::new(),
            host_keys: vec![host_key],
            has_password: true,
            has_private_key: false,
            password_from: None,
            private_key_from: None,
            private_key_passphrase_from: None,
            file_mode: None,
        });
        let settings = JobSettings { destination, max_events: EVENTS_PER_FILE, ..settings() };
        let secrets =
            DestinationSecrets { password: Some(Secret::new(user.1)), ..DestinationSecrets::default() };
        server.exports.create(default_tenant(), settings, secrets, NewAs::default(), CALLER).await.unwrap();
        Self { bed, server, folder }
    }

    pub async fn on_openssh(sshd: &Sshd) -> Self {
        let user = (sshd.user.name.as_str(), sshd.user.password.as_str());
        Self::new(sshd.landing_folder(), sshd.port, user, sshd.known_hosts_line("ed25519")).await
    }

    pub async fn on_proftpd(proftpd: &Proftpd) -> Self {
        let user = (proftpd.user.name.as_str(), proftpd.user.password.as_str());
        Self::new(proftpd.landing_folder(), proftpd.port, user, proftpd.known_hosts_line()).await
    }

    pub async fn run(&self) -> Result<RunResult, ServiceError> {
        self.bed.run(&self.server).await
    }

    /// What is in the folder.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap());
        entries
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
            .collect()
    }

    async fn check(&self) {
        self.bed.assert_these_are_the_log(self.files()).await;
    }

    /// Runs until the first file is uploaded, and is killed then.
    async fn upload_only(&self) -> ExportFile {
        let job = self.bed.job().await;
        let lease = self.bed.store.lease_job(&job.id, "killed", TERM).await.unwrap();
        // Nobody listens, and there is room for telling that it was cut: telling that it is uploaded takes for ever.
        let (files, _unheard) = tokio::sync::mpsc::channel(1);
        let (tenant, never) = (default_tenant(), Default::default());
        let uploaded = async {
            loop {
                let pending = self.bed.store.pending_file(&job.id).await.unwrap();
                if let Some(file) = pending.filter(|file| file.state == FileState::Uploaded) {
                    break file;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let uploaded = tokio::select! {
            ended = self.server.runner.run(&tenant, &lease, files, &never) => panic!("{ended:?}"),
            file = uploaded => file,
        };
        let now = self.bed.clock.now();
        self.bed.clock.set(now.plus_micros(TERM.as_micros() as i64 + 1));
        uploaded
    }
}

/// Several runs, with what happens to files between them.
async fn the_files_are_the_log(real: &Real) {
    real.bed.record_some(EVENTS).await;
    assert_eq!(real.run().await.unwrap().files, 4);
    real.check().await;
    assert_eq!(real.run().await.unwrap().files, 0);

    // Killed between uploading and the rename.
    real.bed.record_some(4).await;
    real.upload_only().await;
    assert_eq!(real.run().await.unwrap().events, 4);
    real.check().await;

    // Crashed between link and unlink.
    real.bed.record_some(2).await;
    let file = real.upload_only().await;
    fs::hard_link(real.folder.join(file.part_path()), real.folder.join(&file.name)).unwrap();
    real.run().await.unwrap();
    real.check().await;

    // Somebody else's file has the name.
    real.bed.record_some(2).await;
    let file = real.upload_only().await;
    let there = real.folder.join(&file.name);
    fs::write(&there, "somebody else's").unwrap();
    let refused = real.run().await;
    assert_eq!(outcome(&refused), Outcome::Lasting);
    assert!(real.bed.job().await.last_error.contains("never replaces"), "{refused:?}");
    assert_eq!(fs::read_to_string(&there).unwrap(), "somebody else's");
    fs::remove_file(there).unwrap();
    real.run().await.unwrap();
    real.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_the_files_on_openssh_are_the_log_with_its_extensions_and_without() {
    for arguments in ["", WITHOUT_EXTENSIONS] {
        let sshd = Sshd::start_with(Login::PasswordOrKey, arguments);
        the_files_are_the_log(&Real::on_openssh(&sshd).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_the_files_on_proftpd_are_the_log() {
    let proftpd = Proftpd::start();
    the_files_are_the_log(&Real::on_proftpd(&proftpd).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_a_folder_for_writing_only_gets_every_file_once() {
    let sshd = Sshd::start(Login::PasswordOrKey);
    let real = Real::on_openssh(&sshd).await;
    // Files can be made, renamed and deleted by who knows their names; the folder cannot be listed.
    fs::set_permissions(&real.folder, Permissions::from_mode(0o300)).unwrap();
    real.bed.record_some(4).await;
    let file = real.upload_only().await;
    // Renamed, and taken by its consumer.
    let taken = real.bed.taken.path().join(&file.name);
    fs::copy(real.folder.join(file.part_path()), &taken).unwrap();
    fs::remove_file(real.folder.join(file.part_path())).unwrap();
    real.run().await.unwrap();
    let mut files = real.files();
    assert!(files.insert(file.name, fs::read(taken).unwrap()).is_none(), "delivered twice");
    real.bed.assert_these_are_the_log(files).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_server_needs_a_person_and_is_told_so() {
    let sshd = Sshd::start_with(Login::PasswordOrKey, "-R");
    let real = Real::on_openssh(&sshd).await;
    real.bed.record_some(2).await;
    let refused = real.run().await;
    assert_eq!(outcome(&refused), Outcome::Lasting, "{refused:?}");
    let job = real.bed.job().await;
    assert_eq!(job.health, Health::Failing);
    assert!(job.last_error.contains("permission denied"), "{}", job.last_error);
    assert!(job.last_error.contains("the user needs the right to write"), "{}", job.last_error);
    assert!(real.files().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_a_full_disk_is_said_in_plain_words_and_costs_nothing() {
    const PAGE: usize = 4_096;
    for arguments in ["", WITHOUT_EXTENSIONS] {
        let sshd = Sshd::start_with(Login::PasswordOrKey, arguments).on_a_small_disk(16 * PAGE);
        let real = Real::on_openssh(&sshd).await;
        real.bed.record_some(EVENTS).await;
        let mut rooms = 0;
        // From no room at all to room for one file after the other.
        for pages in (0..16).rev().step_by(rounds(3, 1) as usize) {
            let ballast = real.folder.join("ballast");
            fs::write(&ballast, vec![b'x'; pages * PAGE]).unwrap();
            let ended = real.run().await;
            match outcome(&ended) {
                Outcome::Well => break,
                how => assert_eq!(how, Outcome::Passing, "{ended:?}"),
            }
            rooms += 1;
            let said = real.bed.job().await.last_error;
            assert!(said.contains("disk may be full"), "{said}");
            let mut files = real.files();
            files.remove("ballast");
            assert!(files.keys().all(|name| !name.starts_with('.')), "{:?}", files.keys());
        }
        assert!(rooms > 0, "the disk was never full");
        fs::remove_file(real.folder.join("ballast")).unwrap();
        real.run().await.unwrap();
        real.check().await;
    }
}

async fn with_a_consumer(way: Way) {
    let sshd = Sshd::start(Login::PasswordOrKey);
    let real = Real::on_openssh(&sshd).await;
    let consumer = Consumer::start(sshd.landing_folder(), real.bed.taken.path().to_owned(), way);
    for _ in 0..4 {
        real.bed.record_some(EVENTS).await;
        real.run().await.unwrap();
    }
    let mut files = consumer.stop();
    assert!(!files.is_empty(), "it has taken nothing");
    files.extend(real.files());
    real.bed.assert_these_are_the_log(files).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_a_consumer_that_deletes_each_file_the_moment_it_appears_gets_each_once() {
    with_a_consumer(Way::Delete).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g5_a_consumer_that_moves_each_file_away_gets_each_once() {
    with_a_consumer(Way::Move).await;
}
