//! When export jobs run by themselves, and what is kept of their runs, on every store.

use vidne::{
    domain::export::{
        ExportRun, Failure, Health, ManifestState, ReExport, RunState, Schedule, Standing, Trigger,
    },
    store::{
        Store, StoreError,
        contract::{Due, DueJob, FileCut, JobUpdate, KEPT_RUNS, NewJob, RunOutcome},
    },
};

use super::{
    bed::Bed,
    export::{TERM, add_job, cut, get, new_job, outcome, random_witness},
    on_every_store,
    sample::{add_tenant, at, event_in, tenant},
};

on_every_store! {
    a_job_is_due_from_its_time_on,
    a_job_is_due_when_enough_events_wait,
    jobs_that_may_not_be_due_keep_nobody_out,
    a_job_that_is_paused_busy_or_deleted_is_not_due,
    a_job_whose_lease_ran_out_is_due,
    a_job_is_postponed_only_by_who_knows_its_time,
    what_a_run_leaves_behind_is_kept,
    runs_of_long_ago_are_forgotten,
    a_manifest_is_due_until_it_is_written,
    a_change_may_look_again_and_sets_the_next_time,
    a_change_of_what_has_to_wait_applies_at_once,
    a_new_job_begins_where_it_is_told_to,
    jobs_of_all_tenants_are_seen_at_a_glance,
    stored_bytes_are_added_up,
}

fn job(id: &str, next: Option<i64>, schedule: Schedule) -> NewJob {
    let mut job = new_job("default", id, id, 10);
    job.settings.delivery.schedule = schedule;
    job.standing = Standing { next_run: next.map(at), ..Standing::default() };
    job
}

async fn due(store: &dyn Store, now: i64) -> Vec<(String, Due)> {
    let due = store.due_jobs(at(now), 10).await.unwrap();
    due.into_iter().map(|DueJob { id, due, .. }| (id, due)).collect()
}

async fn a_job_is_due_from_its_time_on(bed: &Bed) {
    let store = bed.store();
    for (id, next) in [("aaaaaaaaaa", Some(200)), ("bbbbbbbbbb", Some(100)), ("cccccccccc", None)] {
        store.create_job(job(id, next, Schedule::default()), random_witness()).await.unwrap();
    }
    assert_eq!(due(&*store, 99).await, []);
    assert_eq!(due(&*store, 100).await, [("bbbbbbbbbb".to_owned(), Due::Time(at(100)))]);
    assert_eq!(due(&*store, 500).await.len(), 2);
    assert_eq!(store.due_jobs(at(500), 1).await.unwrap().len(), 1);
    assert_eq!(store.due_jobs(at(500), 1).await.unwrap()[0].tenant, tenant("default"));
}

async fn a_job_is_due_when_enough_events_wait(bed: &Bed) {
    let store = bed.store();
    let events = Schedule { waiting_events: Some(4), ..Schedule::default() };
    let bytes = Schedule { waiting_bytes: Some(77), ..Schedule::default() };
    store.create_job(job("aaaaaaaaaa", None, events), random_witness()).await.unwrap();
    assert_eq!(due(&*store, 1).await, []);
    store.append(&[event_in("default", 1), event_in("default", 2)], at(20)).await.unwrap();
    assert_eq!(due(&*store, 1).await, [], "three wait");
    store.append(&[event_in("default", 3)], at(20)).await.unwrap();
    assert_eq!(due(&*store, 1).await, [("aaaaaaaaaa".to_owned(), Due::Events)]);
    let lease = store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
    store.advance_scanned(&lease, 2).await.unwrap();
    store.finish_run(&lease, outcome(RunState::Ok, ""), Vec::new()).await.unwrap();
    assert_eq!(due(&*store, 1).await, []);

    store.create_job(job("bbbbbbbbbb", None, bytes), random_witness()).await.unwrap();
    let waiting = Due::Bytes { after: 0, through: 5, bytes: 77 };
    assert_eq!(due(&*store, 1).await, [("bbbbbbbbbb".to_owned(), waiting)]);
    // One that fails is tried by the clock only.
    let lease = store.lease_job("bbbbbbbbbb", "me", TERM).await.unwrap();
    store.finish_run(&lease, outcome(RunState::Failed, "no"), Vec::new()).await.unwrap();
    assert_eq!(due(&*store, 1).await, []);
}

async fn jobs_that_may_not_be_due_keep_nobody_out(bed: &Bed) {
    let store = bed.store();
    let bytes = Schedule { waiting_bytes: Some(1_000_000), ..Schedule::default() };
    for id in ["aaaaaaaaaa", "bbbbbbbbbb"] {
        store.create_job(job(id, None, bytes.clone()), random_witness()).await.unwrap();
    }
    store.create_job(job("cccccccccc", Some(7), Schedule::default()), random_witness()).await.unwrap();
    store.create_job(job("dddddddddd", Some(6), Schedule::default()), random_witness()).await.unwrap();
    let first = store.due_jobs(at(9), 2).await.unwrap();
    assert_eq!(first.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["dddddddddd", "cccccccccc"]);
    assert_eq!(store.due_jobs(at(9), 10).await.unwrap().len(), 4);
}

async fn a_job_that_is_paused_busy_or_deleted_is_not_due(bed: &Bed) {
    let store = bed.store();
    let log = tenant("default");
    store.create_job(job("aaaaaaaaaa", Some(1), Schedule::default()), random_witness()).await.unwrap();
    let paused = store.pause_job(&log, "aaaaaaaaaa", true, Some(at(1)), random_witness()).await.unwrap();
    assert!(paused.standing.paused);
    assert_eq!(get(&*store, "aaaaaaaaaa").await, paused);
    assert_eq!(due(&*store, 9).await, []);
    let resumed = store.pause_job(&log, "aaaaaaaaaa", false, Some(at(5)), random_witness()).await.unwrap();
    assert_eq!((resumed.standing.paused, resumed.standing.next_run), (false, Some(at(5))));
    assert_eq!(due(&*store, 9).await.len(), 1);
    let lease = store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
    assert_eq!(due(&*store, 9).await, []);
    store
        .finish_run(&lease, RunOutcome { next_run: Some(at(6)), ..outcome(RunState::Ok, "") }, Vec::new())
        .await
        .unwrap();
    assert_eq!(due(&*store, 9).await.len(), 1);
    store.delete_job(&log, "aaaaaaaaaa", random_witness()).await.unwrap();
    assert_eq!(due(&*store, 9).await, []);
    let gone = store.pause_job(&log, "aaaaaaaaaa", true, None, random_witness()).await;
    assert!(matches!(gone, Err(StoreError::JobNotFound)), "{gone:?}");
}

async fn a_job_whose_lease_ran_out_is_due(bed: &Bed) {
    let store = bed.store();
    store.create_job(job("aaaaaaaaaa", None, Schedule::default()), random_witness()).await.unwrap();
    store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
    assert_eq!(due(&*store, 9).await, []);
    bed.expire_leases().await;
    assert_eq!(due(&*store, 9).await, [("aaaaaaaaaa".to_owned(), Due::Abandoned)]);
}

async fn a_job_is_postponed_only_by_who_knows_its_time(bed: &Bed) {
    let store = bed.store();
    let log = tenant("default");
    store.create_job(job("aaaaaaaaaa", Some(5), Schedule::default()), random_witness()).await.unwrap();
    store.postpone_job(&log, "aaaaaaaaaa", at(4), Some(at(50))).await.unwrap();
    assert_eq!(get(&*store, "aaaaaaaaaa").await.standing.next_run, Some(at(5)));
    store.postpone_job(&log, "aaaaaaaaaa", at(5), Some(at(50))).await.unwrap();
    assert_eq!(get(&*store, "aaaaaaaaaa").await.standing.next_run, Some(at(50)));
}

async fn what_a_run_leaves_behind_is_kept(bed: &Bed) {
    let store = bed.store();
    add_job(&*store, "aaaaaaaaaa", "siem").await;
    let mut numbers = Vec::new();
    for (state, ended) in
        [(RunState::Failed, 30), (RunState::Failed, 40), (RunState::Stopped, 50), (RunState::Ok, 60)]
    {
        let lease = store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
        let run = ExportRun {
            number: lease.fence,
            trigger: Trigger::Waiting,
            state,
            started: at(ended - 1),
            ended: at(ended),
            files: 3,
            events: 4,
            bytes: 5,
            failure: Some(Failure::HostKey),
            error: "no".to_owned(),
        };
        numbers.push(run.number);
        let ended = RunOutcome {
            failure: Some(Failure::HostKey),
            ended: at(ended),
            next_run: Some(at(ended + 7)),
            kept: Some(run.clone()),
            ..outcome(state, "no")
        };
        store.finish_run(&lease, ended, Vec::new()).await.unwrap();
        assert_eq!(store.runs("aaaaaaaaaa", None, 1).await.unwrap(), [run]);
        let job = get(&*store, "siem").await;
        let Standing { failing_since, failures, failure, last_success, next_run, .. } = job.standing;
        let failing = (Health::Failing, "no", Some(at(30)), Some(Failure::HostKey), None);
        let (expected, count) = match state {
            RunState::Failed => (failing, numbers.len() as u32),
            RunState::Stopped => (failing, 2),
            RunState::Ok => ((Health::Ok, "", None, None, Some(at(60))), 0),
        };
        assert_eq!((job.health, job.last_error.as_str(), failing_since, failure, last_success), expected);
        assert_eq!((failures, next_run), (count, job.last_run.map(|ended| ended.plus_micros(7))));
    }
    let listed = async |before, limit| {
        let runs = store.runs("aaaaaaaaaa", before, limit).await.unwrap();
        runs.into_iter().map(|run| run.number).collect::<Vec<_>>()
    };
    numbers.reverse();
    assert_eq!(listed(None, 10).await, numbers);
    assert_eq!(listed(Some(numbers[1]), 1).await, [numbers[2]]);
}

async fn runs_of_long_ago_are_forgotten(bed: &Bed) {
    let store = bed.store();
    add_job(&*store, "aaaaaaaaaa", "siem").await;
    for (number, expected) in [
        (1, vec![1]),
        (2, vec![2, 1]),
        (KEPT_RUNS, vec![KEPT_RUNS, 2, 1]),
        (KEPT_RUNS + 1, vec![KEPT_RUNS + 1, KEPT_RUNS, 2]),
    ] {
        let lease = store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
        let run = ExportRun {
            number,
            trigger: Trigger::Request,
            state: RunState::Ok,
            started: at(20),
            ended: at(30),
            files: 0,
            events: 0,
            bytes: 0,
            failure: None,
            error: String::new(),
        };
        let ended = RunOutcome { kept: Some(run), ..outcome(RunState::Ok, "") };
        store.finish_run(&lease, ended, Vec::new()).await.unwrap();
        let runs = store.runs("aaaaaaaaaa", None, 10).await.unwrap();
        assert_eq!(runs.iter().map(|run| run.number).collect::<Vec<_>>(), expected);
    }
}

async fn a_manifest_is_due_until_it_is_written(bed: &Bed) {
    let store = bed.store();
    add_job(&*store, "aaaaaaaaaa", "siem").await;
    let lease = store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
    let made = store.cut_file(&lease, FileCut { with_manifest: true, ..cut(1, 2) }).await.unwrap();
    assert_eq!((made.manifest, made.directory.as_str()), (ManifestState::Due, "2026/11"));
    assert_eq!((made.first_recorded, made.last_recorded), (Some(at(18)), Some(at(19))));
    store.mark_uploaded(&lease, 1, 1, [1; 32]).await.unwrap();
    assert!(store.mark_manifest(&lease, 1).await.is_err(), "not before its file");
    let published = store.mark_published(&lease, 1, at(20)).await.unwrap();
    assert_eq!(store.pending_file("aaaaaaaaaa").await.unwrap(), Some(published));
    assert!(store.cut_file(&lease, cut(3, 4)).await.is_err());
    let written = store.mark_manifest(&lease, 1).await.unwrap();
    assert_eq!(written.manifest, ManifestState::Published);
    assert!(store.mark_manifest(&lease, 1).await.is_err());
    assert_eq!(store.pending_file("aaaaaaaaaa").await.unwrap(), None);
    store.cut_file(&lease, cut(3, 4)).await.unwrap();
}

async fn a_change_may_look_again_and_sets_the_next_time(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let lease = store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
    store.advance_scanned(&lease, 9).await.unwrap();
    let update = |revision, rescan| JobUpdate {
        tenant: tenant("default"),
        id: job.id.clone(),
        expected_revision: revision,
        settings: job.settings.clone(),
        sealed_secrets: None,
        updated: at(40),
        rescan,
        next_run: Some(at(70)),
        declared: true,
    };
    let same = store.update_job(update(1, false), random_witness()).await.unwrap();
    assert_eq!((same.scanned_sequence, same.standing.next_run), (9, Some(at(70))));
    assert!(same.standing.declared);
    assert_eq!(store.update_job(update(2, true), random_witness()).await.unwrap().scanned_sequence, 0);
}

async fn a_change_of_what_has_to_wait_applies_at_once(bed: &Bed) {
    let store = bed.store();
    let events = |events| Schedule { waiting_events: Some(events), ..Schedule::default() };
    let bytes = Schedule { waiting_bytes: Some(7), ..Schedule::default() };
    let made = store.create_job(job("aaaaaaaaaa", None, events(9)), random_witness()).await.unwrap();
    for (revision, schedule, expected) in [
        (1, events(2), vec![Due::Events]),
        (2, events(9), vec![]),
        // The job's creation and three changes are what waits.
        (3, bytes, vec![Due::Bytes { after: 0, through: 4, bytes: 7 }]),
        (4, events(9), vec![]),
    ] {
        let mut settings = made.settings.clone();
        settings.delivery.schedule = schedule;
        let update = JobUpdate {
            tenant: tenant("default"),
            id: made.id.clone(),
            expected_revision: revision,
            settings,
            sealed_secrets: None,
            updated: at(40),
            rescan: false,
            next_run: None,
            declared: false,
        };
        store.update_job(update, random_witness()).await.unwrap();
        let due: Vec<Due> = due(&*store, 1).await.into_iter().map(|(_, due)| due).collect();
        assert_eq!(due, expected, "revision {revision}");
    }
}

async fn a_new_job_begins_where_it_is_told_to(bed: &Bed) {
    let store = bed.store();
    let reexport = ReExport { of: "bbbbbbbbbb".to_owned(), end: 70 };
    let standing = Standing {
        paused: true,
        declared: true,
        reexport: Some(reexport),
        next_run: Some(at(3)),
        ..Standing::default()
    };
    let new = NewJob {
        start_after: 41,
        standing: standing.clone(),
        ..new_job("default", "aaaaaaaaaa", "siem", 10)
    };
    let made = store.create_job(new, random_witness()).await.unwrap();
    assert_eq!((made.scanned_sequence, made.published_sequence, &made.standing), (41, 41, &standing));
    assert_eq!(get(&*store, "siem").await, made);
    let lease = store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
    assert!(store.cut_file(&lease, cut(1, 50)).await.is_err());
    store.cut_file(&lease, cut(42, 50)).await.unwrap();
}

async fn jobs_of_all_tenants_are_seen_at_a_glance(bed: &Bed) {
    let store = bed.store();
    add_tenant(&*store, "a").await;
    store.create_job(new_job("a", "aaaaaaaaaa", "one", 10), random_witness()).await.unwrap();
    store.create_job(new_job("default", "bbbbbbbbbb", "two", 10), random_witness()).await.unwrap();
    store.create_job(new_job("default", "cccccccccc", "gone", 10), random_witness()).await.unwrap();
    store.delete_job(&tenant("default"), "cccccccccc", random_witness()).await.unwrap();
    let lease = store.lease_job("bbbbbbbbbb", "me", TERM).await.unwrap();
    store.finish_run(&lease, outcome(RunState::Failed, "no"), Vec::new()).await.unwrap();
    let seen = store.glance(10).await.unwrap();
    let names: Vec<_> = seen.iter().map(|job| (job.tenant.as_str(), job.name.as_str(), job.health)).collect();
    assert_eq!(names, [("default", "two", Health::Failing), ("a", "one", Health::Unknown)]);
    assert_eq!((seen[0].failing_since, seen[0].head_sequence > 0), (Some(at(30)), true));
    assert_eq!(store.glance(1).await.unwrap().len(), 1, "those that fail first");
}

async fn stored_bytes_are_added_up(bed: &Bed) {
    let store = bed.store();
    store
        .append(&[event_in("default", 1), event_in("default", 2), event_in("default", 3)], at(20))
        .await
        .unwrap();
    let log = tenant("default");
    let mut sizes = Vec::new();
    for sequence in 1..=3 {
        sizes.push(store.event_at(&log, sequence).await.unwrap().unwrap().payload.len() as u64);
    }
    assert_eq!(store.stored_bytes(&log, 1, 3).await.unwrap(), sizes.iter().sum::<u64>());
    assert_eq!(store.stored_bytes(&log, 2, 2).await.unwrap(), sizes[1]);
    assert_eq!(store.stored_bytes(&log, 4, 9).await.unwrap(), 0);
}
