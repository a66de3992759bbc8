//! Events on disk while the server is away.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use futures::future::join_all;
use prost::Message as _;
use tokio::time::timeout;
use tonic::Status;
use vidne::{
    client::{
        Outcome, Pending, Policy, Recorder, RecorderError, RecorderOptions, SPOOL_FILE, Spool, SpoolError,
        SpoolOptions, SpoolState,
    },
    codec::proto::v1::Event,
};

use super::{
    fake::client,
    model::{Model, Reaction},
    recorder::{begin_all, event, ids},
};

const SOON: Duration = Duration::from_secs(60);

fn options(folder: &Path) -> RecorderOptions {
    let policy = Policy::Spool(SpoolOptions::new(folder));
    RecorderOptions { request_events: 10, policy, ..RecorderOptions::default() }
}

async fn start(model: &Model, folder: &Path) -> Recorder {
    Recorder::start(client(model.serve().await), options(folder)).await.unwrap()
}

fn events(count: usize) -> Vec<Event> {
    (0..count).map(|i| event(if i % 3 == 0 { "a" } else { "b" })).collect()
}

async fn spooled(pending: Vec<Pending>) {
    for answer in timeout(SOON, join_all(pending)).await.unwrap() {
        assert_eq!(answer.unwrap(), Outcome::Spooled);
    }
}

async fn flush(recorder: &Recorder) -> SpoolState {
    timeout(SOON, recorder.flush(None)).await.unwrap().unwrap()
}

fn assert_log(model: &Model, events: &[Event]) {
    for tenant in ["a", "b"] {
        let expected: Vec<Event> = events.iter().filter(|event| event.tenant_id == tenant).cloned().collect();
        assert_eq!(model.log(tenant), ids(&expected), "tenant {tenant}");
    }
}

#[tokio::test]
async fn a_server_that_goes_and_comes_back_gets_everything_once_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::new(|stream, request, _| match (stream, request) {
        // Recorded, but nobody hears of it: twice, once before and once from the spool.
        (0, 1) | (3, 2) => Reaction::RecordAndEnd(Status::unavailable("going")),
        _ => Reaction::Record,
    });
    let recorder = start(&model, folder.path()).await;
    let events = events(400);
    let first = begin_all(&recorder, &events[..100]).await;
    timeout(SOON, join_all(first)).await.unwrap().into_iter().for_each(|answer| drop(answer.unwrap()));
    flush(&recorder).await;
    model.set_away(true);
    spooled(begin_all(&recorder, &events[100..300]).await).await;
    model.set_away(false);
    // While the spool is being sent, new ones go behind it.
    let rest = begin_all(&recorder, &events[300..]).await;
    timeout(SOON, join_all(rest)).await.unwrap().into_iter().for_each(|answer| drop(answer.unwrap()));
    assert_eq!(flush(&recorder).await, SpoolState::default());
    assert_log(&model, &events);
    // And then directly again.
    assert!(matches!(recorder.record(event("c")).await.unwrap(), Outcome::Answered(_)));
    recorder.close(SOON).await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_away_behind_its_server_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let healed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = healed.clone();
    let model = Model::new(move |_, _, events| {
        let fate = |_| {
            let healed = seen.load(std::sync::atomic::Ordering::SeqCst);
            (!healed).then(|| Status::unavailable("the database is away"))
        };
        Reaction::Each(events.iter().map(fate).collect())
    });
    let recorder = start(&model, folder.path()).await;
    let events = events(60);
    spooled(begin_all(&recorder, &events).await).await;
    let error = timeout(SOON, recorder.flush(Some(2))).await.unwrap().unwrap_err();
    assert!(matches!(error, RecorderError::Away(_)), "{error}");
    healed.store(true, std::sync::atomic::Ordering::SeqCst);
    flush(&recorder).await;
    assert_log(&model, &events);
}

#[tokio::test]
async fn what_is_spooled_is_sent_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::good();
    model.set_away(true);
    let recorder = start(&model, folder.path()).await;
    let events = events(120);
    spooled(begin_all(&recorder, &events[..100]).await).await;
    assert_eq!(recorder.close(SOON).await.unwrap(), SpoolState { waiting: 100, refused: 0 });
    model.set_away(false);
    let recorder = start(&model, folder.path()).await;
    let rest = begin_all(&recorder, &events[100..]).await;
    flush(&recorder).await;
    timeout(SOON, join_all(rest)).await.unwrap().into_iter().for_each(|answer| drop(answer.unwrap()));
    assert_eq!(recorder.close(SOON).await.unwrap(), SpoolState::default());
    assert_log(&model, &events);
}

#[tokio::test]
async fn closing_at_the_deadline_spools_what_has_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::stuck();
    let recorder = start(&model, folder.path()).await;
    let events = events(25);
    let pending = begin_all(&recorder, &events).await;
    let state = timeout(SOON, recorder.close(Duration::ZERO)).await.unwrap().unwrap();
    assert_eq!(state, SpoolState { waiting: 25, refused: 0 });
    spooled(pending).await;
}

#[tokio::test]
async fn a_full_spool_names_its_limit_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::good();
    model.set_away(true);
    let size = event("a").encoded_len() as u64 + 64;
    let limit = SpoolOptions { max_bytes: 10 * size, ..SpoolOptions::new(folder.path()) };
    let options = RecorderOptions { policy: Policy::Spool(limit), ..options(folder.path()) };
    let recorder = Recorder::start(client(model.serve().await), options).await.unwrap();
    let events: Vec<Event> = (0..15).map(|_| event("a")).collect();
    let answers = timeout(SOON, join_all(begin_all(&recorder, &events).await)).await.unwrap();
    for (i, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(outcome) => assert!(i < 10 && outcome == Outcome::Spooled),
            Err(error) => {
                let said = error.to_string();
                assert!(i >= 10 && said.contains(&(10 * size).to_string()), "{i}: {said}");
                assert!(said.contains("raise the limit") && said.contains(SPOOL_FILE), "{said}");
            }
        }
    }
    model.set_away(false);
    assert_eq!(flush(&recorder).await, SpoolState::default());
    assert_eq!(model.log("a"), ids(&events[..10]));
    recorder.record(event("a")).await.unwrap();
}

#[tokio::test]
async fn refused_events_are_kept_and_listed_until_they_are_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::new(|_, _, events| {
        let fate =
            |event: &Event| (event.severity == 99).then(|| Status::invalid_argument("no such severity"));
        Reaction::Each(events.iter().map(fate).collect())
    });
    model.set_away(true);
    let recorder = start(&model, folder.path()).await;
    let mut events = events(30);
    events[4].severity = 99;
    events[17].severity = 99;
    spooled(begin_all(&recorder, &events).await).await;
    model.set_away(false);
    assert_eq!(flush(&recorder).await, SpoolState { waiting: 0, refused: 2 });
    let refused = recorder.refused(10).await.unwrap();
    assert_eq!(
        refused.iter().map(|r| r.event_id.clone()).collect::<Vec<_>>(),
        ids(&[events[4].clone(), events[17].clone()])
    );
    assert!(refused[0].reason.contains("no such severity"));
    assert_eq!(Event::decode(refused[1].event.clone()).unwrap(), events[17]);
    recorder.close(SOON).await.unwrap();

    let mut spool = Spool::open(&SpoolOptions::new(folder.path())).await.unwrap();
    assert_eq!(spool.refused(0, 10).await.unwrap(), refused);
    spool.discard_refused(refused[0].position).await.unwrap();
    assert_eq!((spool.refused_count(), spool.waiting()), (1, 0));
    events.retain(|event| event.severity == 0);
    assert_log(&model, &events);
}

#[tokio::test]
async fn one_process_at_a_time_has_a_spool() {
    let folder = tempfile::tempdir().unwrap();
    let options = SpoolOptions::new(folder.path());
    let first = Spool::open(&options).await.unwrap();
    let error = Spool::open(&options).await.unwrap_err();
    assert!(matches!(error, SpoolError::Busy { .. }));
    let said = error.to_string();
    assert!(said.contains(SPOOL_FILE) && said.contains("another process"), "{said}");
    first.close().await;
    Spool::open(&options).await.unwrap().close().await;
}

#[tokio::test]
async fn a_spool_is_readable_by_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::good();
    model.set_away(true);
    let recorder = start(&model, folder.path()).await;
    spooled(begin_all(&recorder, &events(3)).await).await;
    let mut seen = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        seen += 1;
    }
    assert!(seen >= 3, "the file, its log and its lock");
}

#[tokio::test]
async fn another_file_is_not_taken_for_a_spool() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(
        &file,
        "these are no events, and they are longer than a header of SQLite would be. ".repeat(20),
    )
    .unwrap();
    let error = Spool::open(&SpoolOptions::new(&file)).await.unwrap_err();
    assert!(error.to_string().contains("notes.txt"), "{error}");
    assert!(fs::read_to_string(&file).unwrap().starts_with("these are no events"));
    let missing = Spool::open(&SpoolOptions::new(folder.path().join("no/such/spool"))).await.unwrap_err();
    assert!(missing.to_string().contains("the folder must be there"), "{missing}");
}
