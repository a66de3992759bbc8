//! What a run does when nothing, or one particular thing, goes wrong.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use vidne::{
    domain::{
        catalogue::EventType,
        event::Outcome,
        export::{Destination, ExportFile, FileState, Format, Health, JobSettings, Trigger, part_name},
        filter::EventFilter,
        format::{CsvColumns, CsvOptions},
    },
    export::{ExportError, run::RunResult},
    service::{ServiceError, exports::RunEvent},
    store::contract::FileCut,
};

use super::{
    bed::{Bed, TERM, default_tenant, sequences, settings},
    faults::{Harm, Plan},
};

#[tokio::test]
async fn a_run_exports_what_matches_and_a_second_one_only_what_is_new() {
    let bed = Bed::new();
    bed.record_some(10).await;
    bed.create(settings()).await;
    let first = bed.run_well().await;
    assert_eq!((first.files, first.events, first.scanned_sequence), (3, 10, bed.head().await));
    let delivered = bed.delivered();
    assert_eq!(first.bytes, delivered.values().map(|bytes| bytes.len() as u64).sum::<u64>());
    bed.record_some(1).await;
    let second = bed.run_well().await;
    assert_eq!((second.files, second.events), (1, 1));
    bed.assert_delivered_equals_log().await;
    assert!(delivered.iter().all(|(name, bytes)| bed.delivered()[name] == *bytes));
    let job = bed.job().await;
    assert_eq!((job.health, job.last_error.as_str()), (Health::Ok, ""));
    assert!(job.last_run.is_some());
}

#[tokio::test]
async fn a_run_with_nothing_to_export_writes_no_file_and_moves_on() {
    let bed = Bed::new();
    bed.create(settings()).await;
    let empty = bed.run_well().await;
    // The only event is vidne's own about the new job, which this job does not want.
    assert_eq!(empty, RunResult { scanned_sequence: 1, ..RunResult::default() });
    assert!(!bed.folder().exists());
    assert_eq!(bed.job().await.scanned_sequence, 1);
    bed.record_some(1).await;
    assert_eq!(bed.run_well().await.events, 1);
    bed.assert_delivered_equals_log().await;
}

#[tokio::test]
async fn vidnes_own_events_are_exported_like_any_other() {
    let bed = Bed::new();
    bed.create(JobSettings { filter: EventFilter::default(), ..settings() }).await;
    assert_eq!(bed.run_well().await.events, 1);
    assert_eq!(bed.run_well().await.events, 0, "the run has fed itself");
    bed.assert_delivered_equals_log().await;
}

#[tokio::test]
async fn a_run_tells_of_each_state_of_each_file_and_ends_with_the_result() {
    let bed = Bed::new();
    bed.record_some(5).await;
    bed.create(settings()).await;
    let mut listener =
        bed.good_server().exports.run(&default_tenant(), "siem", Trigger::Request).await.unwrap();
    let mut told = Vec::new();
    while let Some(step) = listener.recv().await {
        match step.unwrap() {
            RunEvent::File(file) => told.push((file.number, Some(file.state))),
            RunEvent::Result(result) => told.push((result.files, None)),
        }
    }
    let all = [FileState::Cut, FileState::Uploaded, FileState::Published];
    let mut expected: Vec<_> = [1, 2].iter().flat_map(|n| all.map(|state| (*n, Some(state)))).collect();
    expected.push((2, None));
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_run_goes_on_when_nobody_listens() {
    let bed = Bed::new();
    bed.record_some(50).await;
    bed.create(JobSettings { max_events: 1, ..settings() }).await;
    let server = bed.good_server();
    drop(server.exports.run(&default_tenant(), "siem", Trigger::Request).await.unwrap());
    server.tasks.close();
    server.tasks.wait().await;
    assert_eq!(bed.delivered().len(), 50);
    bed.assert_delivered_equals_log().await;
}

#[tokio::test]
async fn a_file_ends_before_the_event_that_would_pass_a_limit_and_a_large_one_stands_alone() {
    let bed = Bed::new();
    bed.record_some(4).await;
    let line = bed.probe_line_bytes().await;
    let fits_two = JobSettings { max_bytes: 2 * line + line / 2, max_events: 100, ..settings() };
    bed.create(fits_two).await;
    assert_eq!(bed.run_well().await.files, 2);
    bed.assert_delivered_equals_log().await;

    let bed = Bed::new();
    bed.record_some(3).await;
    bed.create(JobSettings { max_bytes: 1, ..settings() }).await;
    assert_eq!(bed.run_well().await.files, 3);
    bed.assert_delivered_equals_log().await;
}

#[tokio::test]
async fn an_upload_that_the_destination_cuts_short_is_never_published() {
    let still = Arc::new(AtomicBool::new(true));
    let bed = Bed { loses_bytes: Some(still.clone()), ..Bed::new() };
    bed.record_some(3).await;
    bed.create(settings()).await;
    let failed = bed.run(&bed.good_server()).await;
    let Err(ServiceError::Export(ExportError::Unavailable { message, .. })) = failed else {
        panic!("{failed:?}");
    };
    assert!(message.contains("disk"), "{message}");
    assert_eq!((bed.delivered().len(), bed.parts().len()), (0, 0));
    still.store(false, Ordering::SeqCst);
    bed.run_well().await;
    bed.assert_delivered_equals_log().await;
}

#[tokio::test]
async fn another_file_under_the_final_name_is_never_replaced() {
    let bed = Bed::new();
    bed.record_some(3).await;
    bed.create(settings()).await;
    let file = upload_without_publishing(&bed).await;
    let other = vec![b'x'; file.size_bytes as usize];
    fs::write(bed.folder().join(&file.name), &other).unwrap();
    let failed = bed.run(&bed.good_server()).await;
    let Err(ServiceError::Export(ExportError::Destination { message, .. })) = failed else {
        panic!("{failed:?}");
    };
    assert!(message.contains("never replaces") && message.contains(&file.name), "{message}");
    assert_eq!(fs::read(bed.folder().join(&file.name)).unwrap(), other);
    fs::remove_file(bed.folder().join(&file.name)).unwrap();
    bed.run_well().await;
    bed.assert_delivered_equals_log().await;
}

#[tokio::test]
async fn an_uploaded_file_that_a_server_crash_has_damaged_is_sent_again() {
    for damage in [&b""[..], &b"zeros"[..]] {
        let bed = Bed::new();
        bed.record_some(3).await;
        bed.create(settings()).await;
        let file = upload_without_publishing(&bed).await;
        let mut bytes = damage.to_vec();
        if !damage.is_empty() {
            bytes.resize(file.size_bytes as usize, 0);
        }
        fs::write(bed.folder().join(file.part_path()), bytes).unwrap();
        bed.run_well().await;
        bed.assert_delivered_equals_log().await;
    }
}

#[tokio::test]
async fn nothing_is_called_published_while_the_folder_itself_is_gone() {
    let bed = Bed::new();
    bed.record_some(3).await;
    bed.create(settings()).await;
    upload_without_publishing(&bed).await;
    let away = bed.root.path().join("away");
    fs::rename(bed.root.path().join("siem"), &away).unwrap();
    let failed = bed.run(&bed.good_server()).await;
    let said = failed.unwrap_err().to_string();
    assert!(said.contains("folder is gone"), "{said}");
    fs::rename(away, bed.root.path().join("siem")).unwrap();
    bed.run_well().await;
    bed.assert_delivered_equals_log().await;
}

#[tokio::test]
async fn both_names_after_a_crash_between_link_and_unlink_are_one_file() {
    let bed = Bed::new();
    bed.record_some(3).await;
    bed.create(settings()).await;
    let file = upload_without_publishing(&bed).await;
    fs::hard_link(bed.folder().join(file.part_path()), bed.folder().join(&file.name)).unwrap();
    bed.run_well().await;
    bed.assert_delivered_equals_log().await;
    assert_eq!(bed.delivered().len(), 1);
}

#[tokio::test]
async fn only_the_jobs_own_older_temporary_files_are_removed() {
    let bed = Bed::new();
    bed.record_some(3).await;
    let job = bed.create(settings()).await;
    fs::create_dir_all(bed.folder()).unwrap();
    let range = "20261122T093000Z_00000000000000000001-00000000000000000002.jsonl";
    let ours = part_name(&format!("former-name_{}_{range}", job.id), 1);
    let newer = part_name(&format!("siem_{}_{range}", job.id), 99);
    let others = part_name(&format!("siem_otherjob22_{range}"), 1);
    for name in [&ours, &newer, &others, ".upload.part", "report.csv"] {
        fs::write(bed.folder().join(name), "x").unwrap();
    }
    // A run that fails, so that the next one looks for what it left.
    let plan = Plan::new(4, Harm::FailBefore);
    bed.run(&bed.server(&plan)).await.unwrap_err();
    bed.run_well().await;
    let mut left = bed.parts();
    left.sort();
    let mut expected = vec![newer, others, ".upload.part".to_owned()];
    expected.sort();
    assert_eq!(left, expected);
    assert!(bed.delivered().contains_key("report.csv"));
}

#[tokio::test]
async fn a_cut_whose_settings_have_changed_is_cut_anew() {
    let bed = Bed::new();
    bed.record_some(6).await;
    bed.create(settings()).await;
    cut_only(&bed).await;
    let csv = Format::Csv(CsvOptions { columns: CsvColumns::Xflow, header: false, formula_guard: true });
    let moved = Destination::Fs { directory: "elsewhere".to_owned(), file_mode: None };
    change(&bed, |s| JobSettings { format: csv, destination: moved, ..s }).await.unwrap();
    let result = bed.run_well().await;
    assert_eq!((result.files, result.events), (2, 6));
    let files = bed.files(&bed.job().await).await;
    assert!(files.iter().all(|file| file.job_revision == 2 && file.name.ends_with(".csv")));
    assert_eq!(files.iter().map(|file| file.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(fs::read_dir(bed.root.path().join("elsewhere")).unwrap().count(), 2);
    assert!(bed.delivered().is_empty());
}

#[tokio::test]
async fn a_destination_is_not_changed_while_an_uploaded_file_waits_there() {
    let bed = Bed::new();
    bed.record_some(3).await;
    bed.create(settings()).await;
    let file = upload_without_publishing(&bed).await;
    let moved = Destination::Fs { directory: "elsewhere".to_owned(), file_mode: None };
    let refused = change(&bed, |s| JobSettings { destination: moved.clone(), ..s }).await.unwrap_err();
    assert!(refused.to_string().contains(&file.name), "{refused}");
    // Anything else may change: the file is finished as it was cut.
    let csv = Format::Csv(CsvOptions { columns: CsvColumns::Xflow, header: false, formula_guard: true });
    change(&bed, |s| JobSettings { format: csv, ..s }).await.unwrap();
    bed.run_well().await;
    bed.assert_delivered_equals_log().await;
    change(&bed, |s| JobSettings { destination: moved, ..s }).await.unwrap();
}

#[tokio::test]
async fn only_the_change_between_working_and_failing_is_witnessed() {
    let bed = Bed::new();
    bed.record_some(3).await;
    bed.create(settings()).await;
    fs::write(bed.root.path().join("siem"), "a file where the folder should be").unwrap();
    for _ in 0..2 {
        bed.run(&bed.good_server()).await.unwrap_err();
    }
    let job = bed.job().await;
    assert_eq!(job.health, Health::Failing);
    assert!(!job.last_error.is_empty());
    fs::remove_file(bed.root.path().join("siem")).unwrap();
    for _ in 0..2 {
        bed.run_well().await;
    }
    let log = bed.log().await;
    let own: Vec<_> = log
        .iter()
        .filter(|event| {
            [EventType::SERVICE_EXPORT_JOB_FAILED, EventType::SERVICE_EXPORT_JOB_RECOVERED]
                .contains(&event.event.event_type)
        })
        .collect();
    assert_eq!(own.len(), 2, "{own:?}");
    assert_eq!(own[0].event.event_type, EventType::SERVICE_EXPORT_JOB_FAILED);
    assert_eq!(own[0].event.outcome, Outcome::Failure);
    assert_eq!(own[0].event.targets[0].id, job.id);
    assert_eq!((bed.job().await.health, bed.job().await.last_error.as_str()), (Health::Ok, ""));
}

#[tokio::test]
async fn a_run_that_is_stopped_is_no_failure() {
    let bed = Bed::new();
    bed.record_some(3).await;
    bed.create(settings()).await;
    let server = bed.good_server();
    server.shutdown.cancel();
    assert!(matches!(bed.run(&server).await, Err(ServiceError::ShuttingDown)));
    let plan = Plan::new(4, Harm::PauseBefore);
    let server = bed.server(&plan);
    let run = bed.run(&server);
    let stop = async {
        plan.hit.cancelled().await;
        server.shutdown.cancel();
    };
    let (stopped, ()) = tokio::join!(run, stop);
    assert!(matches!(stopped, Err(ServiceError::ShuttingDown)), "{stopped:?}");
    assert_eq!(bed.job().await.health, Health::Unknown);
    assert_eq!(bed.run_well().await.events, 3);
}

impl Bed {
    /// The bytes of one line of [`Bed::record_some`].
    async fn probe_line_bytes(&self) -> u64 {
        let log = self.log().await;
        let mut line = Vec::new();
        vidne::codec::json::write_line(&log[0], false, &mut line);
        assert_eq!(sequences(&line), [1]);
        line.len() as u64
    }
}

async fn change(
    bed: &Bed,
    new: impl FnOnce(JobSettings) -> JobSettings,
) -> Result<vidne::domain::export::ExportJob, ServiceError> {
    let job = bed.job().await;
    let exports = bed.good_server().exports;
    let apply = |old: &JobSettings, secrets| Ok((new(old.clone()), secrets));
    exports.update(&default_tenant(), "siem", job.revision, apply, "anonymous").await
}

/// Runs until the first file is uploaded, and no further.
async fn upload_without_publishing(bed: &Bed) -> ExportFile {
    stop_when(bed, FileState::Uploaded).await
}

async fn cut_only(bed: &Bed) -> ExportFile {
    let job = bed.job().await;
    let lease = bed.store.lease_job(&job.id, "test", TERM).await.unwrap();
    let cut = FileCut {
        directory: String::new(),
        with_manifest: false,
        first_event_sequence: 1,
        first_recorded: crate::support::events::NOW,
        last_recorded: crate::support::events::NOW,
        name: format!("siem_{}_20261122T093000Z_{:020}-{:020}.jsonl", job.id, 1, 4),
        first_sequence: 1,
        last_sequence: 4,
        event_count: 3,
        job_revision: job.revision,
        created: crate::support::events::NOW,
    };
    let file = bed.store.cut_file(&lease, cut).await.unwrap();
    fs::create_dir_all(bed.folder()).unwrap();
    fs::write(bed.folder().join(file.part_path()), "half a").unwrap();
    bed.clock.set(vidne::domain::time::Clock::now(&*bed.clock).plus_micros(TERM.as_micros() as i64 + 1));
    file
}

/// Kills a run as soon as its first file is in `state`.
async fn stop_when(bed: &Bed, state: FileState) -> ExportFile {
    for at in 0..1_000 {
        let plan = Plan::new(at, Harm::PauseAfter);
        let server = bed.server(&plan);
        let job = bed.job().await;
        let lease = bed.store.lease_job(&job.id, "killed", TERM).await.unwrap();
        let (files, _unheard) = tokio::sync::mpsc::channel(100);
        let (tenant, never) = (default_tenant(), Default::default());
        tokio::select! {
            result = server.runner.run(&tenant, &lease, files, &never) => panic!("{result:?}"),
            () = plan.hit.cancelled() => {}
        }
        bed.clock.set(vidne::domain::time::Clock::now(&*bed.clock).plus_micros(TERM.as_micros() as i64 + 1));
        if let Some(file) = bed.store.pending_file(&job.id).await.unwrap().filter(|f| f.state == state) {
            return file;
        }
    }
    panic!("no file got into state {state:?}");
}
