//! The recorder's stream through failures.

use std::time::Duration;

use futures::{FutureExt as _, future::join_all};
use tokio::time::timeout;
use tonic::{Code, Status};
use uuid::Uuid;
use vidne::{
    client::{Order, Outcome, Pending, Policy, Recorder, RecorderError, RecorderOptions},
    codec::proto::v1::{Disposition, Event, EventType},
};

use super::{
    fake::client,
    model::{Model, Reaction, away, too_large},
};

const SOON: Duration = Duration::from_secs(60);

/// An event with an id, of a tenant.
pub fn event(tenant: &str) -> Event {
    Event {
        event_id: Uuid::now_v7().to_string(),
        tenant_id: tenant.to_owned(),
        r#type: EventType::RecordRead.into(),
        ..Event::default()
    }
}

pub fn ids(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.event_id.clone()).collect()
}

pub async fn begin_all(recorder: &Recorder, events: &[Event]) -> Vec<Pending> {
    let mut pending = Vec::new();
    for event in events {
        pending.push(recorder.begin(event.clone()).await.unwrap());
    }
    pending
}

async fn answers(pending: Vec<Pending>) -> Vec<Result<Outcome, RecorderError>> {
    timeout(SOON, join_all(pending)).await.expect("events without an answer")
}

fn small() -> RecorderOptions {
    RecorderOptions { request_events: 10, ..RecorderOptions::default() }
}

async fn start(model: &Model, options: RecorderOptions) -> Recorder {
    Recorder::start(client(model.serve().await), options).await.unwrap()
}

/// Records `count` events of two tenants and checks that each is there once, in order, with a receipt.
async fn all_once_in_order(model: &Model, options: RecorderOptions, count: usize) {
    let recorder = start(model, options).await;
    let events: Vec<Event> = (0..count).map(|i| event(if i % 3 == 0 { "a" } else { "b" })).collect();
    let pending = begin_all(&recorder, &events).await;
    for answer in answers(pending).await {
        let Outcome::Answered(receipt) = answer.unwrap() else { panic!("there is no spool") };
        assert!(matches!(receipt.disposition(), Disposition::Recorded | Disposition::Duplicate));
    }
    for tenant in ["a", "b"] {
        let expected: Vec<Event> = events.iter().filter(|event| event.tenant_id == tenant).cloned().collect();
        assert_eq!(model.log(tenant), ids(&expected), "tenant {tenant}");
    }
    recorder.close(SOON).await.unwrap();
}

#[tokio::test]
async fn what_a_cut_stream_left_unanswered_is_sent_again_in_order() {
    for order in [Order::Strict, Order::Pipelined] {
        let model = Model::new(|stream, request, _| match (stream, request) {
            (0, 1) => Reaction::RecordAndEnd(away()),
            (1, 0) => Reaction::End(away()),
            (2, 3) => Reaction::RecordAndEnd(away()),
            _ => Reaction::Record,
        });
        all_once_in_order(&model, RecorderOptions { order, ..small() }, 500).await;
        assert_eq!(model.streams(), 4);
    }
}

#[tokio::test]
async fn events_that_fail_for_a_moment_are_sent_again_before_those_behind_them() {
    let model = Model::new(|_, request, events| {
        // From the middle of the request on, for a while.
        let fails = request % 3 != 2;
        let fate =
            |i: usize| (fails && i >= events.len() / 2).then(|| Status::unavailable("the database is away"));
        Reaction::Each((0..events.len()).map(fate).collect())
    });
    all_once_in_order(&model, small(), 300).await;
    assert_eq!(model.streams(), 1, "the stream holds");
}

#[tokio::test]
async fn a_server_that_takes_less_at_once_is_learned_from() {
    let events = Model::new(|_, _, events| {
        if events.len() > 7 { Reaction::End(too_large("limit_events", 7)) } else { Reaction::Record }
    });
    all_once_in_order(&events, RecorderOptions::default(), 500).await;
    assert!(events.streams() <= 3, "asked once: {}", events.streams());
    assert!(events.sizes().contains(&7));

    let bytes = Model::new(|_, _, events| {
        use prost::Message as _;
        let size: usize = events.iter().map(|event| event.encoded_len() + 2).sum();
        if size > 300 { Reaction::End(too_large("limit_bytes", 300)) } else { Reaction::Record }
    });
    all_once_in_order(&bytes, RecorderOptions::default(), 500).await;
    assert!(bytes.streams() <= 3, "asked once: {}", bytes.streams());

    // One that does not say what its limit is.
    let silent = Model::new(|_, _, events| {
        if events.len() > 7 { Reaction::End(Status::out_of_range("too large")) } else { Reaction::Record }
    });
    all_once_in_order(&silent, RecorderOptions::default(), 200).await;
}

#[tokio::test]
async fn an_event_that_spoils_every_request_is_refused_alone() {
    let bad = event("a");
    let id = bad.event_id.clone();
    let model = Model::new(move |_, _, events| {
        let spoiled = events.iter().any(|event| event.event_id == id);
        if spoiled { Reaction::End(Status::invalid_argument("no")) } else { Reaction::Record }
    });
    let recorder = start(&model, RecorderOptions::default()).await;
    let mut events: Vec<Event> = (0..100).map(|_| event("a")).collect();
    events[40] = bad;
    let answers = answers(begin_all(&recorder, &events).await).await;
    for (i, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(_) => assert_ne!(i, 40),
            Err(error) => assert!(i == 40 && error.is_refusal(), "{i}: {error}"),
        }
    }
    events.remove(40);
    assert_eq!(model.log("a"), ids(&events));
}

#[tokio::test]
async fn refused_events_are_reported_each_to_its_caller() {
    let model = Model::new(|_, _, events| {
        let fate = |event: &Event| (event.severity == 99).then(|| Status::invalid_argument("severity"));
        Reaction::Each(events.iter().map(fate).collect())
    });
    let recorder = start(&model, small()).await;
    let events: Vec<Event> =
        (0..50).map(|i| Event { severity: if i % 10 == 3 { 99 } else { 0 }, ..event("a") }).collect();
    for (i, answer) in answers(begin_all(&recorder, &events).await).await.into_iter().enumerate() {
        match answer {
            Ok(_) => assert_ne!(i % 10, 3),
            Err(error) => {
                assert!(i % 10 == 3 && error.is_refusal(), "{i}: {error}");
                assert_eq!(error.client().unwrap().code(), Some(Code::InvalidArgument));
            }
        }
    }
}

#[tokio::test]
async fn a_slow_server_makes_callers_wait_or_fail_and_memory_stays_bounded() {
    for (policy, by_bytes) in [(Policy::Block, false), (Policy::Block, true), (Policy::Fail, false)] {
        let model = Model::stuck();
        let fails = matches!(policy, Policy::Fail);
        let (max_events, max_bytes) = if by_bytes { (1_000, 20 * 64) } else { (20, 1 << 20) };
        let options = RecorderOptions { max_events, max_bytes, policy, ..small() };
        let recorder = start(&model, options).await;
        let events: Vec<Event> = (0..20).map(|_| event("a")).collect();
        let pending = begin_all(&recorder, &events).await;
        let next = event("a");
        let mut waiting = Box::pin(recorder.begin(next.clone()));
        match (&mut waiting).now_or_never() {
            Some(Err(RecorderError::Full { events: 20, .. })) if fails => {}
            None if !fails => {}
            other => panic!("{other:?}"),
        }
        model.pace.add_permits(1_000);
        if !fails {
            let taken = timeout(SOON, waiting).await.unwrap().unwrap();
            answers(vec![taken]).await.pop().unwrap().unwrap();
        }
        for answer in answers(pending).await {
            answer.unwrap();
        }
        // There is room again.
        recorder.record(event("a")).await.unwrap();
    }
}

#[tokio::test]
async fn what_waits_is_sent_together_and_a_linger_waits_for_more() {
    let model = Model::good();
    let options = RecorderOptions { linger: Duration::from_secs(3600), ..small() };
    let recorder = start(&model, options).await;
    let mut pending = begin_all(&recorder, &[event("a"), event("a"), event("a")]).await;
    assert_eq!(model.streams(), 0);
    // A full request does not wait; neither does the rest when somebody flushes.
    pending.extend(begin_all(&recorder, &(0..10).map(|_| event("a")).collect::<Vec<_>>()).await);
    timeout(SOON, recorder.flush(None)).await.unwrap().unwrap();
    answers(pending).await.into_iter().for_each(|answer| drop(answer.unwrap()));
    assert_eq!(model.sizes(), [10, 3]);
}

#[tokio::test]
async fn closing_waits_for_answers_and_takes_nothing_more() {
    let model = Model::good();
    let recorder = start(&model, small()).await;
    let other = recorder.clone();
    let events: Vec<Event> = (0..200).map(|_| event("a")).collect();
    let pending = begin_all(&recorder, &events).await;
    timeout(SOON, recorder.close(SOON)).await.unwrap().unwrap();
    for answer in pending {
        // Without tokio's budget, which would make one of so many wait.
        tokio::task::unconstrained(answer).now_or_never().expect("closed before it was answered").unwrap();
    }
    assert!(matches!(other.begin(event("a")).await, Err(RecorderError::Closed)));
    assert!(matches!(other.close(SOON).await, Err(RecorderError::Closed)));
}

#[tokio::test]
async fn closing_ends_at_its_deadline_and_says_what_has_no_answer() {
    let model = Model::stuck();
    let recorder = start(&model, small()).await;
    let pending = begin_all(&recorder, &[event("a")]).await;
    timeout(SOON, recorder.close(Duration::from_millis(50))).await.unwrap().unwrap();
    assert!(matches!(answers(pending).await.pop().unwrap(), Err(RecorderError::Closed)));
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_task() {
    let model = Model::stuck();
    let recorder = start(&model, small()).await;
    let other = recorder.clone();
    let pending = begin_all(&recorder, &[event("a")]).await;
    drop(recorder);
    let more = begin_all(&other, &[event("a")]).await;
    drop(other);
    for answer in answers(pending.into_iter().chain(more).collect()).await {
        assert!(matches!(answer, Err(RecorderError::Closed)), "{answer:?}");
    }
}

#[tokio::test]
async fn giving_up_is_said_to_all_who_wait_and_the_next_event_tries_again() {
    let model = Model::good();
    model.set_away(true);
    let recorder = start(&model, RecorderOptions { max_failures: Some(2), ..small() }).await;
    let pending = begin_all(&recorder, &(0..30).map(|_| event("a")).collect::<Vec<_>>()).await;
    for answer in answers(pending).await {
        let error = answer.unwrap_err();
        assert!(matches!(error, RecorderError::Away(_)) && error.client().unwrap().is_transient());
    }
    assert_eq!(model.streams(), 3);
    model.set_away(false);
    recorder.record(event("a")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_does_not_serve_this_client_is_said_at_once() {
    let model = Model::new(|_, _, _| Reaction::End(Status::permission_denied("no")));
    let recorder = start(&model, small()).await;
    let error = timeout(SOON, recorder.record(event("a"))).await.unwrap().unwrap_err();
    assert_eq!(error.client().unwrap().code(), Some(Code::PermissionDenied));
    assert_eq!(model.streams(), 1);
}

#[tokio::test]
async fn a_stream_that_is_silent_counts_as_broken() {
    let model = Model::stuck();
    let options =
        RecorderOptions { answer_timeout: Duration::from_millis(30), max_failures: Some(1), ..small() };
    let recorder = start(&model, options).await;
    let error = timeout(SOON, recorder.record(event("a"))).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("did not answer"), "{error}");
    assert_eq!(model.streams(), 2);
}
