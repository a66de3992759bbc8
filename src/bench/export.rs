//! How fast a log becomes files on an SFTP server, beside what each stage of it reaches alone.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tonic::{Status, transport::Endpoint};

use super::{
    course::Budget,
    error::{BenchError, io},
    folder::Folder,
    goals::Goal,
    load::{Case, Load},
    machine::Machine,
    server::BenchServer,
    sshd::BenchSshd,
    stages::{self, Log},
    stopwatch::{Lap, Stopwatch},
};
use crate::{
    client::proto::export_service_client::ExportServiceClient,
    codec::{
        job::job_from_proto,
        proto::v1::{
            CreateExportJobRequest, Destination, ExportFormat, ExportJob, ExportRunResult, FileLimits,
            RunExportJobRequest, SftpDestination, destination, run_export_job_response,
        },
    },
};

/// How much of the slowest stage JSON Lines should reach.
const SHARE: f64 = 0.8;
/// How fast each format should be rendered by one core, in MB/s.
const RENDERING: f64 = 300.0;
/// What the server may have resident, in MiB.
const MEMORY_MIB: f64 = 100.0;
/// About what an event has as a JSON line.
const LINE_BYTES: u64 = 960;
/// Longer than recording takes on any machine.
const RECORDING: Duration = Duration::from_secs(4 * 3_600);
/// Events of one file at most: its bytes are what ends it.
const FILE_EVENTS: u64 = 10_000_000;

/// The same bytes sent by OpenSSH's client.
const PLAIN: &str = "sftp put";
/// The same, and on the server's disk before it is done, as vidne's files are.
const FLUSHED: &str = "sftp put -f";

/// What and how much.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// The formats, by name; the first is compared with the stages.
    pub formats: Vec<(String, ExportFormat)>,
    /// About how many bytes of JSON Lines are exported.
    pub bytes: u64,
    /// How large a file may become.
    pub file_bytes: u64,
    /// Where the throw-away folder is made.
    pub folder: PathBuf,
}

/// So much in so long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// What was measured.
    pub case: String,
    /// Events.
    pub events: u64,
    /// Bytes: of payload where rows are read, of lines else.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
    /// One by the other.
    pub events_per_second: f64,
    /// Millions of bytes.
    pub mb_per_second: f64,
    /// Processor time of the whole machine for one event, in microseconds; `None` if the system does not tell.
    pub cpu_micros: Option<f64>,
}

impl Rate {
    pub(super) fn new(case: &str, events: u64, bytes: u64, Lap { took, busy }: Lap) -> Self {
        let seconds = took.as_secs_f64();
        let by = |amount: f64| if seconds > 0.0 { amount / seconds } else { 0.0 };
        Self {
            case: case.to_owned(),
            events,
            bytes,
            seconds,
            events_per_second: by(events as f64),
            mb_per_second: by(bytes as f64 / 1e6),
            cpu_micros: busy.filter(|_| events > 0).map(|busy| busy.as_secs_f64() * 1e6 / events as f64),
        }
    }
}

/// What was found out.
#[derive(Clone, Debug, Serialize)]
pub struct ExportReport {
    /// On what.
    pub machine: Machine,
    /// Exports, by format.
    pub exports: Vec<Rate>,
    /// Each stage alone.
    pub stages: Vec<Rate>,
    /// What the machine's cores could do at most in events by second, if they did nothing but the stages of the first
    /// export: what these take alone, added up. `None` if the system does not tell.
    pub ceiling: Option<f64>,
    /// The goals.
    pub goals: Vec<Goal>,
    /// The most memory that the exporting server had, in MiB.
    pub server_peak_memory_mib: Option<u64>,
}

/// Measures. `progress` is told what is being done; `stop` ends it early.
///
/// # Errors
///
/// If anything fails: half a measurement is none.
pub async fn export(
    options: &ExportOptions,
    progress: &(dyn Fn(&str) + Sync),
    stop: &CancellationToken,
) -> Result<ExportReport, BenchError> {
    stop.run_until_cancelled(measure(options, progress)).await.unwrap_or(Err(BenchError::Stopped))
}

async fn measure(
    options: &ExportOptions,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<ExportReport, BenchError> {
    let folder = Folder::make(&options.folder)?;
    progress("recording what is to be exported");
    let events = (options.bytes / LINE_BYTES).max(1_000);
    record(folder.path(), events).await?;
    let sshd = BenchSshd::start(folder.path()).await?;
    // A new process, so that its memory is that of exporting.
    fs::remove_file(folder.path().join("ready.json")).map_err(io("remove a file"))?;
    let server = BenchServer::start(folder.path(), None).await?;
    let (mut exports, mut first) = (Vec::new(), None);
    for (name, format) in &options.formats {
        progress(&format!("exporting {name}"));
        exports.push(run(&server.endpoint(), name, format, &sshd, options.file_bytes).await?);
        let dropped = sshd.drop_folder().join(name);
        if first.is_none() {
            first = Some(dropped);
        } else {
            fs::remove_dir_all(dropped).map_err(io("remove a folder"))?;
        }
    }
    let server_peak_memory_mib = server.kill().await?;
    let mut stages = Vec::new();
    if let (Some(dropped), Some(export)) = (first, exports.first()) {
        progress("sftp put of the same bytes");
        let file = joined(&dropped, folder.path())?;
        let bytes = fs::metadata(&file).map_err(io("look at a file"))?.len();
        for (name, flush) in [(PLAIN, false), (FLUSHED, true)] {
            stages.push(Rate::new(name, export.events, bytes, sshd.put(&file, flush).await?));
        }
    }
    progress("reading rows by key");
    let log = Log::open(folder.path()).await?;
    stages.push(log.read().await?);
    let events = log.events().await?;
    for (name, format) in &options.formats {
        progress(&format!("rendering {name}"));
        let (settings, _, _) =
            job_from_proto(job(name, format, Destination { kind: Some(nowhere()) }, 1), "job")
                .map_err(|wrong| BenchError::Settings(wrong.to_string()))?;
        stages.push(stages::render(name, &settings, &events)?);
    }
    let goals = goals(&exports, &stages, server_peak_memory_mib);
    let machine = Machine::this(&options.folder);
    let ceiling = ceiling(machine.cores, &exports, &stages);
    Ok(ExportReport { machine, exports, stages, ceiling, goals, server_peak_memory_mib })
}

/// Fills a log and ends the server that did it.
async fn record(folder: &Path, events: u64) -> Result<(), BenchError> {
    let server = BenchServer::start(folder, None).await?;
    let budget = Budget { time: RECORDING, events };
    Load::new(&server.endpoint(), "", budget).measure(Case::Batch(1_000)).await?;
    server.kill().await.map(drop)
}

/// One job and one run of it.
async fn run(
    endpoint: &str,
    name: &str,
    format: &ExportFormat,
    sshd: &BenchSshd,
    file_bytes: u64,
) -> Result<Rate, BenchError> {
    let directory = sshd.drop_folder().join(name);
    fs::create_dir(&directory).map_err(io("make a folder"))?;
    let sftp = SftpDestination {
        address: sshd.address(),
        user_name: sshd.user().to_owned(),
        directory: directory.display().to_string(),
        host_keys: vec![sshd.host_key()?],
        private_key: sshd.private_key()?,
        ..SftpDestination::default()
    };
    let destination = Destination { kind: Some(destination::Kind::Sftp(sftp)) };
    let failed = |source| BenchError::Unreachable { endpoint: endpoint.to_owned(), source };
    let channel =
        Endpoint::from_shared(endpoint.to_owned()).map_err(failed)?.connect().await.map_err(failed)?;
    let call = |status: Status| BenchError::Call { case: name.to_owned(), status: Box::new(status) };
    let mut client = ExportServiceClient::new(channel);
    let request = CreateExportJobRequest { job: Some(job(name, format, destination, file_bytes)) };
    client.create_export_job(request).await.map_err(call)?;
    let watch = Stopwatch::start();
    let request = RunExportJobRequest { tenant_id: String::new(), job_id: name.to_owned() };
    let mut steps = client.run_export_job(request).await.map_err(call)?.into_inner();
    let mut result = ExportRunResult::default();
    while let Some(step) = steps.message().await.map_err(call)? {
        if let Some(run_export_job_response::Kind::Result(done)) = step.kind {
            result = done;
        }
    }
    Ok(Rate::new(name, result.events, result.bytes, watch.lap()))
}

fn job(name: &str, format: &ExportFormat, destination: Destination, file_bytes: u64) -> ExportJob {
    ExportJob {
        name: name.to_owned(),
        format: Some(format.clone()),
        destination: Some(destination),
        file_limits: Some(FileLimits { max_events: Some(FILE_EVENTS), max_bytes: Some(file_bytes) }),
        ..ExportJob::default()
    }
}

fn nowhere() -> destination::Kind {
    destination::Kind::Fs(crate::codec::proto::v1::FsDestination {
        directory: "nowhere".to_owned(),
        ..Default::default()
    })
}

/// All files of a folder as one.
fn joined(folder: &Path, into: &Path) -> Result<PathBuf, BenchError> {
    let failed = || io("put the exported files together");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed())? {
        names.push(entry.map_err(failed())?.path());
    }
    names.sort();
    let path = into.join("joined");
    let mut file = fs::File::create(&path).map_err(failed())?;
    for name in names.iter().filter(|name| name.is_file()) {
        let mut part = fs::File::open(name).map_err(failed())?;
        std::io::copy(&mut part, &mut file).map_err(failed())?;
    }
    Ok(path)
}

/// The stages of an export.
fn of_export<'a>(export: &Rate, stages: &'a [Rate]) -> impl Iterator<Item = &'a Rate> + use<'a> {
    let own = format!("rendering {}", export.case);
    stages.iter().filter(move |stage| !stage.case.starts_with("rendering") || stage.case == own)
}

/// Sending counts once.
fn ceiling(cores: usize, exports: &[Rate], stages: &[Rate]) -> Option<f64> {
    let stages = of_export(exports.first()?, stages).filter(|stage| stage.case != PLAIN);
    let micros: f64 = stages.map(|stage| stage.cpu_micros).sum::<Option<f64>>()?;
    (micros > 0.0).then(|| cores as f64 * 1e6 / micros)
}

fn goals(exports: &[Rate], stages: &[Rate], memory: Option<u64>) -> Vec<Goal> {
    let mut goals = Vec::new();
    if let Some(export) = exports.first() {
        let slowest = of_export(export, stages);
        if let Some(slowest) = slowest.min_by(|a, b| a.events_per_second.total_cmp(&b.events_per_second)) {
            goals.push(Goal::at_least(
                format!("events/s of {} / {}, the slowest stage alone", export.case, slowest.case),
                (export.events_per_second, slowest.events_per_second),
                SHARE,
            ));
        }
    }
    for stage in stages.iter().filter(|stage| stage.case.starts_with("rendering")) {
        goals.push(Goal::at_least(format!("MB/s of {}", stage.case), (stage.mb_per_second, 1.0), RENDERING));
    }
    if let Some(memory) = memory {
        goals.push(Goal::at_most("MiB resident at the highest", memory as f64, MEMORY_MIB));
    }
    goals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_export_is_compared_with_the_slowest_stage_of_its_own() {
        let lap = Lap { took: Duration::from_secs(1), busy: Some(Duration::from_millis(500)) };
        let rate = |case: &str, events| Rate::new(case, events, 1_000_000 * events, lap);
        let stages = [
            rate(PLAIN, 95),
            rate(FLUSHED, 90),
            rate("reading", 100),
            rate("rendering a", 400),
            rate("rendering b", 20),
        ];
        let exports = [rate("a", 72), rate("b", 1)];
        let goals = goals(&exports, &stages, Some(99));
        let seen: Vec<_> = goals.iter().map(|goal| (goal.measured, goal.met)).collect();
        assert_eq!(seen, [(0.8, true), (400.0, true), (20.0, false), (99.0, true)]);
        // Half a second for 90, for 100 and for 400 events, on two cores.
        let ceiling = ceiling(2, &exports, &stages).expect("a ceiling");
        assert!((ceiling - 2.0 / (0.5 / 90.0 + 0.5 / 100.0 + 0.5 / 400.0)).abs() < 1e-6, "{ceiling}");
        let untold = Rate { cpu_micros: None, ..rate(FLUSHED, 90) };
        assert_eq!(super::ceiling(2, &exports, &[untold]), None);
    }
}
