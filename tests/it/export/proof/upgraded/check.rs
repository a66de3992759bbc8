//! What must be true in the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use prost::Message as _;
use sha2::{Digest, Sha256};
use vidne::{
    client::{Client, QueryItem, Resume},
    codec::proto::v1::{
        Event, EventType, ExportFile, ExportFileState, ExportHealth, ExportRun, ExportRunState,
        ListExportFilesRequest, ListExportRunsRequest, QueryEventsRequest,
    },
};

use super::jobs::{JOBS, Job, STEADY};
use crate::export::bed::sequences;

/// From a run that was stopped to the next one of its job, on the slowest machine; a lease lasts much longer.
const AT_ONCE: Duration = Duration::from_secs(600);

/// The lines of a log about runs that did not end well, for another reason than that their server was stopped. A run
/// that loses its lease to another one, and one that trips over another, say so here.
pub fn not_well(log: &str) -> Vec<String> {
    let lines = log.lines().filter(|line| line.contains("an export run did not end well"));
    lines.filter(|line| !line.contains("the run was stopped")).map(str::to_owned).collect()
}

/// What a job has left under temporary names.
pub fn parts(folder: &Path, job: &Job) -> Vec<String> {
    let names = [job.name, ".manifests"].into_iter().flat_map(|below| names_in(&folder.join(below)));
    names.filter(|name| name.ends_with(".part") && name.contains(job.name)).collect()
}

/// The log is what was `sent` and what vidne says of the jobs, and every job has delivered its part of it once.
pub async fn check(client: &Client, folder: &Path, sent: &BTreeMap<String, u64>, stopped: usize) -> String {
    let log = log(client).await;
    let mut witnesses = Vec::new();
    let mut found = BTreeMap::new();
    for (event, position) in log.iter().zip(1..) {
        assert_eq!(event.sequence, position, "a hole in the log");
        match sent.contains_key(&event.event_id) {
            true => assert!(found.insert(event.event_id.clone(), position).is_none(), "twice: {event:?}"),
            false => witnesses.push(event.r#type()),
        }
    }
    assert_eq!(&found, sent, "what is in the log is not what clients were told");
    // No job was created twice, none failed, and so none recovered.
    assert_eq!(witnesses, vec![EventType::ServiceExportJobCreated; JOBS.len()]);
    let (mut files, mut runs, mut uncounted) = (0, 0, 0);
    for job in &JOBS {
        let delivered = check_files(client, job, folder, &log).await;
        let history = check_runs(client, job, stopped).await;
        let counted: u64 = history.iter().map(|run| run.files).sum();
        // A run that is stopped between publishing and counting is a file short.
        assert!(counted <= delivered, "{}: {counted} of {delivered} files were published", job.name);
        uncounted += delivered - counted;
        files += delivered;
        runs += history.len();
        let job = client.get_export_job("default", job.name).await.unwrap();
        assert_eq!((job.health(), job.failures), (ExportHealth::Ok, 0), "{}", job.last_error);
        assert_eq!(job.scanned_sequence, log.len() as u64);
    }
    check_manifests_and_folders(folder);
    format!(
        "{} events, {files} files of {runs} runs, {stopped} stopped in their middle, {uncounted} uncounted",
        log.len()
    )
}

async fn log(client: &Client) -> Vec<Event> {
    let mut stream = client.query(QueryEventsRequest::default(), Resume::Always);
    let mut log = Vec::new();
    while let Some(message) = stream.next().await {
        if let QueryItem::Events(events) = message.unwrap().item {
            log.extend(events.into_iter().map(|event| Event::decode(event).unwrap()));
        }
    }
    log
}

/// Every event of the job is in one file, and the files are those that the server knows.
async fn check_files(client: &Client, job: &Job, folder: &Path, log: &[Event]) -> u64 {
    let folder = folder.join(job.name);
    let (mut got, mut names, mut before) = (Vec::new(), Vec::new(), 0);
    for (file, number) in files(client, job.name).await.into_iter().zip(1..) {
        let bytes = fs::read(folder.join(&file.name)).unwrap();
        assert_eq!((file.file_number, file.state()), (number, ExportFileState::Published), "{}", file.name);
        assert_eq!(file.first_sequence, before + 1, "{} does not follow the one before", file.name);
        assert_eq!(file.size_bytes, bytes.len() as u64, "{}", file.name);
        assert_eq!(file.sha256, Sha256::digest(&bytes).as_slice(), "{}", file.name);
        assert!(file.manifest_published, "{}", file.name);
        before = file.last_sequence;
        got.extend(sequences(&bytes));
        names.push(file.name);
    }
    let wanted = log.iter().filter(|event| job.only.is_none_or(|only| event.r#type() == only));
    assert_eq!(got, wanted.map(|event| event.sequence).collect::<Vec<_>>(), "{}", job.name);
    names.sort();
    assert_eq!(names_in(&folder), names, "{}", job.name);
    names.len() as u64
}

/// No two runs of a job at the same time; those that were stopped were followed at once.
async fn check_runs(client: &Client, job: &Job, stopped: usize) -> Vec<ExportRun> {
    let runs = runs(client, job.name).await;
    for pair in runs.windows(2) {
        let [one, next] = [&pair[0], &pair[1]];
        assert!(one.run_number < next.run_number, "{pair:?}");
        let (ended, started) = (time(one.ended_time), time(next.started_time));
        assert!(ended <= started, "two runs of {} at the same time: {pair:?}", job.name);
        if one.state() == ExportRunState::Stopped {
            assert!(started - ended < AT_ONCE, "{} stood still: {pair:?}", job.name);
        }
    }
    let in_state = |state| runs.iter().filter(|run| run.state() == state).count();
    assert_eq!(in_state(ExportRunState::Failed), 0, "{runs:?}");
    if job.name == STEADY {
        assert!(in_state(ExportRunState::Stopped) >= stopped, "{stopped} were stopped: {runs:?}");
    }
    runs
}

/// A manifest for each file; nothing but the jobs' files anywhere.
fn check_manifests_and_folders(folder: &Path) {
    let folders: BTreeSet<_> = names_in(folder).into_iter().collect();
    let known = JOBS.iter().map(|job| job.name).chain([".manifests"]).map(str::to_owned);
    assert_eq!(folders, known.collect());
    let files = JOBS.iter().flat_map(|job| names_in(&folder.join(job.name)));
    let mut manifests: Vec<_> = files.map(|name| format!("{name}.manifest.json")).collect();
    manifests.sort();
    assert_eq!(names_in(&folder.join(".manifests")), manifests);
}

/// Sorted, hidden ones too.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn time(time: Option<prost_types::Timestamp>) -> Duration {
    let time = time.unwrap();
    Duration::new(time.seconds.try_into().unwrap(), time.nanos.try_into().unwrap())
}

/// All of them, oldest first.
async fn files(client: &Client, job: &str) -> Vec<ExportFile> {
    let mut request = ListExportFilesRequest { job_id: job.to_owned(), ..ListExportFilesRequest::default() };
    let mut files = Vec::new();
    loop {
        let (page, next) = client.list_export_files(request.clone()).await.unwrap();
        files.extend(page);
        if next.is_empty() {
            files.reverse();
            return files;
        }
        request.page_token = next;
    }
}

/// All of them, oldest first.
async fn runs(client: &Client, job: &str) -> Vec<ExportRun> {
    let mut request = ListExportRunsRequest { job_id: job.to_owned(), ..ListExportRunsRequest::default() };
    let mut runs = Vec::new();
    loop {
        let (page, next) = client.list_export_runs(request.clone()).await.unwrap();
        runs.extend(page);
        if next.is_empty() {
            runs.reverse();
            return runs;
        }
        request.page_token = next;
    }
}
