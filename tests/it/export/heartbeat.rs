//! Jobs that tell that there was nothing to tell.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value as Json;
use vidne::{
    domain::{
        catalogue::EventType,
        delivery::Manifest,
        export::{Destination, ExportJob, Format, Health, JobSettings, Rhythm, RunState, Schedule, Trigger},
        filter::EventFilter,
        format::{
            CefOptions, CefVersion, CsvColumns, CsvOptions, EcsOptions, LeefOptions, LeefVersion,
            OcsfOptions, OcsfVersion, Rfc5424Options,
        },
        time::Clock,
    },
    service::exports::PreviewTarget,
};

use super::{
    bed::{Bed, CALLER, Server, TERM, default_tenant, sequences, settings},
    faults::{Harm, Plan},
};
use crate::support::events::bare;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const HEARTBEAT: EventType = EventType::SERVICE_EXPORT_JOB_HEARTBEAT;

/// Data accesses every minute, and a heartbeat after an hour without a file.
fn beating() -> JobSettings {
    scheduled(Schedule { rhythm: Rhythm::Every(MINUTE), ..Schedule::default() })
}

fn scheduled(schedule: Schedule) -> JobSettings {
    let mut settings = settings();
    settings.delivery.schedule = schedule;
    settings.delivery.heartbeat = Some(HOUR);
    settings.delivery.manifest = Manifest::In { directory: "manifests".to_owned() };
    settings
}

/// A job of the same tenant that has a folder of its own.
fn other(name: &str, settings: JobSettings) -> JobSettings {
    let destination = Destination::Fs { directory: name.to_owned(), file_mode: None };
    JobSettings { name: name.to_owned(), destination, ..settings }
}

/// The scheduler looks every minute. How many runs it started.
async fn goes_by(bed: &Bed, server: &Server, time: Duration) -> usize {
    let mut started = 0;
    for _ in 0..time.as_secs() / 60 {
        bed.wait(MINUTE);
        started += bed.run_due(server).await;
    }
    started
}

/// The positions of the heartbeats in the log.
async fn beats(bed: &Bed) -> Vec<u64> {
    let log = bed.log().await;
    let beats = log.iter().filter(|recorded| recorded.event.event_type == HEARTBEAT);
    beats.map(|recorded| recorded.sequence).collect()
}

fn lines(files: &BTreeMap<String, Vec<u8>>) -> Vec<Json> {
    let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
    let read = |line: &str| serde_json::from_str(line).unwrap();
    files.values().flat_map(|bytes| text(bytes).lines().map(read).collect::<Vec<Json>>()).collect()
}

fn files_of(bed: &Bed, folder: &str) -> usize {
    let Ok(entries) = std::fs::read_dir(bed.root.path().join(folder)) else { return 0 };
    entries.filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_file()).count()
}

async fn change(server: &Server, bed: &Bed, heartbeat: Option<Duration>) {
    let change = |old: &JobSettings, secrets| {
        let mut new = old.clone();
        new.delivery.heartbeat = heartbeat;
        Ok((new, secrets))
    };
    let revision = bed.job().await.revision;
    server.exports.update(&default_tenant(), "siem", revision, change, CALLER).await.unwrap();
}

#[tokio::test]
async fn a_quiet_job_says_so_once_in_each_interval() {
    let bed = Bed::new();
    bed.record_some(3).await;
    let job = bed.create(beating()).await;
    let server = bed.good_server();
    goes_by(&bed, &server, MINUTE).await;
    let events = bed.delivered();
    assert_eq!(events.len(), 1);
    goes_by(&bed, &server, HOUR - MINUTE).await;
    assert_eq!(beats(&bed).await, [] as [u64; 0], "not before an hour is over");
    goes_by(&bed, &server, MINUTE).await;
    assert_eq!(beats(&bed).await, [6]);
    goes_by(&bed, &server, HOUR - MINUTE).await;
    assert_eq!(beats(&bed).await.len(), 1, "not twice in an hour");
    goes_by(&bed, &server, 2 * HOUR + MINUTE).await;
    assert_eq!(beats(&bed).await, [6, 7, 8, 9]);

    let mut delivered = bed.delivered();
    delivered.retain(|name, _| !events.contains_key(name));
    assert_eq!(delivered.len(), 4, "a file each");
    for (at, line) in (5..).zip(lines(&delivered)) {
        assert_eq!(line["type"], "SERVICE_EXPORT_JOB_HEARTBEAT");
        assert_eq!(line["type_name"], "ExportJobHeartbeat");
        assert_eq!(line["description"], format!("Export job siem: no events for 1 h; last sequence {at}"));
        let target = &line["targets"][0];
        assert_eq!((&target["id"], &target["name"]), (&Json::from(job.id.as_str()), &Json::from("siem")));
        assert_eq!(line["actor"]["name"], "vidne");
    }
    bed.assert_delivered_equals_log().await;
    let runs = server.exports.runs(&default_tenant(), "siem", None, 10).await.unwrap();
    let seen: Vec<_> = runs.iter().map(|run| (run.trigger, run.state, run.files, run.events)).collect();
    assert_eq!(seen[..4], [(Trigger::Heartbeat, RunState::Ok, 1, 1); 4]);
    assert_eq!((seen.len(), seen[4].0), (5, Trigger::Schedule));
}

#[tokio::test]
async fn a_job_without_the_option_never_says_so() {
    let bed = Bed::new();
    let mut settings = beating();
    settings.delivery.heartbeat = None;
    bed.create(settings).await;
    goes_by(&bed, &bed.good_server(), 5 * HOUR).await;
    assert_eq!((beats(&bed).await.len(), bed.delivered().len()), (0, 0));
}

#[tokio::test]
async fn a_job_with_events_needs_no_heartbeat() {
    let bed = Bed::new();
    bed.create(beating()).await;
    let server = bed.good_server();
    for _ in 0..6 {
        bed.record_some(1).await;
        goes_by(&bed, &server, HOUR - MINUTE).await;
    }
    assert_eq!((beats(&bed).await.len(), bed.delivered().len()), (0, 6));
}

#[tokio::test]
async fn events_that_the_job_does_not_want_do_not_keep_it_from_saying_so() {
    let bed = Bed::new();
    bed.create(beating()).await;
    let server = bed.good_server();
    for _ in 0..3 * 60 {
        bed.record(bare(EventType::CUSTOM)).await;
        goes_by(&bed, &server, MINUTE).await;
    }
    let told = beats(&bed).await;
    assert_eq!(told.len(), 3, "{told:?}");
    let said = lines(&bed.delivered());
    assert_eq!(said.iter().filter_map(|line| line["sequence"].as_u64()).collect::<Vec<_>>(), told);
    for line in &said {
        let last = line["sequence"].as_u64().unwrap() - 1;
        assert!(line["description"].as_str().unwrap().ends_with(&format!("last sequence {last}")));
    }
    bed.assert_delivered_equals_log().await;
    let runs = server.exports.runs(&default_tenant(), "siem", None, 10).await.unwrap();
    assert!(runs.iter().all(|run| run.trigger == Trigger::Schedule), "{runs:?}");
}

#[tokio::test]
async fn a_heartbeat_keeps_to_no_schedule_and_does_not_move_it() {
    let daily = Schedule { rhythm: Rhythm::Every(24 * HOUR), ..Schedule::default() };
    let bed = Bed::new();
    let next = bed.create(scheduled(daily)).await.standing.next_run;
    let server = bed.good_server();
    bed.record(bare(EventType::CUSTOM)).await;
    goes_by(&bed, &server, 3 * HOUR).await;
    assert_eq!(beats(&bed).await.len(), 3);
    assert_eq!(bed.job().await.standing.next_run, next);

    // What waits for the job's own time is not published before it, and holds heartbeats back.
    bed.record_some(1).await;
    let looks = goes_by(&bed, &server, 20 * HOUR).await;
    assert_eq!((beats(&bed).await.len(), bed.delivered().len()), (3, 3));
    assert_eq!(looks, 20, "once in each interval");
    assert_eq!((bed.job().await.standing.next_run, bed.job().await.health), (next, Health::Ok));
    goes_by(&bed, &server, HOUR).await;
    assert_eq!((beats(&bed).await.len(), bed.delivered().len()), (3, 4), "its own time");
    goes_by(&bed, &server, HOUR).await;
    assert_eq!(beats(&bed).await.len(), 4);
    bed.assert_delivered_equals_log().await;
}

#[tokio::test]
async fn a_job_that_runs_only_by_hand_or_when_enough_waits_says_so_too() {
    for waiting_events in [None, Some(1_000)] {
        let bed = Bed::new();
        bed.create(scheduled(Schedule { waiting_events, ..Schedule::default() })).await;
        goes_by(&bed, &bed.good_server(), 2 * HOUR).await;
        assert_eq!((beats(&bed).await.len(), bed.delivered().len()), (2, 2), "{waiting_events:?}");
        bed.assert_delivered_equals_log().await;
    }
}

#[tokio::test]
async fn vidnes_own_events_come_along_with_a_heartbeat_and_do_not_stand_for_one() {
    let bed = Bed::new();
    // Its own creation waits, which starts no run.
    bed.create(JobSettings { filter: EventFilter::default(), ..beating() }).await;
    goes_by(&bed, &bed.good_server(), HOUR).await;
    let first = bed.delivered().into_values().next().unwrap();
    assert_eq!((beats(&bed).await, sequences(&first)), (vec![2], vec![1, 2]));
}

#[tokio::test]
async fn g5_of_two_servers_only_one_says_so() {
    let bed = Bed::new();
    bed.create(beating()).await;
    let (one, two) = (bed.good_server(), bed.good_server());
    for hour in 1..=5 {
        bed.wait(HOUR);
        for _ in 0..3 {
            tokio::join!(bed.run_due(&one), bed.run_due(&two));
        }
        assert_eq!((beats(&bed).await.len(), bed.delivered().len()), (hour, hour));
    }
    bed.assert_delivered_equals_log().await;
}

#[tokio::test]
async fn a_paused_job_is_silent_and_begins_to_count_when_it_is_resumed() {
    let bed = Bed::new();
    bed.create(beating()).await;
    let server = bed.good_server();
    server.exports.pause(&default_tenant(), "siem", true, CALLER).await.unwrap();
    goes_by(&bed, &server, 10 * HOUR).await;
    assert_eq!(bed.run(&server).await.unwrap().files, 0, "by hand neither");
    server.exports.pause(&default_tenant(), "siem", false, CALLER).await.unwrap();
    goes_by(&bed, &server, HOUR - MINUTE).await;
    assert_eq!(beats(&bed).await.len(), 0);
    goes_by(&bed, &server, MINUTE).await;
    assert_eq!((beats(&bed).await.len(), bed.delivered().len()), (1, 1));
}

#[tokio::test]
async fn a_run_by_hand_says_nothing_and_takes_what_was_said_along() {
    let bed = Bed::new();
    bed.create(beating()).await;
    bed.wait(2 * HOUR);
    assert_eq!((bed.run_well().await.files, beats(&bed).await.len()), (0, 0));
}

#[tokio::test]
async fn a_heartbeat_is_switched_on_and_off_at_once() {
    let bed = Bed::new();
    let mut settings = beating();
    settings.delivery.heartbeat = None;
    bed.create(settings).await;
    let server = bed.good_server();
    goes_by(&bed, &server, 2 * HOUR).await;
    change(&server, &bed, Some(HOUR)).await;
    bed.run_due(&server).await;
    assert_eq!(beats(&bed).await.len(), 1, "it has been silent for longer already");
    change(&server, &bed, Some(5 * MINUTE)).await;
    goes_by(&bed, &server, 5 * MINUTE).await;
    assert_eq!((beats(&bed).await.len(), bed.delivered().len()), (2, 2));
    change(&server, &bed, None).await;
    goes_by(&bed, &server, 3 * HOUR).await;
    assert_eq!((beats(&bed).await.len(), bed.delivered().len()), (2, 2));
}

/// A job whose folder cannot be made: a file stands in its place.
async fn blocked() -> (Bed, ExportJob) {
    let bed = Bed::new();
    std::fs::write(bed.root.path().join("siem"), "in the way").unwrap();
    let job = bed.create(beating()).await;
    (bed, job)
}

#[tokio::test]
async fn a_destination_that_fails_gets_one_heartbeat_once_it_works_and_not_many() {
    let (bed, _) = blocked().await;
    let server = bed.good_server();
    goes_by(&bed, &server, 12 * HOUR).await;
    assert_eq!((bed.job().await.health, beats(&bed).await.len()), (Health::Failing, 1));
    // It is what comes next.
    let target = PreviewTarget::Job("siem".to_owned());
    let next = server.exports.preview(&default_tenant(), target, 10).await.unwrap();
    assert_eq!(sequences(&next.content), beats(&bed).await);
    std::fs::remove_file(bed.root.path().join("siem")).unwrap();
    goes_by(&bed, &server, 62 * MINUTE).await;
    assert_eq!((bed.job().await.health, beats(&bed).await.len()), (Health::Ok, 1));
    assert_eq!(bed.delivered().len(), 1);
    bed.assert_delivered_equals_log().await;
    goes_by(&bed, &server, HOUR).await;
    assert_eq!((beats(&bed).await.len(), bed.delivered().len()), (2, 2));
}

#[tokio::test]
async fn a_heartbeat_that_was_not_published_when_it_was_switched_off_is_published_when_it_is_on_again() {
    let (bed, _) = blocked().await;
    let server = bed.good_server();
    goes_by(&bed, &server, HOUR).await;
    change(&server, &bed, None).await;
    std::fs::remove_file(bed.root.path().join("siem")).unwrap();
    bed.record(bare(EventType::CUSTOM)).await;
    assert_eq!(bed.run(&server).await.unwrap().files, 0);
    assert!(bed.job().await.scanned_sequence > beats(&bed).await[0], "it was looked at and not wanted");
    change(&server, &bed, Some(HOUR)).await;
    goes_by(&bed, &server, 2 * MINUTE).await;
    assert_said_once(&bed, "switched on again").await;
}

/// One heartbeat was recorded, and one file has it.
async fn assert_said_once(bed: &Bed, what: &str) {
    assert_eq!(beats(bed).await.len(), 1, "{what}");
    let delivered = bed.delivered();
    let said: Vec<u64> = delivered.values().flat_map(|bytes| sequences(bytes)).collect();
    assert_eq!(said, beats(bed).await, "{what}");
    bed.assert_delivered_equals_log().await;
}

/// With an event that the job does not want, the clock starts the run; else the heartbeat does.
async fn silent_for_an_hour(unwanted: bool) -> Bed {
    let bed = Bed::new();
    bed.create(beating()).await;
    bed.wait(HOUR);
    if unwanted {
        bed.record(bare(EventType::CUSTOM)).await;
    }
    bed
}

#[tokio::test]
async fn g5_a_heartbeat_is_said_once_whichever_step_of_it_fails() {
    for (harm, unwanted) in [
        (Harm::FailBefore, false),
        (Harm::FailAfter, false),
        (Harm::FailBefore, true),
        (Harm::FailAfter, true),
    ] {
        for at in 0.. {
            let bed = silent_for_an_hour(unwanted).await;
            let plan = Plan::new(at, harm);
            bed.run_due(&bed.server(&plan)).await;
            if !plan.hit.is_cancelled() {
                assert!(at > 12, "only {at} steps");
                break;
            }
            // Longer than the pause after a failure.
            let server = bed.good_server();
            goes_by(&bed, &server, 5 * MINUTE).await;
            assert_said_once(&bed, &format!("step {at}, {harm:?}, {unwanted}")).await;
        }
    }
}

#[tokio::test]
async fn g5_a_heartbeat_is_said_once_wherever_its_server_stops_and_another_takes_over() {
    for (harm, unwanted) in [
        (Harm::PauseBefore, false),
        (Harm::PauseAfter, false),
        (Harm::PauseBefore, true),
        (Harm::PauseAfter, true),
    ] {
        for at in 0.. {
            let bed = silent_for_an_hour(unwanted).await;
            let plan = Plan::new(at, harm);
            let first = bed.server(&plan);
            let run = bed.run_due(&first);
            tokio::pin!(run);
            tokio::select! {
                biased;
                _ = &mut run => {
                    assert!(at > 12, "only {at} steps");
                    break;
                }
                () = plan.hit.cancelled() => {}
            }
            bed.wait(TERM + Duration::from_micros(1));
            let second = bed.good_server();
            bed.run_due(&second).await;
            bed.run_due(&second).await;
            let what = format!("step {at}, {harm:?}, {unwanted}");
            assert_said_once(&bed, &what).await;
            // The first one wakes up and goes on as if nothing had been.
            plan.release.cancel();
            run.await;
            bed.run_due(&second).await;
            assert_said_once(&bed, &what).await;
        }
    }
}

#[tokio::test]
async fn a_jobs_heartbeats_are_no_other_jobs_business() {
    let bed = Bed::new();
    bed.create(beating()).await;
    let server = bed.good_server();
    let all = JobSettings { filter: EventFilter::default(), ..beating() };
    let few = JobSettings { filter: settings().filter, ..all.clone() };
    let mut enough = all.clone();
    enough.delivery.schedule.waiting_events = Some(3);
    let named = EventFilter { types: vec![HEARTBEAT], ..EventFilter::default() };
    let jobs = [
        ("all", all.clone()),
        ("few", few),
        ("enough", enough),
        ("named", JobSettings { filter: named, ..all }),
    ];
    for (name, mut settings) in jobs {
        settings.delivery.heartbeat = None;
        bed.create(other(name, settings)).await;
    }
    let get = async |name: &str| server.exports.get(&default_tenant(), name).await.unwrap();
    goes_by(&bed, &server, 6 * HOUR).await;
    assert_eq!(beats(&bed).await.len(), 6);
    for name in ["all", "few", "enough", "named"] {
        let runs = server.exports.runs(&default_tenant(), name, None, 10).await.unwrap();
        assert_eq!((runs.len(), files_of(&bed, name)), (0, 0), "{name} was run");
    }
    // Nor are they behind with them, once their own time has come.
    goes_by(&bed, &server, MINUTE).await;
    let few = get("few").await;
    assert_eq!(server.exports.lag(&few).await.unwrap().waiting_since, None);
    assert_eq!(few.scanned_sequence, bed.head().await);

    // An event of somebody starts those that want any.
    bed.record_some(1).await;
    goes_by(&bed, &server, MINUTE).await;
    let sent = |name: &str| -> Vec<u64> {
        let entries = std::fs::read_dir(bed.root.path().join(name)).unwrap();
        let files = entries.map(|entry| entry.unwrap()).filter(|entry| entry.path().is_file());
        files.flat_map(|file| sequences(&std::fs::read(file.path()).unwrap())).collect()
    };
    let (last, told) = (bed.head().await, beats(&bed).await);
    assert_eq!(sent("few"), [last]);
    assert_eq!(
        sent("named").into_iter().collect::<std::collections::BTreeSet<_>>(),
        told.iter().copied().collect()
    );
    for name in ["all", "enough"] {
        let sent = sent(name);
        assert!(sent.contains(&last) && told.iter().all(|beat| !sent.contains(beat)), "{name}: {sent:?}");
    }
}

#[tokio::test]
async fn heartbeats_are_none_of_the_events_that_have_to_wait() {
    let bed = Bed::new();
    let job = bed.create(beating()).await;
    let server = bed.good_server();
    let mut enough = scheduled(Schedule { waiting_events: Some(5), ..Schedule::default() });
    enough.delivery.heartbeat = None;
    bed.create(other("enough", enough)).await;
    bed.record(bare(EventType::CUSTOM)).await;
    goes_by(&bed, &server, 8 * HOUR).await;
    let (beats, head) = (beats(&bed).await.len() as u64, bed.head().await);
    assert!(beats >= 7 && head >= 10, "{beats} of {head}");
    let waits = server.exports.get(&default_tenant(), "enough").await.unwrap();
    // Two creations and one event of somebody: three of five.
    assert_eq!((waits.last_run, waits.scanned_sequence, files_of(&bed, "enough")), (None, 0, 0));
    bed.record_some(2).await;
    bed.run_due(&server).await;
    assert_eq!(files_of(&bed, "enough"), 1);
    assert!(server.exports.get(&default_tenant(), &job.id).await.unwrap().health == Health::Ok);
}

#[tokio::test]
async fn a_range_that_is_exported_once_more_has_its_heartbeats() {
    let bed = Bed::new();
    bed.record_some(1).await;
    bed.create(beating()).await;
    let server = bed.good_server();
    goes_by(&bed, &server, 3 * HOUR + MINUTE).await;
    let before = bed.delivered();
    let once = server.exports.export_again(&default_tenant(), "siem", 0, 0, CALLER).await.unwrap();
    bed.run_due(&server).await;
    // What was exported once more can be so again.
    let twice = server.exports.export_again(&default_tenant(), &once.id, 0, 0, CALLER).await.unwrap();
    bed.run_due(&server).await;
    let all = bed.delivered();
    let of = |job: &ExportJob| -> Vec<u64> {
        all.iter()
            .filter(|(name, _)| name.contains(&job.id))
            .flat_map(|(_, bytes)| sequences(bytes))
            .collect()
    };
    let first: Vec<u64> = before.values().flat_map(|bytes| sequences(bytes)).collect();
    assert!(first.len() == 4 && beats(&bed).await.iter().all(|beat| first.contains(beat)), "{first:?}");
    assert_eq!((of(&once), of(&twice)), (first.clone(), first));
    // They tell of nothing themselves.
    goes_by(&bed, &server, HOUR).await;
    assert_eq!(beats(&bed).await.len(), 4);
}

#[tokio::test]
async fn a_heartbeat_can_be_read_in_every_format() {
    let columns = |columns| CsvOptions { columns, header: false, formula_guard: true };
    let syslog = Rfc5424Options {
        hostname: String::new(),
        enterprise_number: 32_473,
        max_line_bytes: 8_192,
        defensive: false,
    };
    let formats = [
        Format::JsonLines,
        Format::Csv(columns(CsvColumns::Xflow)),
        Format::Csv(columns(CsvColumns::Flexicapture)),
        Format::Csv(columns(CsvColumns::All)),
        Format::Cef(CefOptions { version: CefVersion::V0, defensive: false }),
        Format::Leef(LeefOptions { version: LeefVersion::V1, defensive: false }),
        Format::Rfc5424(syslog),
        Format::Ecs(EcsOptions { crud_types: false }),
        Format::Ocsf(OcsfOptions { version: OcsfVersion::V180 }),
    ];
    for format in formats {
        let bed = Bed::new();
        let job = bed.create(JobSettings { format: format.clone(), ..beating() }).await;
        goes_by(&bed, &bed.good_server(), HOUR).await;
        let file = bed.delivered().into_values().next().unwrap();
        let line = String::from_utf8(file).unwrap();
        assert_eq!(line.lines().count(), 1, "{format}: {line}");
        assert!(line.contains("no events for 1 h; last sequence 1"), "{format}: {line}");
        // FlexiCapture's columns have numbers only, and XFlow's no objects.
        let has_kinds = !matches!(&format, Format::Csv(csv) if csv.columns != CsvColumns::All);
        assert!(!has_kinds || (line.contains("ExportJobHeartbeat") && line.contains(&job.id)), "{line}");
    }
}

#[tokio::test]
async fn a_heartbeat_is_counted_from_the_last_file() {
    let bed = Bed::new();
    bed.create(beating()).await;
    let server = bed.good_server();
    goes_by(&bed, &server, HOUR / 2).await;
    bed.record_some(1).await;
    goes_by(&bed, &server, MINUTE).await;
    let published = bed.clock.now();
    assert_eq!(bed.job().await.standing.silent_since, Some(published));
    goes_by(&bed, &server, HOUR - MINUTE).await;
    assert_eq!(beats(&bed).await.len(), 0);
    goes_by(&bed, &server, MINUTE).await;
    assert_eq!(beats(&bed).await.len(), 1);
}
