//! Export jobs: revisions, leases, fences, files.

use std::time::Duration;

use vidne::{
    domain::{
        export::{Destination, ExportJob, FileState, Format, Health, JobSettings, NationalIdMode},
        filter::EventFilter,
    },
    store::{
        Store, StoreError,
        contract::{FileCut, JobUpdate, Lease, NewEvent, NewJob, RunOutcome},
    },
};

use super::{
    bed::Bed,
    on_every_store,
    sample::{add_tenant, all, at, event_in, event_type, id, tenant, witness},
};

on_every_store! {
    a_job_is_kept_as_it_was_given_with_its_witness,
    a_name_is_taken_until_its_job_is_deleted,
    a_name_is_taken_in_its_own_tenant_only,
    jobs_are_listed_in_the_order_of_creation,
    a_change_makes_a_revision_and_keeps_the_old_ones,
    a_change_of_a_job_and_its_witness_are_there_together_or_not_at_all,
    a_deleted_job_is_gone_but_its_files_stay_known,
    one_owner_at_a_time_has_the_lease,
    a_file_walks_through_its_states_and_moves_the_positions,
    a_state_cannot_be_skipped_or_repeated,
    a_paused_owner_harms_nothing_after_a_take_over,
    a_lease_that_was_given_up_is_worth_nothing,
    the_scanned_position_never_goes_back,
    a_run_in_a_closed_tenant_ends_without_its_witness,
}

const TERM: Duration = Duration::from_secs(3_600);

fn settings(name: &str) -> JobSettings {
    JobSettings {
        name: name.to_owned(),
        filter: EventFilter { types: vec![event_type("RECORD_READ")], ..EventFilter::default() },
        format: Format::Csv { header: true, formula_guard: false },
        destination: Destination::Fs { directory: "siem/in".to_owned() },
        national_id: NationalIdMode::Full,
        max_events: 1_000,
        max_bytes: 5_000_000,
    }
}

fn new_job(log: &str, id: &str, name: &str, created: i64) -> NewJob {
    NewJob {
        id: id.to_owned(),
        tenant: tenant(log),
        settings: settings(name),
        sealed_secrets: Some(vec![1, 2, 3]),
        created: at(created),
    }
}

async fn add_job(store: &dyn Store, id: &str, name: &str) -> ExportJob {
    store.create_job(new_job("default", id, name, 10), random_witness()).await.expect("create a job")
}

fn random_witness() -> NewEvent {
    witness(uuid::Uuid::new_v4().as_u128())
}

fn cut(first: u64, last: u64) -> FileCut {
    FileCut {
        name: format!("file_{first}-{last}.csv"),
        first_sequence: first,
        last_sequence: last,
        event_count: 1 + last - first,
        job_revision: 1,
        created: at(20),
    }
}

fn outcome(health: Health, last_error: &str) -> RunOutcome {
    RunOutcome { health, last_error: last_error.to_owned(), ended: at(30) }
}

async fn get(store: &dyn Store, key: &str) -> ExportJob {
    store.job(&tenant("default"), key).await.unwrap().expect("the job").job
}

fn lost<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::LeaseLost)), "{result:?}");
}

fn damaged<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Damaged(_))), "{result:?}");
}

async fn a_job_is_kept_as_it_was_given_with_its_witness(bed: &Bed) {
    let store = bed.store();
    let made = store.create_job(new_job("default", "aaaaaaaaaa", "siem", 10), witness(1)).await.unwrap();
    assert_eq!((made.revision, made.scanned_sequence, made.published_sequence), (1, 0, 0));
    assert_eq!((made.health, made.last_run, made.created), (Health::Unknown, None, at(10)));
    assert_eq!(made.settings, settings("siem"));
    let told = store.event_by_id(&tenant("default"), id(1)).await.unwrap().expect("the witness");
    assert_eq!(told.recorded, at(10));
    for key in ["aaaaaaaaaa", "siem"] {
        let kept = store.job(&tenant("default"), key).await.unwrap().unwrap();
        assert_eq!((&kept.job, kept.sealed_secrets), (&made, Some(vec![1, 2, 3])));
    }
    assert_eq!(store.job(&tenant("default"), "other").await.unwrap(), None);
    assert_eq!(store.job_settings("aaaaaaaaaa", 1).await.unwrap(), made.settings);
    assert!(store.job_settings("aaaaaaaaaa", 2).await.is_err());
    assert!(matches!(store.job_settings("zzzzzzzzzz", 1).await, Err(StoreError::JobNotFound)));
    assert!(matches!(
        store.create_job(new_job("nobody", "bbbbbbbbbb", "siem", 10), witness(2)).await,
        Err(StoreError::TenantNotFound)
    ));
}

async fn a_name_is_taken_until_its_job_is_deleted(bed: &Bed) {
    let store = bed.store();
    add_job(&*store, "aaaaaaaaaa", "siem").await;
    let second = || store.create_job(new_job("default", "bbbbbbbbbb", "siem", 10), random_witness());
    assert!(matches!(second().await, Err(StoreError::JobExists)));
    assert_eq!(all(&*store, "default").await.len(), 1, "what was refused has no witness");
    store.delete_job(&tenant("default"), "aaaaaaaaaa", random_witness()).await.unwrap();
    second().await.unwrap();
    assert_eq!(get(&*store, "siem").await.id, "bbbbbbbbbb");
}

async fn a_name_is_taken_in_its_own_tenant_only(bed: &Bed) {
    let store = bed.store();
    add_tenant(&*store, "a").await;
    add_job(&*store, "aaaaaaaaaa", "siem").await;
    store.create_job(new_job("a", "bbbbbbbbbb", "siem", 10), random_witness()).await.unwrap();
    assert_eq!(store.job(&tenant("a"), "siem").await.unwrap().unwrap().job.id, "bbbbbbbbbb");
    assert_eq!(store.job(&tenant("a"), "aaaaaaaaaa").await.unwrap(), None, "not even by its id");
    assert_eq!(store.jobs(&tenant("a"), None, 10).await.unwrap().len(), 1);
    let foreign = store.delete_job(&tenant("a"), "aaaaaaaaaa", random_witness()).await;
    assert!(matches!(foreign, Err(StoreError::JobNotFound)));
    // An id goes before a name.
    add_job(&*store, "cccccccccc", "aaaaaaaaaa").await;
    assert_eq!(get(&*store, "aaaaaaaaaa").await.id, "aaaaaaaaaa");
}

async fn jobs_are_listed_in_the_order_of_creation(bed: &Bed) {
    let store = bed.store();
    for (id, name, created) in [("cc", "one", 1), ("bb", "two", 2), ("aa", "three", 2), ("dd", "four", 3)] {
        store.create_job(new_job("default", id, name, created), random_witness()).await.unwrap();
    }
    let ids = |jobs: Vec<ExportJob>| jobs.into_iter().map(|job| job.id).collect::<Vec<_>>();
    let log = tenant("default");
    assert_eq!(ids(store.jobs(&log, None, 10).await.unwrap()), ["cc", "aa", "bb", "dd"]);
    assert_eq!(ids(store.jobs(&log, Some("cc"), 2).await.unwrap()), ["aa", "bb"]);
    store.delete_job(&log, "aa", random_witness()).await.unwrap();
    assert_eq!(ids(store.jobs(&log, Some("aa"), 10).await.unwrap()), ["bb", "dd"], "a page goes on");
    assert!(matches!(store.jobs(&log, Some("zz"), 10).await, Err(StoreError::JobNotFound)));
}

fn change(job: &ExportJob, name: &str) -> JobUpdate {
    JobUpdate {
        tenant: job.tenant.clone(),
        id: job.id.clone(),
        expected_revision: job.revision,
        settings: JobSettings { max_events: 5, ..settings(name) },
        sealed_secrets: None,
        updated: at(40),
    }
}

async fn a_change_makes_a_revision_and_keeps_the_old_ones(bed: &Bed) {
    let store = bed.store();
    let made = add_job(&*store, "aaaaaaaaaa", "siem").await;
    add_job(&*store, "bbbbbbbbbb", "other").await;
    let changed = store.update_job(change(&made, "new"), witness(1)).await.unwrap();
    assert_eq!((changed.revision, changed.updated, changed.created), (2, at(40), made.created));
    assert_eq!(changed.settings.max_events, 5);
    assert_eq!(get(&*store, "new").await, changed);
    assert_eq!(store.job(&made.tenant, "new").await.unwrap().unwrap().sealed_secrets, None);
    assert_eq!(store.job(&made.tenant, "siem").await.unwrap(), None);
    assert_eq!(store.job_settings(&made.id, 1).await.unwrap(), made.settings);
    assert_eq!(store.job_settings(&made.id, 2).await.unwrap(), changed.settings);

    let late = store.update_job(change(&made, "late"), witness(2)).await;
    assert!(matches!(late, Err(StoreError::RevisionMismatch { current: 2 })), "{late:?}");
    let taken = store.update_job(change(&changed, "other"), witness(3)).await;
    assert!(matches!(taken, Err(StoreError::JobExists)), "{taken:?}");
    let unknown = JobUpdate { id: "zzzzzzzzzz".to_owned(), ..change(&changed, "x") };
    assert!(matches!(store.update_job(unknown, witness(4)).await, Err(StoreError::JobNotFound)));
    assert_eq!(get(&*store, &made.id).await, changed);
}

async fn a_change_of_a_job_and_its_witness_are_there_together_or_not_at_all(bed: &Bed) {
    let store = bed.store();
    let made = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let nobodys = || event_in("nobody", 1);
    let log = tenant("default");
    assert!(store.create_job(new_job("default", "bbbbbbbbbb", "other", 10), nobodys()).await.is_err());
    assert!(store.update_job(change(&made, "new"), nobodys()).await.is_err());
    assert!(store.delete_job(&log, &made.id, nobodys()).await.is_err());
    assert_eq!(store.jobs(&log, None, 10).await.unwrap(), [made.clone()]);
    assert!(store.job_settings(&made.id, 2).await.is_err());

    let lease = store.lease_job(&made.id, "me", TERM).await.unwrap();
    assert!(store.finish_run(&lease, outcome(Health::Failing, "no"), Some(nobodys())).await.is_err());
    assert_eq!(get(&*store, "siem").await, made);
    store.renew_lease(&lease, TERM).await.expect("the lease is still there");
    store.finish_run(&lease, outcome(Health::Failing, "no"), Some(witness(5))).await.unwrap();
    assert!(store.event_by_id(&log, id(5)).await.unwrap().is_some());
    let ended = get(&*store, "siem").await;
    assert_eq!(
        (ended.health, ended.last_error.as_str(), ended.last_run),
        (Health::Failing, "no", Some(at(30)))
    );
}

async fn a_deleted_job_is_gone_but_its_files_stay_known(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let lease = store.lease_job(&job.id, "me", TERM).await.unwrap();
    store.cut_file(&lease, cut(1, 5)).await.unwrap();
    store.delete_job(&job.tenant, &job.id, witness(1)).await.unwrap();
    assert_eq!(store.job(&job.tenant, &job.id).await.unwrap(), None);
    assert_eq!(store.jobs(&job.tenant, None, 10).await.unwrap(), []);
    lost(store.mark_uploaded(&lease, 1, 7, [7; 32]).await);
    lost(store.renew_lease(&lease, TERM).await);
    assert!(matches!(store.lease_job(&job.id, "me", TERM).await, Err(StoreError::JobNotFound)));
    let again = store.delete_job(&job.tenant, &job.id, witness(2)).await;
    assert!(matches!(again, Err(StoreError::JobNotFound)));
    let files = store.files(&job.id, None, 10).await.unwrap();
    assert_eq!((files.len(), files[0].state), (1, FileState::Cut));
    assert_eq!(store.job_settings(&job.id, 1).await.unwrap(), job.settings);
    assert!(matches!(store.files("zzzzzzzzzz", None, 10).await, Err(StoreError::JobNotFound)));
}

async fn one_owner_at_a_time_has_the_lease(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let mut takers = Vec::new();
    for n in 0..6 {
        let (store, id) = (bed.another_server().await, job.id.clone());
        takers.push(tokio::spawn(async move { store.lease_job(&id, &format!("owner {n}"), TERM).await }));
    }
    let mut taken = Vec::new();
    for taker in takers {
        match taker.await.unwrap() {
            Ok(lease) => taken.push(lease),
            Err(StoreError::JobBusy) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(taken.len(), 1);
    assert!(matches!(store.lease_job(&job.id, "late", TERM).await, Err(StoreError::JobBusy)));

    // One that ran out, but that nobody took, is still good.
    bed.expire_leases().await;
    store.renew_lease(&taken[0], Duration::ZERO).await.unwrap();
    let next = store.lease_job(&job.id, "next", TERM).await.unwrap();
    assert!(next.fence > taken[0].fence);
    lost(store.renew_lease(&taken[0], TERM).await);
    lost(store.finish_run(&taken[0], outcome(Health::Ok, ""), Some(witness(1))).await);
    assert_eq!(store.event_by_id(&job.tenant, id(1)).await.unwrap(), None);
    store.finish_run(&next, outcome(Health::Ok, ""), None).await.unwrap();
    assert!(store.lease_job(&job.id, "after", TERM).await.unwrap().fence > next.fence);
    assert!(matches!(store.lease_job("zzzzzzzzzz", "me", TERM).await, Err(StoreError::JobNotFound)));
}

async fn a_file_walks_through_its_states_and_moves_the_positions(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let lease = store.lease_job(&job.id, "me", TERM).await.unwrap();
    assert_eq!(store.pending_file(&job.id).await.unwrap(), None);

    let file = store.cut_file(&lease, cut(1, 5)).await.unwrap();
    assert_eq!((file.number, file.state, file.fence, file.size_bytes), (1, FileState::Cut, lease.fence, 0));
    assert_eq!((file.name.as_str(), file.event_count, file.sha256), ("file_1-5.csv", 5, [0; 32]));
    assert_eq!(store.pending_file(&job.id).await.unwrap(), Some(file));
    let file = store.mark_uploaded(&lease, 1, 700, [9; 32]).await.unwrap();
    assert_eq!((file.state, file.size_bytes, file.sha256), (FileState::Uploaded, 700, [9; 32]));
    assert_eq!(store.pending_file(&job.id).await.unwrap(), Some(file));
    assert_eq!(get(&*store, "siem").await.scanned_sequence, 0, "nothing moves before it is published");
    let file = store.mark_published(&lease, 1, at(25)).await.unwrap();
    assert_eq!((file.state, file.published), (FileState::Published, Some(at(25))));
    assert_eq!(store.pending_file(&job.id).await.unwrap(), None);
    let moved = get(&*store, "siem").await;
    assert_eq!((moved.scanned_sequence, moved.published_sequence), (5, 5));

    store.advance_scanned(&lease, 8).await.unwrap();
    let second = store.cut_file(&lease, cut(9, 9)).await.unwrap();
    assert_eq!(second.number, 2);
    store.mark_uploaded(&lease, 2, 1, [1; 32]).await.unwrap();
    store.mark_published(&lease, 2, at(26)).await.unwrap();
    store.cut_file(&lease, cut(10, 12)).await.unwrap();

    let numbers = async |before, limit| {
        let files = store.files(&job.id, before, limit).await.unwrap();
        files.into_iter().map(|file| file.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(None, 10).await, [3, 2, 1]);
    assert_eq!(numbers(Some(3), 1).await, [2]);
    assert_eq!(store.files(&job.id, Some(2), 9).await.unwrap(), [file]);
}

async fn a_state_cannot_be_skipped_or_repeated(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let lease = store.lease_job(&job.id, "me", TERM).await.unwrap();
    damaged(store.mark_uploaded(&lease, 1, 7, [7; 32]).await);
    for wrong in [cut(2, 5), cut(0, 5), cut(1, 0)] {
        damaged(store.cut_file(&lease, wrong).await);
    }
    store.cut_file(&lease, cut(1, 5)).await.unwrap();
    damaged(store.cut_file(&lease, cut(1, 5)).await);
    damaged(store.cut_file(&lease, cut(6, 7)).await);
    damaged(store.advance_scanned(&lease, 5).await);
    damaged(store.mark_published(&lease, 1, at(25)).await);
    store.mark_uploaded(&lease, 1, 7, [7; 32]).await.unwrap();
    damaged(store.mark_uploaded(&lease, 1, 8, [8; 32]).await);
    damaged(store.take_over_cut(&lease, 1).await);
    damaged(store.cut_file(&lease, cut(1, 5)).await);
    store.mark_published(&lease, 1, at(25)).await.unwrap();
    damaged(store.mark_published(&lease, 1, at(26)).await);
    let files = store.files(&job.id, None, 10).await.unwrap();
    assert_eq!((files.len(), files[0].size_bytes, files[0].published), (1, 7, Some(at(25))));
}

async fn a_paused_owner_harms_nothing_after_a_take_over(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let paused = store.lease_job(&job.id, "paused", TERM).await.unwrap();
    store.cut_file(&paused, cut(1, 5)).await.unwrap();
    bed.expire_leases().await;
    let other = bed.another_server().await;
    let owner = other.lease_job(&job.id, "owner", TERM).await.unwrap();

    damaged(other.mark_uploaded(&owner, 1, 7, [7; 32]).await);
    assert_eq!(other.take_over_cut(&owner, 1).await.unwrap().fence, owner.fence);
    refuse_all(&*store, &paused, 1).await;
    other.mark_uploaded(&owner, 1, 7, [7; 32]).await.unwrap();
    refuse_all(&*store, &paused, 1).await;

    // Uploaded by one, renamed by the next: the same temporary name.
    bed.expire_leases().await;
    let third = store.lease_job(&job.id, "third", TERM).await.unwrap();
    let uploaded = store.pending_file(&job.id).await.unwrap().unwrap();
    assert_eq!((uploaded.state, uploaded.fence), (FileState::Uploaded, owner.fence));
    lost(other.mark_published(&owner, 1, at(25)).await);
    store.mark_published(&third, 1, at(26)).await.unwrap();
    refuse_all(&*store, &paused, 1).await;
    refuse_all(&*other, &owner, 1).await;
    let files = store.files(&job.id, None, 10).await.unwrap();
    assert_eq!((files.len(), files[0].published), (1, Some(at(26))));
    assert_eq!(get(&*store, "siem").await.scanned_sequence, 5);
}

/// Every write with a lost lease fails and changes nothing.
async fn refuse_all(store: &dyn Store, lease: &Lease, number: u64) {
    let before = (get(store, "siem").await, store.files(&lease.job_id, None, 10).await.unwrap());
    lost(store.renew_lease(lease, TERM).await);
    lost(store.cut_file(lease, cut(before.0.scanned_sequence + 1, 100)).await);
    lost(store.take_over_cut(lease, number).await);
    lost(store.mark_uploaded(lease, number, 9, [9; 32]).await);
    lost(store.mark_published(lease, number, at(99)).await);
    lost(store.advance_scanned(lease, 1_000).await);
    lost(store.finish_run(lease, outcome(Health::Failing, "late"), None).await);
    let after = (get(store, "siem").await, store.files(&lease.job_id, None, 10).await.unwrap());
    assert_eq!(after, before);
}

async fn a_lease_that_was_given_up_is_worth_nothing(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let lease = store.lease_job(&job.id, "me", TERM).await.unwrap();
    store.finish_run(&lease, outcome(Health::Ok, ""), None).await.unwrap();
    refuse_all(&*store, &lease, 1).await;
}

async fn the_scanned_position_never_goes_back(bed: &Bed) {
    let store = bed.store();
    let job = add_job(&*store, "aaaaaaaaaa", "siem").await;
    let lease = store.lease_job(&job.id, "me", TERM).await.unwrap();
    store.advance_scanned(&lease, 7).await.unwrap();
    store.advance_scanned(&lease, 3).await.unwrap();
    let moved = get(&*store, "siem").await;
    assert_eq!((moved.scanned_sequence, moved.published_sequence), (7, 0));
    damaged(store.cut_file(&lease, cut(4, 9)).await);
    store.cut_file(&lease, cut(8, 9)).await.unwrap();
}

async fn a_run_in_a_closed_tenant_ends_without_its_witness(bed: &Bed) {
    let store = bed.store();
    add_tenant(&*store, "a").await;
    let log = tenant("a");
    store.create_job(new_job("a", "aaaaaaaaaa", "siem", 10), random_witness()).await.unwrap();
    let lease = store.lease_job("aaaaaaaaaa", "me", TERM).await.unwrap();
    store.close_tenant(&log, at(90), random_witness()).await.unwrap();
    let late = NewEvent { switch: None, ..event_in("a", 1) };
    store.finish_run(&lease, outcome(Health::Failing, "no"), Some(late)).await.unwrap();
    let job = store.job(&log, "siem").await.unwrap().unwrap().job;
    assert_eq!((job.health, job.last_error.as_str()), (Health::Failing, "no"));
    assert_eq!(store.event_by_id(&log, id(1)).await.unwrap(), None);
    let refused = store.create_job(new_job("a", "bbbbbbbbbb", "other", 10), random_witness()).await;
    assert!(matches!(refused, Err(StoreError::TenantClosed)));
}
