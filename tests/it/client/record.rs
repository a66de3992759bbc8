//! Recording through failures.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use vidne::codec::proto::v1::{
    BatchRecordEventsResponse, Event, EventType, RecordEventResponse, RecordResult, record_result::Kind,
};

use super::fake::{Script, receipt};

fn event() -> Event {
    Event { r#type: EventType::RecordRead.into(), ..Event::default() }
}

fn overloaded() -> Status {
    let details = ErrorDetails::with_retry_info(Some(Duration::from_millis(5)));
    Status::with_error_details(Code::ResourceExhausted, "too much", details)
}

#[tokio::test]
async fn an_event_is_sent_again_with_the_same_id_until_it_is_acknowledged() {
    let script = Script::default();
    script.record.lock().unwrap().extend([
        Err(Status::unavailable("not now")),
        Err(overloaded()),
        Ok(RecordEventResponse { receipt: Some(receipt(1)) }),
    ]);
    let answer = script.serve().await.record(event()).await.unwrap();
    assert_eq!(answer.sequence, 1);
    let requests = script.recorded.lock().unwrap();
    let ids: Vec<_> = requests.iter().map(|request| request.event.clone().unwrap().event_id).collect();
    assert_eq!(ids.len(), 3);
    assert!(uuid::Uuid::try_parse(&ids[0]).is_ok() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn what_will_not_get_better_is_not_sent_again() {
    for refusal in [Status::invalid_argument("no"), Status::resource_exhausted("no delay named")] {
        let script = Script::default();
        let code = refusal.code();
        script.record.lock().unwrap().push_back(Err(refusal));
        let error = script.serve().await.record(event()).await.unwrap_err();
        assert_eq!(error.code(), Some(code));
        assert_eq!(script.recorded.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn repeating_ends_after_the_last_retry() {
    let script = Script::default();
    let client = script.serve().await;
    let attempts = client.options().max_retries + 1;
    script.record.lock().unwrap().extend((0..attempts).map(|_| Err(Status::unavailable("never"))));
    let error = client.record(event()).await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(script.recorded.lock().unwrap().len(), attempts as usize);
}

#[tokio::test]
async fn of_a_batch_only_what_may_get_better_is_sent_again() {
    let ok = |sequence| RecordResult { kind: Some(Kind::Receipt(receipt(sequence))) };
    let error = |code: Code| {
        let status = tonic_types::Status { code: code.into(), ..tonic_types::Status::default() };
        RecordResult { kind: Some(Kind::Error(status)) }
    };
    let script = Script::default();
    script.batch.lock().unwrap().extend([
        Ok(BatchRecordEventsResponse {
            results: vec![ok(1), error(Code::Unavailable), error(Code::InvalidArgument), ok(2)],
        }),
        Ok(BatchRecordEventsResponse { results: vec![ok(3)] }),
    ]);
    let results = script.serve().await.record_batch(vec![event(), event(), event(), event()]).await.unwrap();
    let sequences: Vec<_> = results.iter().map(|result| result.as_ref().map_or(0, |r| r.sequence)).collect();
    assert_eq!(sequences, [1, 3, 0, 2]);
    let requests = script.batches.lock().unwrap();
    assert_eq!(requests[1].events, [requests[0].events[1].clone()]);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    // Bound and dropped: nobody listens there now.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = super::fake::client(address).record(event()).await.unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert!(error.is_transient() && error.code().is_none());
}
