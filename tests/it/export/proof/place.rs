//! A log, a job, and a drop folder on the scripted SFTP server, which holds files of others too.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc, time::Duration};

use vidne::{
    domain::{
        export::{Destination, DestinationSecrets, ExportFile, JobSettings, SftpDestination},
        secret::Secret,
    },
    export::{
        ExportError,
        destination::{DestinationConfig, OpendalDestinations},
        run::RunResult,
        sftp::SftpLimits,
    },
    service::{ServiceError, exports::NewAs},
};

use crate::{
    export::{
        bed::{Bed, CALLER, Server, default_tenant, settings},
        faults::Plan,
    },
    support::scripted::{Nature, PASSWORD, ScriptedServer, USER},
};

/// Files of the job: one of three events, one of one.
pub const FILES: u64 = 2;
const EVENTS: u64 = 4;
const EVENTS_PER_FILE: u64 = 3;
/// Bytes in one request to a server that does not tell its limit.
const PACKET_BYTES: usize = 2_048;

pub struct Place {
    pub bed: Bed,
    pub sftp: ScriptedServer,
    server: Server,
    foreign: BTreeMap<PathBuf, String>,
}

/// How a run ended, as far as the operator is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Well,
    /// Trying again may help.
    Passing,
    /// Somebody must do something.
    Lasting,
}

impl Place {
    pub async fn new(nature: Nature, request_timeout: Duration) -> Self {
        let bed = Bed::new();
        fs::create_dir_all(bed.folder()).unwrap();
        bed.record_some(EVENTS as usize).await;
        let sftp = ScriptedServer::start(&bed.folder(), bed.taken.path(), nature);
        let limits = SftpLimits {
            connect_timeout: request_timeout.max(Duration::from_secs(2)),
            request_timeout,
            packet_bytes: PACKET_BYTES,
            retry_delay: Duration::from_millis(1),
            retry_delay_max: Duration::from_millis(4),
            ..SftpLimits::default()
        };
        let config = DestinationConfig { sftp: limits, ..DestinationConfig::default() };
        let server = bed.server_with(&Plan::none(), Arc::new(OpendalDestinations::new(config)));
        let destination = Destination::Sftp(SftpDestination {
            address: sftp.address(),
            user_name: USER.to_owned(),
            directory: String::new(),
            host_keys: vec![sftp.fingerprint()],
            has_password: true,
            has_private_key: false,
            password_from: None,
            private_key_from: None,
            private_key_passphrase_from: None,
            file_mode: None,
        });
        let settings = JobSettings { destination, max_events: EVENTS_PER_FILE, ..settings() };
        let secrets =
            DestinationSecrets { password: Some(Secret::new(PASSWORD)), ..DestinationSecrets::default() };
        let job = server
            .exports
            .create(default_tenant(), settings, secrets, NewAs::default(), CALLER)
            .await
            .unwrap();
        let mut place = Self { bed, sftp, server, foreign: BTreeMap::new() };
        place.place_files_of_others(&job.id);
        place
    }

    /// Nearly our own names: another job's, ours with something else in it, a collector's notes.
    fn place_files_of_others(&mut self, job: &str) {
        let range = "20261122T080000Z_00000000000000000001-00000000000000000003.jsonl";
        for name in [
            format!("siem_zzzzzzzz22_{range}"),
            format!(".siem_zzzzzzzz22_{range}.1.part"),
            format!(".siem_{job}_{range}.part"),
            format!(".siem_{job}_{range}.1.part.keep"),
            format!("siem_{job}_notes.jsonl"),
            ".upload.part".to_owned(),
        ] {
            let path = self.bed.folder().join(name);
            let content = format!("{} belongs to somebody else\n", path.display());
            fs::write(&path, &content).unwrap();
            self.foreign.insert(path, content);
        }
    }

    pub async fn run(&self) -> Result<RunResult, ServiceError> {
        self.bed.run(&self.server).await
    }

    /// The file that is neither cut anew nor published yet.
    pub async fn pending(&self) -> Option<ExportFile> {
        self.bed.store.pending_file(&self.bed.job().await.id).await.unwrap()
    }

    /// Everything of others is as it was, and everything of ours is what the log says.
    pub async fn check(&self) {
        for (path, content) in &self.foreign {
            assert_eq!(&fs::read_to_string(path).unwrap(), content, "{} was changed", path.display());
            fs::remove_file(path).unwrap();
        }
        assert_eq!(self.sftp.script.taken_twice(), Vec::<String>::new(), "delivered twice");
        self.bed.assert_delivered_equals_log().await;
        assert_eq!(self.bed.delivered().len() as u64, FILES);
    }
}

pub fn outcome(result: &Result<RunResult, ServiceError>) -> Outcome {
    match result {
        Ok(_) => Outcome::Well,
        Err(ServiceError::Export(ExportError::Unavailable { .. })) => Outcome::Passing,
        Err(ServiceError::Export(ExportError::Login { .. } | ExportError::Destination { .. })) => {
            Outcome::Lasting
        }
        Err(other) => panic!("{other:?}"),
    }
}
