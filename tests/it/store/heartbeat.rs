//! Since when export jobs have been silent, and their heartbeats, on every store.

use std::time::Duration;

use vidne::{
    domain::export::{ReExport, RunState, Schedule, Standing},
    store::{
        Store, StoreError,
        contract::{Due, JobUpdate, NewEvent, NewJob, RunOutcome},
    },
};

use super::{
    bed::Bed,
    export::{TERM, cut, get, new_job, outcome, random_witness},
    on_every_store,
    sample::{add_tenant, all, at, event_in, tenant},
};

on_every_store! {
    a_job_is_due_once_it_has_been_silent_for_too_long,
    a_job_counts_as_silent_from_its_last_file_or_from_when_it_was_resumed,
    a_job_that_fails_ends_or_has_a_closed_tenant_has_no_heartbeat,
    a_heartbeat_waits_behind_what_is_due_and_not_behind_what_may_be,
    a_heartbeat_is_recorded_under_the_lease_alone,
    what_nobody_wants_is_passed_over_unless_the_job_has_moved_on,
}

/// May be silent for 100 microseconds; created at 10.
fn beating(log: &str, id: &str) -> NewJob {
    let mut job = new_job(log, id, id, 10);
    job.settings.delivery.heartbeat = Some(Duration::from_micros(100));
    job
}

async fn due(store: &dyn Store, now: i64) -> Vec<(String, Due)> {
    store.due_jobs(at(now), 10).await.unwrap().into_iter().map(|job| (job.id, job.due)).collect()
}

fn heartbeat_of(id: &str) -> Vec<(String, Due)> {
    vec![(id.to_owned(), Due::Heartbeat)]
}

fn heartbeat(log: &str) -> NewEvent {
    NewEvent { tenant: tenant(log), ..random_witness() }
}

async fn set(store: &dyn Store, id: &str, heartbeat: Option<Duration>) {
    let mut job = get(store, id).await;
    job.settings.delivery.heartbeat = heartbeat;
    let update = JobUpdate {
        tenant: job.tenant,
        id: job.id,
        expected_revision: job.revision,
        settings: job.settings,
        sealed_secrets: None,
        updated: at(40),
        rescan: false,
        next_run: None,
        declared: false,
    };
    store.update_job(update, random_witness()).await.unwrap();
}

async fn a_job_is_due_once_it_has_been_silent_for_too_long(bed: &Bed) {
    let store = bed.store();
    store.create_job(beating("default", "aaaaaaaaaa"), random_witness()).await.unwrap();
    store.create_job(new_job("default", "bbbbbbbbbb", "other", 10), random_witness()).await.unwrap();
    assert_eq!(due(&*store, 109).await, []);
    assert_eq!(due(&*store, 110).await, heartbeat_of("aaaaaaaaaa"));
    set(&*store, "aaaaaaaaaa", Some(Duration::from_micros(200))).await;
    assert_eq!(due(&*store, 209).await, []);
    assert_eq!(due(&*store, 210).await, heartbeat_of("aaaaaaaaaa"));
    set(&*store, "aaaaaaaaaa", None).await;
    assert_eq!(due(&*store, 9_999).await, []);
    set(&*store, "bbbbbbbbbb", Some(Duration::from_micros(1))).await;
    assert_eq!(due(&*store, 50).await, heartbeat_of("bbbbbbbbbb"));
    store.lease_job("bbbbbbbbbb", "me", TERM).await.unwrap();
    assert_eq!(due(&*store, 50).await, [], "somebody runs it");
}

async fn a_job_counts_as_silent_from_its_last_file_or_from_when_it_was_resumed(bed: &Bed) {
    let (store, log) = (bed.store(), tenant("default"));
    let made = store.create_job(beating("default", "aaaaaaaaaa"), random_witness()).await.unwrap();
    assert_eq!(made.standing.silent_since, None);
    let since = async || get(&*store, "aaaaaaaaaa").await.standing.silent_since;
    let lease = store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
    store.cut_file(&lease, cut(1, 1)).await.unwrap();
    store.mark_uploaded(&lease, 1, 1, [1; 32]).await.unwrap();
    store.mark_published(&lease, 1, at(300)).await.unwrap();
    assert_eq!(since().await, Some(at(300)));
    store.finish_run(&lease, outcome(RunState::Ok, ""), Vec::new()).await.unwrap();
    assert_eq!(since().await, Some(at(300)));
    assert_eq!(due(&*store, 399).await, []);
    assert_eq!(due(&*store, 400).await, heartbeat_of("aaaaaaaaaa"));

    let when = |micros| NewEvent { occurred: at(micros), ..random_witness() };
    store.pause_job(&log, "aaaaaaaaaa", true, None, when(500)).await.unwrap();
    assert_eq!((since().await, due(&*store, 9_999).await), (Some(at(300)), vec![]));
    let resumed = store.pause_job(&log, "aaaaaaaaaa", false, None, when(600)).await.unwrap();
    assert_eq!((resumed.standing.silent_since, since().await), (Some(at(600)), Some(at(600))));
    assert_eq!((due(&*store, 699).await, due(&*store, 700).await.len()), (vec![], 1));

    let lease = store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
    let ended = RunOutcome { silent_since: Some(at(800)), ..outcome(RunState::Stopped, "") };
    store.finish_run(&lease, ended, Vec::new()).await.unwrap();
    assert_eq!((since().await, due(&*store, 899).await), (Some(at(800)), vec![]));
}

async fn a_job_that_fails_ends_or_has_a_closed_tenant_has_no_heartbeat(bed: &Bed) {
    let store = bed.store();
    store.create_job(beating("default", "aaaaaaaaaa"), random_witness()).await.unwrap();
    let again = Some(ReExport { of: "aaaaaaaaaa".to_owned(), end: 9 });
    let ends = NewJob {
        standing: Standing { reexport: again, ..Standing::default() },
        ..beating("default", "bbbbbbbbbb")
    };
    store.create_job(ends, random_witness()).await.unwrap();
    add_tenant(&*store, "a").await;
    store.create_job(beating("a", "cccccccccc"), random_witness()).await.unwrap();
    assert_eq!(due(&*store, 200).await.len(), 2);
    store.close_tenant(&tenant("a"), at(50), random_witness()).await.unwrap();
    assert_eq!(due(&*store, 200).await, heartbeat_of("aaaaaaaaaa"));
    let lease = store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
    store.finish_run(&lease, outcome(RunState::Failed, "no"), Vec::new()).await.unwrap();
    assert_eq!(due(&*store, 200).await, [], "it is tried again by the clock");
    let lease = store.lease_job("cccccccccc", "me", TERM).await.unwrap();
    assert!(!store.record_heartbeat(&lease, heartbeat("a")).await.unwrap(), "its log takes no more");
    store.finish_run(&lease, outcome(RunState::Ok, ""), Vec::new()).await.unwrap();
}

async fn a_heartbeat_waits_behind_what_is_due_and_not_behind_what_may_be(bed: &Bed) {
    let store = bed.store();
    let waiting = Schedule { waiting_bytes: Some(1_000_000), ..Schedule::default() };
    let mut unsure = new_job("default", "aaaaaaaaaa", "a", 10);
    unsure.settings.delivery.schedule = waiting.clone();
    let mut silent = beating("default", "bbbbbbbbbb");
    silent.settings.delivery.schedule = waiting;
    let mut timed = beating("default", "cccccccccc");
    timed.standing.next_run = Some(at(150));
    for job in [unsure, silent, timed] {
        store.create_job(job, random_witness()).await.unwrap();
    }
    let found = due(&*store, 200).await;
    let bytes = Due::Bytes { after: 0, through: 3, bytes: 1_000_000 };
    let expected =
        [("cccccccccc", Due::Time(at(150))), ("bbbbbbbbbb", Due::Heartbeat), ("aaaaaaaaaa", bytes)];
    assert_eq!(found, expected.map(|(id, due)| (id.to_owned(), due)));
    assert_eq!(store.due_jobs(at(200), 2).await.unwrap().len(), 2);
}

async fn a_heartbeat_is_recorded_under_the_lease_alone(bed: &Bed) {
    let store = bed.store();
    store.create_job(beating("default", "aaaaaaaaaa"), random_witness()).await.unwrap();
    let lost = store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
    bed.expire_leases().await;
    let lease = store.lease_job("aaaaaaaaaa", "somebody else", TERM).await.unwrap();
    let before = all(&*store, "default").await.len();
    let refused = store.record_heartbeat(&lost, heartbeat("default")).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
    assert_eq!(all(&*store, "default").await.len(), before);
    assert!(store.record_heartbeat(&lease, heartbeat("default")).await.unwrap());
    assert_eq!(all(&*store, "default").await.len(), before + 1);
    store.finish_run(&lease, outcome(RunState::Ok, ""), Vec::new()).await.unwrap();
    let refused = store.record_heartbeat(&lease, heartbeat("default")).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
    // What comes after it is numbered on.
    store.append(&[event_in("default", 1)], at(20)).await.unwrap();
    let log = all(&*store, "default").await;
    assert_eq!(log.last().map(|event| event.sequence), Some(before as u64 + 2));
}

async fn what_nobody_wants_is_passed_over_unless_the_job_has_moved_on(bed: &Bed) {
    let store = bed.store();
    store.create_job(beating("default", "aaaaaaaaaa"), random_witness()).await.unwrap();
    let scanned = async || get(&*store, "aaaaaaaaaa").await.scanned_sequence;
    let read = get(&*store, "aaaaaaaaaa").await;
    store.pass_over(&read, 5).await.unwrap();
    assert_eq!((scanned().await, get(&*store, "aaaaaaaaaa").await.published_sequence), (5, 0));
    store.pass_over(&read, 9).await.unwrap();
    assert_eq!(scanned().await, 5, "it had moved on");
    let read = get(&*store, "aaaaaaaaaa").await;
    store.pass_over(&read, 4).await.unwrap();
    assert_eq!(scanned().await, 5, "never back");
    let lease = store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
    store.pass_over(&read, 9).await.unwrap();
    assert_eq!(scanned().await, 5, "somebody runs it");
    store.finish_run(&lease, outcome(RunState::Ok, ""), Vec::new()).await.unwrap();
    set(&*store, "aaaaaaaaaa", None).await;
    store.pass_over(&read, 9).await.unwrap();
    assert_eq!(scanned().await, 5, "it wants something else now");
    store.pass_over(&get(&*store, "aaaaaaaaaa").await, 9).await.unwrap();
    assert_eq!(scanned().await, 9);
}
