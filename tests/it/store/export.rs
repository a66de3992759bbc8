//! Export jobs and their revisions.

use std::time::Duration;

use vidne::{
    domain::{
        export::{
            Delivery, Destination, ExportJob, Failure, FileState, Format, Health, JobSettings,
            NationalIdMode, RunState, Standing,
        },
        filter::EventFilter,
        format::{CsvColumns, CsvOptions},
    },
    store::{
        Store, StoreError,
        contract::{FileCut, JobUpdate, NewEvent, NewJob, RunOutcome},
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
    a_declared_job_is_not_deleted,
}

pub const TERM: Duration = Duration::from_secs(3_600);

fn settings(name: &str) -> JobSettings {
    JobSettings {
        name: name.to_owned(),
        filter: EventFilter { types: vec![event_type("RECORD_READ")], ..EventFilter::default() },
        format: Format::Csv(CsvOptions { columns: CsvColumns::Xflow, header: true, formula_guard: false }),
        destination: Destination::Fs { directory: "siem/in".to_owned(), file_mode: None },
        national_id: NationalIdMode::Full,
        max_events: 1_000,
        max_bytes: 5_000_000,
        delivery: Delivery::default(),
    }
}

pub fn new_job(log: &str, id: &str, name: &str, created: i64) -> NewJob {
    NewJob {
        id: id.to_owned(),
        tenant: tenant(log),
        settings: settings(name),
        sealed_secrets: Some(vec![1, 2, 3]),
        created: at(created),
        start_after: 0,
        standing: Standing::default(),
    }
}

pub async fn add_job(store: &dyn Store, id: &str, name: &str) -> ExportJob {
    store.create_job(new_job("default", id, name, 10), random_witness()).await.expect("create a job")
}

pub fn random_witness() -> NewEvent {
    witness(uuid::Uuid::new_v4().as_u128())
}

pub fn cut(first: u64, last: u64) -> FileCut {
    FileCut {
        directory: "2026/11".to_owned(),
        with_manifest: false,
        first_event_sequence: last,
        first_recorded: at(18),
        last_recorded: at(19),
        name: format!("file_{first}-{last}.csv"),
        first_sequence: first,
        last_sequence: last,
        event_count: 1 + last - first,
        job_revision: 1,
        created: at(20),
    }
}

pub fn outcome(state: RunState, last_error: &str) -> RunOutcome {
    RunOutcome {
        state,
        failure: (state == RunState::Failed).then_some(Failure::Unavailable),
        last_error: last_error.to_owned(),
        ended: at(30),
        next_run: None,
        kept: None,
        silent_since: None,
    }
}

pub async fn get(store: &dyn Store, key: &str) -> ExportJob {
    store.job(&tenant("default"), key).await.unwrap().expect("the job").job
}

pub fn lost<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::LeaseLost)), "{result:?}");
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
        rescan: false,
        next_run: None,
        declared: false,
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
    assert_eq!(store.jobs(&log, None, 10).await.unwrap(), std::slice::from_ref(&made));
    assert!(store.job_settings(&made.id, 2).await.is_err());

    let lease = store.lease_job(&made.id, "me", TERM).await.unwrap();
    assert!(store.finish_run(&lease, outcome(RunState::Failed, "no"), vec![nobodys()]).await.is_err());
    assert_eq!(get(&*store, "siem").await, made);
    store.renew_lease(&lease, TERM).await.expect("the lease is still there");
    store.finish_run(&lease, outcome(RunState::Failed, "no"), vec![witness(5)]).await.unwrap();
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

async fn a_declared_job_is_not_deleted(bed: &Bed) {
    let store = bed.store();
    add_tenant(&*store, "a").await;
    let new = NewJob {
        standing: Standing { declared: true, ..Standing::default() },
        ..new_job("a", "aaaaaaaaaa", "siem", 10)
    };
    let made = store.create_job(new, event_in("a", 1)).await.unwrap();
    let kept = async || store.job(&made.tenant, &made.id).await.unwrap();
    let before = kept().await;
    let refused = store.delete_job(&made.tenant, &made.id, event_in("a", 2)).await;
    assert!(matches!(refused, Err(StoreError::JobDeclared)), "{refused:?}");
    assert_eq!(kept().await, before);
    assert_eq!(
        store.event_by_id(&made.tenant, id(2)).await.unwrap(),
        None,
        "what was refused has no witness"
    );

    store.update_job(change(&made, "siem"), event_in("a", 3)).await.unwrap();
    store.delete_job(&made.tenant, &made.id, event_in("a", 4)).await.unwrap();
    assert_eq!(kept().await, None);
}
