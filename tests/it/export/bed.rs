//! A log, a job and a drop folder, and the comparison of what was delivered with the log.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use prometheus_client::registry::Registry;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vidne::{
    codec::wire::decode_stored,
    domain::{
        catalogue::{Category, EventType},
        event::RecordedEvent,
        export::{
            Delivery, Destination, DestinationSecrets, ExportFile, ExportJob, FileState, Format, JobSettings,
            ManifestState, NationalIdMode, Trigger,
        },
        filter::EventFilter,
        id::TenantId,
        input::EventInput,
        query::Order,
        receipt::Disposition,
        selection::Selection,
        time::{Clock, ManualClock},
    },
    export::{
        destination::{DestinationConfig, Destinations, OpendalDestinations},
        run::{RunResult, Runner},
    },
    metrics::Metrics,
    service::{
        ServiceError,
        exports::{ExportParts, Exports, NewAs, RetryPauses, RunEvent, WaitingBytes},
        journal::{Committers, Journal, JournalOptions},
        record::{Caller, Recorder},
        witness::Witness,
    },
    store::{Store, contract::ScanRequest, memory::MemoryStore},
    vault::{MasterKey, Vault},
};

use super::faults::{FaultyDestinations, FaultyStore, Plan};
use crate::support::events::{NOW, bare, full, limits};

/// How long a lease lasts by the manual clock.
pub const TERM: Duration = Duration::from_secs(60);
pub const CALLER: &str = "anonymous";

pub struct Bed {
    pub clock: Arc<ManualClock>,
    pub store: Arc<dyn Store>,
    pub vault: Vault,
    pub recorder: Recorder,
    pub root: TempDir,
    pub taken: TempDir,
    /// Files are taken by their consumer as soon as they have their final name.
    pub consumer: bool,
    pub loses_bytes: Option<Arc<AtomicBool>>,
    pub _committers: Committers,
}

/// One server process, as far as exports go.
pub struct Server {
    pub exports: Exports,
    pub runner: Runner,
    pub shutdown: CancellationToken,
    pub tasks: TaskTracker,
}

pub fn default_tenant() -> TenantId {
    TenantId::default_tenant()
}

/// Short, and the same whatever went wrong.
const PAUSES: RetryPauses = RetryPauses {
    first: Duration::from_secs(8),
    longest: Duration::from_secs(60),
    person: Duration::from_secs(3_600),
};

pub fn read_type() -> EventType {
    EventType::from_name("RECORD_READ").unwrap()
}

/// JSON Lines of data accesses to a local folder, four events per file.
pub fn settings() -> JobSettings {
    JobSettings {
        name: "siem".to_owned(),
        filter: EventFilter { categories: vec![Category::DataAccess], ..EventFilter::default() },
        format: Format::JsonLines,
        destination: Destination::Fs { directory: "siem/in".to_owned(), file_mode: None },
        national_id: NationalIdMode::Omit,
        max_events: 4,
        max_bytes: 50_000_000,
        delivery: Delivery::default(),
    }
}

impl Bed {
    pub fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
        let vault = Vault::new(&MasterKey::generate().unwrap());
        let dyn_clock: Arc<dyn Clock> = clock.clone();
        let (journal, committers) =
            Journal::start(store.clone(), dyn_clock.clone(), &JournalOptions::default());
        let recorder = Recorder::new(journal, vault.clone(), dyn_clock, Arc::new(limits()));
        Self {
            clock,
            store,
            vault,
            recorder,
            root: tempfile::tempdir().unwrap(),
            taken: tempfile::tempdir().unwrap(),
            consumer: false,
            loses_bytes: None,
            _committers: committers,
        }
    }

    pub fn folder(&self) -> PathBuf {
        self.root.path().join("siem/in")
    }

    /// A server on the bed's store and folder where `plan` goes wrong.
    pub fn server(&self, plan: &Arc<Plan>) -> Server {
        let config = DestinationConfig {
            export_directory: Some(self.root.path().to_owned()),
            ..DestinationConfig::default()
        };
        let destinations = FaultyDestinations {
            inner: Arc::new(OpendalDestinations::new(config)),
            plan: plan.clone(),
            consumer: self.consumer.then(|| (self.folder(), self.taken.path().to_owned())),
            loses_bytes: self.loses_bytes.clone().map(|still| (self.folder(), still)),
        };
        self.server_with(plan, Arc::new(destinations))
    }

    pub fn server_with(&self, plan: &Arc<Plan>, destinations: Arc<dyn Destinations>) -> Server {
        self.server_of(self.faulty(plan, &Plan::none()), destinations)
    }

    /// A server that something happens to when it takes leases.
    pub fn leasing_server(&self, leasing: &Arc<Plan>) -> Server {
        let config = DestinationConfig {
            export_directory: Some(self.root.path().to_owned()),
            ..DestinationConfig::default()
        };
        let destinations = OpendalDestinations::new(config);
        self.server_of(self.faulty(&Plan::none(), leasing), Arc::new(destinations))
    }

    fn faulty(&self, plan: &Arc<Plan>, leasing: &Arc<Plan>) -> Arc<dyn Store> {
        let (inner, plan, leasing) = (self.store.clone(), plan.clone(), leasing.clone());
        Arc::new(FaultyStore { inner, plan, leasing })
    }

    fn server_of(&self, store: Arc<dyn Store>, destinations: Arc<dyn Destinations>) -> Server {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let vault = self.vault.clone();
        let runner = Runner::new(store.clone(), destinations.clone(), vault.clone(), clock.clone(), TERM);
        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let exports = Exports::new(ExportParts {
            store,
            vault: vault.clone(),
            clock: clock.clone(),
            witness: Witness::new(clock, vault, Arc::new(limits())),
            destinations,
            runner: runner.clone(),
            pauses: PAUSES,
            metrics: Metrics::register(&mut Registry::default()),
            tasks: tasks.clone(),
            shutdown: shutdown.clone(),
        });
        Server { exports, runner, shutdown, tasks }
    }

    /// A server where nothing goes wrong.
    pub fn good_server(&self) -> Server {
        self.server(&Plan::none())
    }

    pub async fn record(&self, input: EventInput) -> u64 {
        let caller = Caller { name: CALLER.to_owned(), trace: String::new() };
        match self.recorder.record(input, &caller).await.unwrap().disposition {
            Disposition::Recorded(stamp) => stamp.sequence,
            other => panic!("not recorded: {other:?}"),
        }
    }

    /// Records an event whose category may be off.
    pub async fn record_if_kept(&self, input: EventInput) {
        let caller = Caller { name: CALLER.to_owned(), trace: String::new() };
        self.recorder.record(input, &caller).await.unwrap();
    }

    /// `count` data accesses, and after each third one an event that the job does not want.
    pub async fn record_some(&self, count: usize) {
        for i in 0..count {
            let mut input = full(read_type());
            input.event_id = String::new();
            input.description = format!("read form {i}");
            self.record(input).await;
            if i % 3 == 2 {
                self.record(bare(EventType::CUSTOM)).await;
            }
        }
    }

    pub async fn create(&self, settings: JobSettings) -> ExportJob {
        let exports = self.good_server().exports;
        exports
            .create(default_tenant(), settings, DestinationSecrets::default(), NewAs::default(), CALLER)
            .await
            .unwrap()
    }

    /// The one job that is not an export of a past range. (All are made at the same time, so that their order says
    /// nothing.)
    pub async fn job(&self) -> ExportJob {
        let jobs = self.store.jobs(&default_tenant(), None, 10).await.unwrap();
        let mut own = jobs.into_iter().filter(|job| job.standing.reexport.is_none());
        let job = own.next().unwrap();
        assert!(own.next().is_none(), "more than one job");
        job
    }

    pub async fn head(&self) -> u64 {
        self.store.head(&default_tenant()).await.unwrap().sequence
    }

    /// Every event of the log.
    pub async fn log(&self) -> Vec<RecordedEvent> {
        let (tenant, filter) = (default_tenant(), EventFilter::default());
        let request = ScanRequest {
            tenant: &tenant,
            order: Order::Ascending,
            from: 1,
            through: self.head().await,
            filter: &filter,
            max_events: usize::MAX,
            max_bytes: usize::MAX,
            with_personal: true,
            full_after: 0,
        };
        let page = self.store.scan(request).await.unwrap();
        assert_eq!(page.events.len() as u64, self.head().await, "the whole log in one page");
        let decode = |e: &vidne::store::contract::StoredEvent| decode_stored(&e.payload, e.personal.as_ref());
        page.events.iter().map(|event| decode(event).unwrap()).collect()
    }

    /// A run to its end.
    pub async fn run(&self, server: &Server) -> Result<RunResult, ServiceError> {
        let listener = server.exports.run(&default_tenant(), "siem", Trigger::Request).await?;
        last_step(listener).await
    }

    pub async fn run_well(&self) -> RunResult {
        self.run(&self.good_server()).await.unwrap()
    }

    /// Every file under a final name, in the folder or taken by its consumer, by name.
    pub fn delivered(&self) -> BTreeMap<String, Vec<u8>> {
        let mut all = files_in(&self.folder());
        for (name, bytes) in files_in(self.taken.path()) {
            assert!(all.insert(name.clone(), bytes).is_none(), "{name} was delivered twice");
        }
        all.retain(|name, _| !name.starts_with('.'));
        all
    }

    pub fn parts(&self) -> Vec<String> {
        files_in(&self.folder()).into_keys().filter(|name| name.starts_with('.')).collect()
    }

    /// Compares what was delivered with the log and with what the store says about it.
    pub async fn assert_delivered_equals_log(&self) {
        assert_eq!(self.parts(), Vec::<String>::new(), "temporary files are left");
        self.assert_these_are_the_log(self.delivered()).await;
    }

    /// Compares files by name with the log and with what the store says about them.
    pub async fn assert_these_are_the_log(&self, delivered: BTreeMap<String, Vec<u8>>) {
        let job = self.job().await;
        let files = self.files(&job).await;
        let names: Vec<&String> = files.iter().map(|file| &file.name).collect();
        assert_eq!(delivered.keys().collect::<Vec<_>>(), names, "files are not those of the store");
        let selection = Selection::of(&job);
        let wanted: Vec<u64> = self
            .log()
            .await
            .iter()
            .filter(|event| event.sequence <= job.scanned_sequence && selection.matches(event))
            .map(|event| event.sequence)
            .collect();
        let mut got = Vec::new();
        let mut scanned = 0;
        for file in &files {
            let bytes = &delivered[&file.name];
            assert_eq!(file.state, FileState::Published, "{}", file.name);
            assert_eq!(file.first_sequence, scanned + 1, "{} does not follow the one before", file.name);
            scanned = file.last_sequence;
            assert_eq!(file.size_bytes, bytes.len() as u64, "{}", file.name);
            assert_eq!(file.sha256.as_slice(), Sha256::digest(bytes).as_slice(), "{}", file.name);
            let sequences = sequences(bytes);
            assert_eq!(file.event_count, sequences.len() as u64, "{}", file.name);
            assert!(sequences.iter().all(|n| (file.first_sequence..=file.last_sequence).contains(n)));
            got.extend(sequences);
        }
        assert_eq!(got, wanted, "delivered events are not the log's");
        self.assert_manifests(&job, &files);
    }

    /// One manifest for each file, that says what is true.
    fn assert_manifests(&self, job: &ExportJob, files: &[ExportFile]) {
        let Some(directory) = job.settings.delivery.manifest.directory() else { return };
        let manifests = files_in(&self.folder().join(directory));
        let names: Vec<String> = files.iter().map(|file| format!("{}.manifest.json", file.name)).collect();
        assert_eq!(
            manifests.keys().cloned().collect::<Vec<_>>(),
            names,
            "manifests are not those of the files"
        );
        for (at, file) in files.iter().enumerate() {
            assert_eq!(file.manifest, ManifestState::Published, "{}", file.name);
            let said: serde_json::Value = serde_json::from_slice(&manifests[&names[at]]).unwrap();
            assert_eq!(said["file"], file.path());
            assert_eq!(said["sha256"], hex(&file.sha256));
            let numbers = ["size_bytes", "event_count", "first_sequence", "last_sequence", "job_revision"];
            let numbers = numbers.map(|key| said[key].as_u64().unwrap());
            let expected = [
                file.size_bytes,
                file.event_count,
                file.first_sequence,
                file.last_sequence,
                file.job_revision,
            ];
            assert_eq!(numbers, expected);
            let before = at.checked_sub(1).map(|before| &files[before]);
            assert_eq!(said["previous_sha256"].as_str(), before.map(|file| hex(&file.sha256)).as_deref());
            assert_eq!(said["previous_file"].as_str(), before.map(|file| file.name.as_str()));
        }
    }

    /// Everything that the scheduler would start now, to its end.
    pub async fn run_due(&self, server: &Server) -> usize {
        self.run_some_due(server, 10, &mut WaitingBytes::default()).await
    }

    /// At most `room` of what the scheduler would start now, to their end.
    pub async fn run_some_due(&self, server: &Server, room: usize, waiting: &mut WaitingBytes) -> usize {
        let started = server.exports.start_due(room, waiting).await.unwrap();
        server.tasks.close();
        server.tasks.wait().await;
        server.tasks.reopen();
        started
    }

    /// Time goes by.
    pub fn wait(&self, time: Duration) {
        self.clock.set(self.clock.now().plus_micros(time.as_micros() as i64));
    }

    pub async fn files(&self, job: &ExportJob) -> Vec<ExportFile> {
        let mut files = self.store.files(&job.id, None, 1_000).await.unwrap();
        files.reverse();
        files
    }
}

pub async fn last_step(
    mut listener: mpsc::Receiver<Result<RunEvent, ServiceError>>,
) -> Result<RunResult, ServiceError> {
    while let Some(step) = listener.recv().await {
        if let RunEvent::Result(result) = step? {
            return Ok(result);
        }
    }
    panic!("a run ended without a result");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn sequences(bytes: &[u8]) -> Vec<u64> {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "no line feed at the end");
    let sequence =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["sequence"].as_u64().unwrap();
    text.lines().map(sequence).collect()
}

fn files_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect()
}
