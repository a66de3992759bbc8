//! Jobs that run by themselves.

use std::time::Duration;

use vidne::{
    domain::{
        catalogue::EventType,
        export::{Destination, ExportJob, Failure, Health, JobSettings, Rhythm, RunState, Schedule, Trigger},
        filter::EventFilter,
        schedule::Cron,
        time::{Clock, Timestamp},
    },
    service::{ServiceError, exports::WaitingBytes},
    store::StoreError,
};

use super::{
    bed::{Bed, CALLER, TERM, default_tenant, sequences, settings},
    faults::{Harm, Plan},
};

const MINUTE: Duration = Duration::from_secs(60);

fn every_minute() -> JobSettings {
    scheduled(Schedule { rhythm: Rhythm::Every(MINUTE), ..Schedule::default() })
}

fn scheduled(schedule: Schedule) -> JobSettings {
    let mut settings = settings();
    settings.delivery.schedule = schedule;
    settings
}

async fn types(bed: &Bed) -> Vec<&'static str> {
    bed.log().await.iter().map(|recorded| recorded.event.event_type.info().name).collect()
}

#[tokio::test]
async fn a_job_runs_when_its_time_has_come_and_not_before() {
    let bed = Bed::new();
    bed.record_some(3).await;
    bed.create(every_minute()).await;
    let server = bed.good_server();
    assert_eq!(bed.run_due(&server).await, 0);
    bed.wait(MINUTE);
    assert_eq!(bed.run_due(&server).await, 1);
    bed.assert_delivered_equals_log().await;
    assert_eq!(bed.delivered().len(), 1);
    bed.record_some(1).await;
    assert_eq!(bed.run_due(&server).await, 0, "not twice in the same minute");
    bed.wait(MINUTE);
    assert_eq!(bed.run_due(&server).await, 1);
    bed.assert_delivered_equals_log().await;
    let runs = server.exports.runs(&default_tenant(), "siem", None, 10).await.unwrap();
    let seen: Vec<_> = runs.iter().map(|run| (run.trigger, run.state, run.files, run.events)).collect();
    assert_eq!(seen, [(Trigger::Schedule, RunState::Ok, 1, 1), (Trigger::Schedule, RunState::Ok, 1, 3)]);
}

#[tokio::test]
async fn a_job_with_nothing_to_do_waits_for_its_next_time() {
    let bed = Bed::new();
    bed.create(every_minute()).await;
    let server = bed.good_server();
    bed.record_some(1).await;
    bed.wait(MINUTE);
    bed.run_due(&server).await;
    bed.wait(MINUTE);
    assert_eq!(bed.run_due(&server).await, 0);
    let next = bed.job().await.standing.next_run;
    assert_eq!(next, Some(bed.clock.now().plus_micros(60_000_000)));
    assert_eq!(server.exports.runs(&default_tenant(), "siem", None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_cron_job_runs_at_its_times() {
    let bed = Bed::new();
    // 09:30 in the clock's UTC.
    let cron = Cron::new("0 11 * * *", "Europe/Copenhagen").unwrap();
    let job = bed.create(scheduled(Schedule { rhythm: Rhythm::Cron(cron), ..Schedule::default() })).await;
    let ten = Timestamp::parse("2026-11-22T10:00:00Z").unwrap();
    assert_eq!(job.standing.next_run, Some(ten));
    bed.record_some(2).await;
    let server = bed.good_server();
    bed.clock.set(ten.plus_micros(-1));
    assert_eq!(bed.run_due(&server).await, 0);
    bed.clock.set(ten);
    assert_eq!(bed.run_due(&server).await, 1);
    assert_eq!(bed.job().await.standing.next_run, Some(ten.plus_micros(24 * 3_600 * 1_000_000)));
}

#[tokio::test]
async fn vidnes_own_events_alone_never_start_a_run() {
    let bed = Bed::new();
    let mut settings = every_minute();
    settings.filter = EventFilter::default();
    settings.delivery.schedule.waiting_events = Some(1);
    settings.delivery.schedule.waiting_bytes = Some(1);
    bed.create(settings).await;
    let server = bed.good_server();
    server.exports.pause(&default_tenant(), "siem", true, CALLER).await.unwrap();
    server.exports.pause(&default_tenant(), "siem", false, CALLER).await.unwrap();
    assert_eq!(bed.head().await, 3);
    bed.wait(10 * MINUTE);
    assert_eq!(bed.run_due(&server).await, 0);
    bed.record_some(1).await;
    assert_eq!(bed.run_due(&server).await, 1);
    // Once a run has its reason, it takes them along.
    let first = bed.delivered().into_values().next().unwrap();
    assert_eq!(sequences(&first), [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_job_runs_as_soon_as_enough_events_or_bytes_wait() {
    let many = Schedule { waiting_events: Some(4), ..Schedule::default() };
    let bed = Bed::new();
    // Its own creation is one that waits.
    bed.create(scheduled(many)).await;
    let server = bed.good_server();
    bed.record_some(2).await;
    assert_eq!(bed.run_due(&server).await, 0);
    bed.record_some(1).await;
    assert_eq!(bed.run_due(&server).await, 1);
    bed.assert_delivered_equals_log().await;
    let runs = server.exports.runs(&default_tenant(), "siem", None, 10).await.unwrap();
    assert_eq!(runs[0].trigger, Trigger::Waiting);

    let bed = Bed::new();
    bed.record_some(1).await;
    let size = bed.store.stored_bytes(&default_tenant(), 1, 1).await.unwrap();
    assert!(size > 500, "{size}");
    let large = Schedule { waiting_bytes: Some(size * 5), ..Schedule::default() };
    bed.create(scheduled(large)).await;
    let server = bed.good_server();
    bed.record_some(2).await;
    assert_eq!(bed.run_due(&server).await, 0);
    bed.record_some(3).await;
    assert_eq!(bed.run_due(&server).await, 1);
    bed.assert_delivered_equals_log().await;
}

#[tokio::test]
async fn a_paused_job_runs_only_when_it_is_told_to() {
    let bed = Bed::new();
    bed.record_some(3).await;
    bed.create(every_minute()).await;
    let server = bed.good_server();
    let paused = server.exports.pause(&default_tenant(), "siem", true, CALLER).await.unwrap();
    assert!(paused.standing.paused);
    server.exports.pause(&default_tenant(), "siem", true, CALLER).await.unwrap();
    bed.wait(10 * MINUTE);
    assert_eq!(bed.run_due(&server).await, 0);
    assert_eq!(bed.run(&server).await.unwrap().events, 3, "by hand it runs");
    bed.record_some(1).await;
    bed.wait(10 * MINUTE);
    let resumed = server.exports.pause(&default_tenant(), "siem", false, CALLER).await.unwrap();
    assert!(!resumed.standing.paused);
    assert_eq!(bed.run_due(&server).await, 0, "what it missed is not made up for");
    bed.wait(MINUTE);
    assert_eq!(bed.run_due(&server).await, 1);
    bed.assert_delivered_equals_log().await;
    let told = types(&bed).await;
    for name in ["SERVICE_EXPORT_JOB_PAUSED", "SERVICE_EXPORT_JOB_RESUMED"] {
        assert_eq!(told.iter().filter(|told| **told == name).count(), 1, "{name} is told of once");
    }
}

#[tokio::test]
async fn a_run_under_way_ends_with_the_file_it_is_at_when_its_job_is_paused() {
    let bed = Bed::new();
    bed.record_some(12).await;
    bed.create(every_minute()).await;
    let plan = Plan::new(12, Harm::PauseBefore);
    let server = bed.server(&plan);
    let listener = server.exports.run(&default_tenant(), "siem", Trigger::Request).await.unwrap();
    plan.hit.cancelled().await;
    bed.good_server().exports.pause(&default_tenant(), "siem", true, CALLER).await.unwrap();
    plan.release.cancel();
    assert_eq!(super::bed::last_step(listener).await.unwrap().files, 1);
    bed.assert_delivered_equals_log().await;
}

/// A job whose folder cannot be made: a file stands in its place.
async fn blocked() -> (Bed, ExportJob) {
    let bed = Bed::new();
    std::fs::write(bed.root.path().join("siem"), "in the way").unwrap();
    bed.record_some(2).await;
    let job = bed.create(every_minute()).await;
    (bed, job)
}

#[tokio::test]
async fn a_job_that_needs_a_person_waits_long_unless_it_is_changed_or_resumed() {
    let (bed, _) = blocked().await;
    let server = bed.good_server();
    bed.wait(MINUTE);
    assert_eq!(bed.run_due(&server).await, 1);
    let job = bed.job().await;
    assert_eq!((job.health, job.standing.failure), (Health::Failing, Some(Failure::Destination)));
    assert_eq!((job.standing.failures, job.standing.failing_since), (1, Some(bed.clock.now())));
    bed.wait(20 * MINUTE);
    assert_eq!(bed.run_due(&server).await, 0);
    bed.wait(41 * MINUTE);
    assert_eq!(bed.run_due(&server).await, 1, "it is tried again all the same");
    assert_eq!(bed.job().await.standing.failures, 2);

    std::fs::remove_file(bed.root.path().join("siem")).unwrap();
    assert_eq!(bed.run_due(&server).await, 0);
    server.exports.pause(&default_tenant(), "siem", false, CALLER).await.unwrap();
    assert_eq!(bed.run_due(&server).await, 1, "resumed");
    let job = bed.job().await;
    assert_eq!((job.health, job.standing.failures, job.standing.failing_since), (Health::Ok, 0, None));
    assert_eq!(job.standing.last_success, Some(bed.clock.now()));
    bed.assert_delivered_equals_log().await;
}

#[tokio::test]
async fn a_change_makes_a_job_that_fails_try_at_once() {
    let (bed, job) = blocked().await;
    let server = bed.good_server();
    bed.wait(MINUTE);
    bed.run_due(&server).await;
    let elsewhere = |old: &JobSettings, secrets| {
        let destination = Destination::Fs { directory: "elsewhere".to_owned(), file_mode: None };
        Ok((JobSettings { destination, ..old.clone() }, secrets))
    };
    server.exports.update(&default_tenant(), "siem", job.revision, elsewhere, CALLER).await.unwrap();
    assert_eq!(bed.run_due(&server).await, 1);
    assert_eq!(bed.job().await.health, Health::Ok);
}

#[tokio::test]
async fn a_failure_that_may_pass_is_tried_again_after_longer_and_longer_pauses() {
    let bed = Bed::new();
    bed.record_some(2).await;
    bed.create(every_minute()).await;
    bed.wait(MINUTE);
    let mut pauses = Vec::new();
    for _ in 0..6 {
        // The first questions are whether there is anything to do; this one is of the run itself.
        assert_eq!(bed.run_due(&bed.server(&Plan::new(7, Harm::FailBefore))).await, 1);
        let next = bed.job().await.standing.next_run.unwrap();
        pauses.push((next.micros() - bed.clock.now().micros()) / 1_000_000);
        bed.clock.set(next);
    }
    for (pause, full) in pauses.iter().zip([8, 16, 32, 60, 60, 60]) {
        assert!((full / 2..=full).contains(pause), "{pauses:?}");
    }
    let server = bed.good_server();
    assert_eq!(bed.run_due(&server).await, 1);
    bed.assert_delivered_equals_log().await;
    let runs = server.exports.runs(&default_tenant(), "siem", None, 10).await.unwrap();
    let failed: Vec<bool> = runs.iter().map(|run| run.state == RunState::Failed).collect();
    assert_eq!(failed, [false, true, true, true, true, true, true], "newest first");
    let told = types(&bed).await;
    assert_eq!(told.iter().filter(|name| **name == "SERVICE_EXPORT_JOB_FAILED").count(), 1);
    assert_eq!(told.iter().filter(|name| **name == "SERVICE_EXPORT_JOB_RECOVERED").count(), 1);
}

#[tokio::test]
async fn a_job_that_fails_does_not_keep_others_waiting() {
    let (bed, _) = blocked().await;
    let other = JobSettings {
        name: "other".to_owned(),
        destination: Destination::Fs { directory: "other".to_owned(), file_mode: None },
        ..every_minute()
    };
    bed.create(other).await;
    let server = bed.good_server();
    bed.wait(MINUTE);
    assert_eq!(bed.run_due(&server).await, 2);
    let other = server.exports.get(&default_tenant(), "other").await.unwrap();
    assert_eq!((other.health, other.published_sequence > 0), (Health::Ok, true));
}

#[tokio::test]
async fn g5_a_run_whose_server_vanished_is_taken_over_once_its_lease_is_over() {
    let bed = Bed::new();
    bed.record_some(6).await;
    let job = bed.create(scheduled(Schedule { waiting_events: Some(1_000), ..Schedule::default() })).await;
    bed.store.lease_job(&job.id, "vanished", TERM).await.unwrap();
    let server = bed.good_server();
    assert_eq!(bed.run_due(&server).await, 0);
    bed.wait(TERM);
    assert_eq!(bed.run_due(&server).await, 1);
    bed.assert_delivered_equals_log().await;
    assert_eq!(bed.delivered().len(), 2);
}

#[tokio::test]
async fn g5_of_two_servers_only_one_runs_a_job_that_is_due() {
    let bed = Bed::new();
    bed.record_some(9).await;
    bed.create(every_minute()).await;
    bed.wait(MINUTE);
    let (one, other) = (bed.good_server(), bed.good_server());
    let (first, second) = tokio::join!(bed.run_due(&one), bed.run_due(&other));
    assert!(first + second >= 1);
    bed.assert_delivered_equals_log().await;
    assert_eq!(bed.delivered().len(), 3);
}

#[tokio::test]
async fn a_deleted_or_busy_job_is_not_started() {
    let bed = Bed::new();
    bed.record_some(1).await;
    let job = bed.create(every_minute()).await;
    bed.wait(MINUTE);
    let server = bed.good_server();
    let lease = bed.store.lease_job(&job.id, "somebody", TERM).await.unwrap();
    assert_eq!(bed.run_due(&server).await, 0);
    drop(lease);
    server.exports.delete(&default_tenant(), "siem", CALLER).await.unwrap();
    bed.wait(TERM);
    assert_eq!(bed.run_due(&server).await, 0);
    assert!(matches!(
        server.exports.run(&default_tenant(), "siem", Trigger::Request).await.map(drop).unwrap_err(),
        ServiceError::Store(StoreError::JobNotFound)
    ));
    assert!(types(&bed).await.contains(&EventType::SERVICE_EXPORT_JOB_DELETED.info().name));
}

#[tokio::test]
async fn no_more_runs_are_started_than_there_is_room_for() {
    let bed = Bed::new();
    bed.record_some(2).await;
    for name in ["siem", "other"] {
        bed.create(JobSettings { name: name.to_owned(), ..every_minute() }).await;
    }
    bed.wait(MINUTE);
    let server = bed.good_server();
    assert_eq!(bed.run_some_due(&server, 1, &mut WaitingBytes::default()).await, 1);
    assert_eq!(bed.run_due(&server).await, 1, "the other one waits for the next look");
}

#[tokio::test]
async fn a_job_that_cannot_be_started_does_not_keep_others_waiting() {
    // The first question about it fails; or, when it is read for its run, another server was faster.
    for (step, harm) in [(0, Harm::FailBefore), (4, Harm::PauseBefore)] {
        let bed = Bed::new();
        bed.record_some(2).await;
        let sooner = Schedule { rhythm: Rhythm::Every(MINUTE / 2), ..Schedule::default() };
        let first = bed.create(JobSettings { name: "first".to_owned(), ..scheduled(sooner) }).await;
        bed.create(JobSettings { name: "second".to_owned(), ..every_minute() }).await;
        bed.wait(MINUTE);
        let plan = Plan::new(step, harm);
        let server = bed.server(&plan);
        let meanwhile = async {
            plan.hit.cancelled().await;
            if harm == Harm::PauseBefore {
                bed.store.lease_job(&first.id, "another server", TERM).await.unwrap();
            }
            plan.release.cancel();
        };
        let (started, ()) = tokio::join!(bed.run_due(&server), meanwhile);
        assert_eq!(started, 1, "{harm:?}");
        let second = server.exports.get(&default_tenant(), "second").await.unwrap();
        assert_eq!(second.health, Health::Ok, "{harm:?}");
    }
}

#[tokio::test]
async fn bytes_that_wait_are_added_up_from_look_to_look_and_anew_after_a_run() {
    let bed = Bed::new();
    bed.record_some(1).await;
    let size = bed.store.stored_bytes(&default_tenant(), 1, 1).await.unwrap();
    bed.create(scheduled(Schedule { waiting_bytes: Some(size * 5), ..Schedule::default() })).await;
    let (server, mut waiting) = (bed.good_server(), WaitingBytes::default());
    bed.record_some(2).await;
    assert_eq!(bed.run_some_due(&server, 10, &mut waiting).await, 0);
    bed.record_some(2).await;
    assert_eq!(bed.run_some_due(&server, 10, &mut waiting).await, 1);
    bed.record_some(2).await;
    assert_eq!(bed.run_some_due(&server, 10, &mut waiting).await, 0, "what is exported waits no longer");
    bed.record_some(3).await;
    assert_eq!(bed.run_some_due(&server, 10, &mut waiting).await, 1);
}

#[tokio::test]
async fn vidnes_own_events_alone_are_never_enough_that_waits() {
    for schedule in [
        Schedule { waiting_events: Some(1), ..Schedule::default() },
        Schedule { waiting_bytes: Some(1), ..Schedule::default() },
    ] {
        let bed = Bed::new();
        bed.create(JobSettings { filter: EventFilter::default(), ..scheduled(schedule.clone()) }).await;
        let server = bed.good_server();
        assert_eq!(bed.run_due(&server).await, 0, "{schedule}");
        bed.record_some(1).await;
        assert_eq!(bed.run_due(&server).await, 1, "{schedule}");
    }
}

#[tokio::test]
async fn a_run_that_was_stopped_goes_on_at_once() {
    let bed = Bed::new();
    bed.record_some(6).await;
    bed.create(every_minute()).await;
    let plan = Plan::new(12, Harm::PauseBefore);
    let server = bed.server(&plan);
    let stop = async {
        plan.hit.cancelled().await;
        server.shutdown.cancel();
    };
    let (stopped, ()) = tokio::join!(bed.run(&server), stop);
    assert!(matches!(stopped, Err(ServiceError::ShuttingDown)), "{stopped:?}");
    assert_eq!(bed.run_due(&bed.good_server()).await, 1, "another server goes on");
    bed.assert_delivered_equals_log().await;
}

#[tokio::test]
async fn an_export_of_a_past_range_that_failed_is_tried_again() {
    let bed = Bed::new();
    bed.record_some(2).await;
    bed.create(settings()).await;
    bed.run_well().await;
    let server = bed.good_server();
    server.exports.export_again(&default_tenant(), "siem", 0, 0, CALLER).await.unwrap();
    let (folder, aside) = (bed.root.path().join("siem"), bed.root.path().join("aside"));
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    assert_eq!(bed.run_due(&server).await, 1);
    let health = async || server.exports.get(&default_tenant(), "siem_r1").await.unwrap().health;
    assert_eq!(health().await, Health::Failing);
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    bed.wait(60 * MINUTE);
    assert_eq!(bed.run_due(&server).await, 1);
    assert_eq!((health().await, bed.delivered().len()), (Health::Ok, 2));
}

#[tokio::test]
async fn a_job_that_ran_late_does_not_make_up_for_the_times_it_missed() {
    let bed = Bed::new();
    bed.record_some(1).await;
    bed.create(every_minute()).await;
    let server = bed.good_server();
    bed.wait(10 * MINUTE);
    assert_eq!(bed.run_due(&server).await, 1);
    assert_eq!(bed.job().await.standing.next_run, Some(bed.clock.now().plus_micros(60_000_000)));
}

#[tokio::test]
async fn a_new_schedule_counts_from_when_it_is_set_and_any_other_change_keeps_the_next_time() {
    let bed = Bed::new();
    let job = bed.create(every_minute()).await;
    let exports = bed.good_server().exports;
    bed.wait(MINUTE / 2);
    let smaller = |old: &JobSettings, secrets| Ok((JobSettings { max_events: 3, ..old.clone() }, secrets));
    let same = exports.update(&default_tenant(), "siem", 1, smaller, CALLER).await.unwrap();
    assert_eq!(same.standing.next_run, job.standing.next_run);
    let hourly = Schedule { rhythm: Rhythm::Every(60 * MINUTE), ..Schedule::default() };
    let change = |old: &JobSettings, secrets| {
        let mut new = old.clone();
        new.delivery.schedule = hourly.clone();
        Ok((new, secrets))
    };
    let changed = exports.update(&default_tenant(), "siem", 2, change, CALLER).await.unwrap();
    assert_eq!(changed.standing.next_run, Some(bed.clock.now().plus_micros(3_600_000_000)));
}

#[tokio::test]
async fn a_run_that_started_by_itself_and_found_nothing_is_not_kept() {
    let bed = Bed::new();
    bed.create(every_minute()).await;
    // Not what the job wants, but reason enough to look.
    bed.record(crate::support::events::bare(EventType::CUSTOM)).await;
    bed.wait(MINUTE);
    let server = bed.good_server();
    assert_eq!(bed.run_due(&server).await, 1);
    assert_eq!(server.exports.runs(&default_tenant(), "siem", None, 10).await.unwrap(), []);
    bed.run(&server).await.unwrap();
    assert_eq!(server.exports.runs(&default_tenant(), "siem", None, 10).await.unwrap().len(), 1, "asked for");
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_takes_the_lease_does_not_leave_it_behind() {
    for stops in [false, true] {
        let bed = Bed::new();
        bed.record_some(3).await;
        bed.create(settings()).await;
        let leasing = Plan::new(0, Harm::PauseAfter);
        let server = bed.leasing_server(&leasing);
        let exports = server.exports.clone();
        let call =
            tokio::spawn(
                async move { exports.run(&default_tenant(), "siem", Trigger::Request).await.map(drop) },
            );
        // It has the lease, and does not know it yet.
        leasing.hit.cancelled().await;
        call.abort();
        assert!(call.await.is_err());
        if stops {
            server.shutdown.cancel();
        }
        leasing.release.cancel();
        server.tasks.close();
        tokio::time::timeout(MINUTE, server.tasks.wait()).await.expect("it does not end");
        assert_eq!(
            bed.delivered().len(),
            usize::from(!stops),
            "it goes on by itself unless the server stops"
        );
        let next = bed.good_server();
        let mut steps = next.exports.run(&default_tenant(), "siem", Trigger::Request).await.expect("busy");
        while steps.recv().await.is_some() {}
        bed.assert_delivered_equals_log().await;
    }
}
