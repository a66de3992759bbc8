//! Many jobs on one log, each with a scripted SFTP server and a folder of its own, run by real `vidne serve` processes: so
//! one kill of the process hits a job at each step.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use tonic::Code;
use vidne::{
    client::{Client, ClientError, ClientOptions},
    codec::proto::v1::{
        self, Event, EventType, ExportFileState, ExportRunResult, ListExportFilesRequest,
        run_export_job_response::Kind,
    },
};

use crate::{
    export::bed::sequences,
    support::{
        scripted::{Nature, PASSWORD, ScriptedServer, USER},
        server::Server,
    },
};

/// The shortest that there is.
pub const LEASE: Duration = Duration::from_secs(5);
/// For everything that takes as long as the machine likes.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Until a job is asked for again whose lease somebody has.
pub const AGAIN: Duration = Duration::from_millis(250);
/// Runs that get going at once.
pub const AT_ONCE: usize = 8;
const EVENTS_PER_FILE: u64 = 3;

/// Jobs and what they should have delivered.
pub struct Fleet {
    folder: TempDir,
    pub jobs: Vec<Job>,
    wanted: Vec<u64>,
}

/// One job.
pub struct Job {
    pub name: String,
    pub sftp: ScriptedServer,
    folder: PathBuf,
    taken: PathBuf,
    foreign: BTreeMap<PathBuf, String>,
}

/// A configuration file for servers that take over from each other.
pub fn configuration(folder: &Path) -> PathBuf {
    let path = folder.join("vidne.toml");
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let text = format!("[export]\nlease = \"{}s\"\n[keys]\nkey = \"{key}\"\n", LEASE.as_secs());
    fs::write(&path, text).unwrap();
    path
}

/// A client of a server, which may go away at any time.
pub fn client(server: &Server) -> Client {
    Client::connect(&server.endpoint(), ClientOptions::default()).unwrap()
}

impl Fleet {
    pub fn new() -> Self {
        Self {
            folder: tempfile::Builder::new().prefix("vidne-fleet.").tempdir().unwrap(),
            jobs: Vec::new(),
            wanted: Vec::new(),
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Records events, of which the jobs want every one but the last.
    pub async fn record(&mut self, client: &Client, count: usize) {
        for number in 0..count {
            let event = Event {
                r#type: EventType::RecordRead.into(),
                description: format!("read form {number} {}", "x".repeat(1_500)),
                ..Event::default()
            };
            self.wanted.push(client.record(event).await.unwrap().sequence);
        }
        let unwanted =
            Event { r#type: EventType::Custom.into(), custom_type: "noise".to_owned(), ..Event::default() };
        client.record(unwanted).await.unwrap();
    }

    /// Creates a job on an SFTP server of its own.
    pub async fn add(&mut self, client: &Client, nature: Nature) -> &Job {
        let name = format!("job-{}", self.jobs.len());
        let (folder, taken) = (self.folder().join(&name), self.folder().join(format!("{name}.taken")));
        for path in [&folder, &taken] {
            fs::create_dir(path).unwrap();
        }
        let sftp = ScriptedServer::start(&folder, &taken, nature);
        let destination = v1::SftpDestination {
            address: sftp.address(),
            user_name: USER.to_owned(),
            host_keys: vec![sftp.fingerprint()],
            password: PASSWORD.to_owned(),
            ..v1::SftpDestination::default()
        };
        let format = v1::export_format::Kind::JsonLines(v1::JsonLinesFormat {});
        let job = v1::ExportJob {
            name: name.clone(),
            filter: Some(v1::EventFilter {
                types: vec![EventType::RecordRead.into()],
                ..v1::EventFilter::default()
            }),
            format: Some(v1::ExportFormat { kind: Some(format) }),
            destination: Some(v1::Destination { kind: Some(v1::destination::Kind::Sftp(destination)) }),
            file_limits: Some(v1::FileLimits {
                max_events: Some(EVENTS_PER_FILE),
                ..v1::FileLimits::default()
            }),
            ..v1::ExportJob::default()
        };
        let created = client.create_export_job(job).await.unwrap();
        let mut job = Job { name, sftp, folder, taken, foreign: BTreeMap::new() };
        job.place_files_of_others(&created.job_id);
        self.jobs.push(job);
        self.jobs.last().unwrap()
    }

    /// Everything was delivered once, whole, and as the server says; nothing else was touched. What is left under
    /// temporary names of the jobs themselves.
    pub async fn check(&self, client: &Client) -> Vec<PathBuf> {
        let mut left = Vec::new();
        for job in &self.jobs {
            job.check(client, &self.wanted).await;
            left.extend(job.parts());
        }
        left
    }

    /// What every job has delivered by now.
    pub fn delivered(&self) -> Vec<BTreeMap<String, Vec<u8>>> {
        self.jobs.iter().map(Job::delivered).collect()
    }
}

impl Job {
    fn place_files_of_others(&mut self, id: &str) {
        let range = "20261122T080000Z_00000000000000000001-00000000000000000003.jsonl";
        for name in [
            format!("{}_zzzzzzzz22_{range}", self.name),
            format!(".{}_zzzzzzzz22_{range}.1.part", self.name),
            format!(".{}_{id}_{range}.part", self.name),
            ".upload.part".to_owned(),
        ] {
            let path = self.folder.join(name);
            fs::write(&path, "somebody else's\n").unwrap();
            self.foreign.insert(path, "somebody else's\n".to_owned());
        }
    }

    fn ours(&self, folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_file() && !self.foreign.contains_key(path)).collect()
    }

    /// The names of the files whose manifests are there.
    fn manifested(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.join(".manifests")).unwrap();
        let names = entries.map(|entry| name_of(&entry.unwrap().path()));
        let mut names: Vec<_> =
            names.filter_map(|name| name.strip_suffix(".manifest.json").map(str::to_owned)).collect();
        names.sort();
        names
    }

    fn parts(&self) -> Vec<PathBuf> {
        let hidden = |path: &PathBuf| name_of(path).starts_with('.');
        self.ours(&self.folder).into_iter().filter(hidden).collect()
    }

    fn delivered(&self) -> BTreeMap<String, Vec<u8>> {
        let mut delivered = BTreeMap::new();
        for path in self.ours(&self.folder).into_iter().chain(self.ours(&self.taken)) {
            let name = name_of(&path);
            if !name.starts_with('.') {
                let before = delivered.insert(name, fs::read(&path).unwrap());
                assert!(before.is_none(), "{} was delivered twice", path.display());
            }
        }
        delivered
    }

    async fn check(&self, client: &Client, wanted: &[u64]) {
        let job = &self.name;
        for (path, content) in &self.foreign {
            assert_eq!(&fs::read_to_string(path).unwrap(), content, "{} was changed", path.display());
        }
        assert_eq!(self.sftp.script.taken_twice(), Vec::<String>::new(), "delivered twice");
        let delivered = self.delivered();
        let request = ListExportFilesRequest { job_id: job.clone(), ..ListExportFilesRequest::default() };
        let mut files = client.list_export_files(request).await.unwrap().0;
        files.reverse();
        let names: Vec<_> = files.iter().map(|file| &file.name).collect();
        assert_eq!(delivered.keys().collect::<Vec<_>>(), names, "{job}: files are not those of the store");
        assert_eq!(
            self.manifested().iter().collect::<Vec<_>>(),
            names,
            "{job}: manifests are not those of the files"
        );
        let (mut got, mut before) = (Vec::new(), 0);
        for file in &files {
            let bytes = &delivered[&file.name];
            assert_eq!(file.state(), ExportFileState::Published, "{}", file.name);
            assert_eq!(file.first_sequence, before + 1, "{} does not follow the one before", file.name);
            before = file.last_sequence;
            assert_eq!(file.size_bytes, bytes.len() as u64, "{}", file.name);
            assert_eq!(file.sha256, Sha256::digest(bytes).as_slice(), "{}", file.name);
            got.extend(sequences(bytes));
        }
        assert_eq!(got, wanted, "{job}: what was delivered is not what was recorded");
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Runs every job to a good end.
pub async fn run_all(fleet: &Fleet, client: &Client) -> Vec<ExportRunResult> {
    let runs = fleet.jobs.iter().map(|job| async move {
        run(client, &job.name).await.unwrap_or_else(|error| panic!("{}: {error:?}", job.name))
    });
    stream::iter(runs).buffered(AT_ONCE).collect().await
}

/// Whether a run was refused because somebody else has the job, or failed because a busy machine was too slow to renew a
/// lease or to connect to the database.
pub fn may_pass(error: &ClientError) -> bool {
    error.code() == Some(Code::Aborted) || error.reason().as_deref() == Some("DATABASE_UNAVAILABLE")
}

/// Runs a job once it is nobody else's, to its end.
pub async fn run(client: &Client, job: &str) -> Result<ExportRunResult, ClientError> {
    let end = Instant::now() + PATIENCE;
    loop {
        match run_once(client, job).await {
            Err(error) if may_pass(&error) && Instant::now() < end => sleep(AGAIN).await,
            ended => return ended,
        }
    }
}

/// Runs a job to its end.
pub async fn run_once(client: &Client, job: &str) -> Result<ExportRunResult, ClientError> {
    let mut run = client.run_export_job("default", job).await?;
    while let Some(step) = run.next().await? {
        if let Some(Kind::Result(result)) = step.kind {
            return Ok(result);
        }
    }
    panic!("a run of {job} ended without a result");
}
