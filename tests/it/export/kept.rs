//! What planning a file has rendered is kept for sending it: faster, and otherwise the same.

use tokio::sync::mpsc;
use vidne::{
    domain::{
        export::{Compression, Destination, ExportFile, ExportJob, FileState, Format, JobSettings},
        format::{CsvColumns, CsvOptions},
    },
    export::run::RunResult,
};

use super::{
    bed::{Bed, TERM, default_tenant, read_type, settings},
    faults::Plan,
};
use crate::support::events::full;

/// Enough for everything.
const ROOM: usize = 64 * 1024 * 1024;
/// Enough for the first chunks of a file, however well they pack.
const SOME: usize = 700_000;

/// Some 6 MB of lines that are not all alike.
async fn long_log(bed: &Bed) {
    for i in 0..400_u64 {
        let mut input = full(read_type());
        input.event_id = String::new();
        let noise = |n: u64| (i * 1_000 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        input.description = (0..900).map(|n| format!("{:x}", noise(n))).collect();
        bed.record(input).await;
    }
}

async fn job(bed: &Bed, name: &str, compression: Compression) -> ExportJob {
    let mut settings = JobSettings {
        name: name.to_owned(),
        destination: Destination::Fs { directory: name.to_owned(), file_mode: None },
        max_events: 1_000_000,
        max_bytes: 2_000_000,
        ..settings()
    };
    settings.delivery.compression = compression;
    bed.create(settings).await
}

/// Runs a job with so much room; gives what it did, its files, and how many steps that took.
async fn run(bed: &Bed, job: &ExportJob, room: usize) -> (RunResult, Vec<ExportFile>, usize) {
    let plan = Plan::none();
    let runner = bed.server(&plan).runner.with_kept_bytes(room);
    let lease = bed.store.lease_job(&job.id, "test", TERM).await.unwrap();
    let (files, _unheard) = mpsc::channel(100);
    let result = runner.run(&default_tenant(), &lease, files, &Default::default()).await.unwrap();
    (result, bed.files(job).await, plan.steps())
}

#[tokio::test]
async fn a_file_is_the_same_whether_its_lines_are_kept_or_read_again() {
    let bed = Bed::new();
    long_log(&bed).await;
    for compression in [Compression::None, Compression::Gzip] {
        let mut seen = Vec::new();
        for room in [0, SOME, ROOM] {
            let job = job(&bed, &format!("{compression:?}-{room}").to_lowercase(), compression).await;
            let (result, files, _) = run(&bed, &job, room).await;
            assert_eq!(result.events, 400);
            assert!(files.len() >= 3, "{}", files.len());
            let of = |f: &ExportFile| (f.first_event_sequence, f.event_count, f.size_bytes, f.sha256);
            assert!(files.iter().all(|file| file.state == FileState::Published));
            seen.push(files.iter().map(of).collect::<Vec<_>>());
        }
        assert!(seen.iter().all(|files| *files == seen[0]), "{compression:?}: {seen:?}");
    }
}

#[tokio::test]
async fn kept_lines_are_the_log_and_are_not_read_again() {
    let bed = Bed::new();
    long_log(&bed).await;
    let settings = JobSettings { max_events: 1_000_000, max_bytes: 2_000_000, ..settings() };
    let job = bed.create(settings).await;
    let (result, _, kept) = run(&bed, &job, ROOM).await;
    assert!(result.files >= 3);
    bed.assert_delivered_equals_log().await;

    let bed = Bed::new();
    long_log(&bed).await;
    let job = bed.create(job.settings).await;
    let (_, files, read_again) = run(&bed, &job, 0).await;
    bed.assert_delivered_equals_log().await;
    assert!(read_again >= kept + files.len(), "{read_again} steps without room, {kept} with it");
}

#[tokio::test]
async fn settings_that_change_while_a_file_is_sent_apply_to_the_next_one() {
    let bed = Bed::new();
    bed.record_some(10).await;
    let job = bed.create(settings()).await;
    let runner = bed.good_server().runner;
    let lease = bed.store.lease_job(&job.id, "test", TERM).await.unwrap();
    // No more than one change of a file's state can wait, so the run waits until it is heard.
    let (files, mut heard) = mpsc::channel(1);
    let (tenant, never) = (default_tenant(), Default::default());
    let run = async {
        let result = runner.run(&tenant, &lease, files, &never).await;
        result.unwrap()
    };
    let change = async {
        // By now the next file is being planned.
        assert_eq!(heard.recv().await.unwrap().state, FileState::Cut);
        let csv = Format::Csv(CsvOptions { columns: CsvColumns::Xflow, header: false, formula_guard: true });
        let apply = |old: &JobSettings, secrets| {
            Ok((JobSettings { format: csv.clone(), max_events: 3, ..old.clone() }, secrets))
        };
        let exports = bed.good_server().exports;
        exports.update(&tenant, "siem", job.revision, apply, "anonymous").await.unwrap();
        while heard.recv().await.is_some() {}
    };
    let (result, ()) = tokio::join!(run, change);
    let done = bed.files(&bed.job().await).await;
    let of = |f: &ExportFile| (f.job_revision, f.event_count, f.name.ends_with(".csv"));
    assert_eq!(done.iter().map(of).collect::<Vec<_>>(), [(1, 4, false), (2, 3, true), (2, 3, true)]);
    assert_eq!((result.files, result.events), (3, 10));
    let lines = |file: &ExportFile| bed.delivered()[&file.name].iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(done.iter().map(lines).collect::<Vec<_>>(), [4, 3, 3]);
}
