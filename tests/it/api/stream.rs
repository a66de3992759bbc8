//! `RecordEvents`: a stream of requests, answered in order.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::uri::PathAndQuery;
use prost::Message as _;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status, Streaming, client::Grpc, transport::Channel};
use uuid::Uuid;
use vidne::{
    client::proto::audit_service_client::AuditServiceClient,
    codec::proto::v1::{
        self, Disposition, Event, Receipt, RecordEventsRequest, RecordEventsResponse, query_events_response,
        record_result::Kind,
    },
    domain::time::SystemClock,
    store::memory::MemoryStore,
    vault::{MasterKey, Vault},
};

use super::{Server, event, expect, fields, tonics_own::Raw};

const SOON: Duration = Duration::from_secs(30);

/// A stream that is open on both sides.
struct Open {
    requests: mpsc::Sender<RecordEventsRequest>,
    answers: Streaming<RecordEventsResponse>,
}

async fn open(channel: Channel) -> Open {
    let (requests, outgoing) = mpsc::channel(1);
    let mut audit = AuditServiceClient::new(channel).max_decoding_message_size(64 << 20);
    let answers = audit.record_events(ReceiverStream::new(outgoing)).await.unwrap().into_inner();
    Open { requests, answers }
}

impl Open {
    async fn send(&self, events: Vec<Event>) {
        timeout(SOON, self.requests.send(RecordEventsRequest { events })).await.unwrap().unwrap();
    }

    /// What became of each event of the next request.
    async fn answer(&mut self) -> Result<Vec<Kind>, Status> {
        let answer = timeout(SOON, self.answers.message()).await.unwrap()?;
        let results = answer.expect("the stream ended early").results;
        Ok(results.into_iter().map(|result| result.kind.unwrap()).collect())
    }

    async fn receipts(&mut self) -> Vec<Receipt> {
        self.answer().await.unwrap().into_iter().map(receipt).collect()
    }

    /// What the stream ends with, after any answers.
    async fn end(&mut self) -> Result<(), Status> {
        while timeout(SOON, self.answers.message()).await.unwrap()?.is_some() {}
        Ok(())
    }
}

fn receipt(kind: Kind) -> Receipt {
    match kind {
        Kind::Receipt(receipt) => receipt,
        Kind::Error(error) => panic!("{error:?}"),
    }
}

fn events(count: usize) -> Vec<Event> {
    (0..count).map(|_| Event { event_id: Uuid::now_v7().to_string(), ..event() }).collect()
}

/// Ids of the log of `default`; fails if its sequences have a hole.
pub(super) async fn log(server: &Server) -> Vec<String> {
    let mut audit = server.audit();
    let mut answers = audit.query_events(v1::QueryEventsRequest::default()).await.unwrap().into_inner();
    let mut ids = Vec::new();
    while let Some(message) = answers.message().await.unwrap() {
        let Some(query_events_response::Kind::Batch(batch)) = message.kind else { continue };
        for bytes in batch.events {
            let stored = Event::decode(bytes).unwrap();
            ids.push(stored.event_id);
            assert_eq!(stored.sequence, ids.len() as u64, "a hole in the log");
        }
    }
    ids
}

#[tokio::test]
async fn every_request_of_a_stream_is_answered_in_order() {
    let server = Server::start().await;
    let mut stream = open(server.channel.clone()).await;
    let sizes = [1, 3, 0, 1000, 2];
    let requests: Vec<Vec<Event>> = sizes.iter().map(|&size| events(size)).collect();
    for request in &requests {
        stream.send(request.clone()).await;
    }
    // The last request again: it is recorded once.
    stream.send(requests[4].clone()).await;
    let mut sequence = 0;
    for request in &requests {
        let receipts = stream.receipts().await;
        assert_eq!(receipts.len(), request.len());
        for (receipt, event) in receipts.iter().zip(request) {
            sequence += 1;
            assert_eq!((receipt.sequence, &receipt.event_id), (sequence, &event.event_id));
            assert_eq!(receipt.disposition(), Disposition::Recorded);
        }
    }
    for (i, receipt) in stream.receipts().await.iter().enumerate() {
        assert_eq!(
            (receipt.disposition(), receipt.sequence),
            (Disposition::Duplicate, sequence - 1 + i as u64)
        );
    }
    let Open { requests, mut answers } = stream;
    drop(requests);
    assert!(answers.message().await.unwrap().is_none(), "a client that has said all ends the stream well");
}

#[tokio::test]
async fn events_that_are_wrong_are_named_in_their_results_and_the_stream_goes_on() {
    let server = Server::start().await;
    let mut stream = open(server.channel.clone()).await;
    let wrong = Event { severity: 99, ..event() };
    stream.send(vec![event(), wrong, event()]).await;
    stream.send(vec![event()]).await;
    let kinds = stream.answer().await.unwrap();
    let [Kind::Receipt(first), Kind::Error(error), Kind::Receipt(third)] = kinds.as_slice() else {
        panic!("{kinds:?}");
    };
    assert_eq!((first.sequence, third.sequence), (1, 2));
    let status = Status::with_details(Code::from_i32(error.code), "", Bytes::from(error.encode_to_vec()));
    let details = expect(&status, Code::InvalidArgument, "INVALID_FIELDS");
    assert_eq!(fields(&details), ["events[1].severity"]);
    assert_eq!(stream.receipts().await[0].sequence, 3);
}

#[tokio::test]
async fn a_request_of_too_many_events_ends_the_stream_after_the_answers_before_it() {
    let server = Server::start().await;
    let mut stream = open(server.channel.clone()).await;
    let taken = events(2);
    stream.send(taken.clone()).await;
    stream.send(events(1001)).await;
    // Meant to stand behind those, so it is not recorded without them.
    stream.send(events(3)).await;
    assert_eq!(stream.receipts().await.len(), 2);
    let status = stream.answer().await.unwrap_err();
    let details = expect(&status, Code::InvalidArgument, "REQUEST_TOO_LARGE");
    assert_eq!(details.error_info().unwrap().metadata["limit_events"], "1000");
    assert_eq!(log(&server).await, taken.into_iter().map(|event| event.event_id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_message_over_the_limit_in_midstream_is_an_invalid_argument_with_the_limit() {
    let server = Server::with(&[("limits.request_bytes", "128KiB")]).await;
    let mut stream = open(server.channel.clone()).await;
    stream.send(events(1)).await;
    stream.send(vec![Event { description: "x".repeat(200_000), ..event() }]).await;
    assert_eq!(stream.receipts().await[0].sequence, 1);
    let status = stream.answer().await.unwrap_err();
    let details = expect(&status, Code::InvalidArgument, "REQUEST_TOO_LARGE");
    assert_eq!(details.error_info().unwrap().metadata["limit_bytes"], "131072");
}

#[tokio::test]
async fn bytes_that_are_no_message_in_midstream_are_an_invalid_argument() {
    let server = Server::start().await;
    let mut grpc = Grpc::new(server.channel.clone());
    grpc.ready().await.unwrap();
    let good = Bytes::from(RecordEventsRequest { events: events(1) }.encode_to_vec());
    let requests = tokio_stream::iter([good, Bytes::from_static(b"\x0a\xff\xff")]);
    let path = PathAndQuery::from_static("/vidne.v1.AuditService/RecordEvents");
    let mut answers = grpc.streaming(Request::new(requests), path, Raw).await.unwrap().into_inner();
    let first = RecordEventsResponse::decode(answers.message().await.unwrap().unwrap()).unwrap();
    assert_eq!(receipt(first.results[0].kind.clone().unwrap()).sequence, 1);
    let status = answers.message().await.unwrap_err();
    expect(&status, Code::InvalidArgument, "MALFORMED_REQUEST");
}

#[tokio::test]
async fn a_server_that_stops_answers_what_it_has_taken_and_then_says_so() {
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
    let vault = Vault::new(&MasterKey::generate().unwrap());
    let server = Server::over(store.clone(), vault.clone(), &[]).await;
    let mut stream = open(server.channel.clone()).await;
    let mut answered = Vec::new();
    for round in 0..20 {
        stream.send(events(50)).await;
        // In the midst of requests that nobody has answered yet.
        if round == 10 {
            answered.extend(stream.receipts().await);
            server.running.stop.cancel();
            break;
        }
    }
    let status = loop {
        match stream.answer().await {
            Ok(kinds) => answered.extend(kinds.into_iter().map(receipt)),
            Err(status) => break status,
        }
    };
    let details = expect(&status, Code::Unavailable, "SHUTTING_DOWN");
    assert!(details.retry_info().is_some());
    drop(stream);
    timeout(SOON, server.running.join()).await.unwrap().unwrap();
    // Nothing is in the log that was not answered, and the other way around.
    let again = Server::over(store, vault, &[]).await;
    let answered: Vec<String> = answered.into_iter().map(|receipt| receipt.event_id).collect();
    assert_eq!(log(&again).await, answered);
}

#[tokio::test]
async fn a_client_that_sends_and_never_reads_is_slowed_down_and_loses_nothing() {
    const MANY: usize = 400;
    let server = Server::start().await;
    let address = format!("http://{}", server.running.addresses.listen);
    // Small windows: the answers that nobody reads must not all fit into the connection.
    let channel = Channel::from_shared(address)
        .unwrap()
        .initial_stream_window_size(65_535)
        .initial_connection_window_size(65_535)
        .connect()
        .await
        .unwrap();
    let stream = open(channel).await;
    let Open { requests, mut answers } = stream;
    let request = || {
        let events = events(20).into_iter().map(|event| Event { description: "x".repeat(4_000), ..event });
        RecordEventsRequest { events: events.collect() }
    };
    let mut sent = 0;
    // A request that cannot be sent within this time is being held back.
    while sent < MANY
        && let Ok(room) = timeout(Duration::from_secs(2), requests.reserve()).await
    {
        room.unwrap().send(request());
        sent += 1;
    }
    // 32 in the journal, some 20 answers and as many requests on their way.
    assert!(sent < 150, "{sent} requests were taken from a client that reads no answers");
    // It goes on as soon as somebody reads.
    let rest = tokio::spawn(async move {
        for _ in sent..MANY {
            requests.send(request()).await.unwrap();
        }
    });
    let mut next = 0;
    while let Some(answer) = timeout(SOON, answers.message()).await.unwrap().unwrap() {
        for result in answer.results {
            next += 1;
            assert_eq!(receipt(result.kind.unwrap()).sequence, next);
        }
    }
    rest.await.unwrap();
    assert_eq!(next as usize, MANY * 20);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_a_log_without_holes() {
    let server = Server::start().await;
    let mut stream = open(server.channel.clone()).await;
    let (mut sent, mut answered) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let request = events(30);
        sent.extend(request.iter().map(|event| event.event_id.clone()));
        stream.send(request).await;
    }
    for _ in 0..3 {
        answered.extend(stream.receipts().await.into_iter().map(|receipt| receipt.event_id));
    }
    drop(stream);
    // Of the same tenant, so it stands behind everything that was taken.
    let last = server.record(event()).await.unwrap();
    let mut log = log(&server).await;
    assert_eq!(log.pop().unwrap(), last.event_id);
    assert!(log.starts_with(&answered), "what was answered is not all there");
    assert!(sent.starts_with(&log), "{} events in the log are not the first that were sent", log.len());
    assert_eq!(log.len() % 30, 0, "half a request");
}

#[tokio::test]
async fn a_stream_without_requests_ends_well() {
    let server = Server::start().await;
    let mut stream = open(server.channel.clone()).await;
    let (requests, _) = mpsc::channel(1);
    drop(std::mem::replace(&mut stream.requests, requests));
    stream.end().await.unwrap();
}
