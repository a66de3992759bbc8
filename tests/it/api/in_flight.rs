//! G10: the bytes of all requests in flight are bounded, and no client keeps the room of others.

use std::time::Duration;

use futures::FutureExt as _;
use tonic::{Code, transport::Channel};
use uuid::Uuid;
use vidne::codec::proto::v1::{self, Disposition, Event, RecordEventsResponse, record_result::Kind};

use super::{
    Server, event, expect,
    metrics::page,
    raw_stream::{RawStream, framed},
    stream::log,
};

const SOON: Duration = Duration::from_secs(30);
/// As small as it can be: one request of the largest size fills it.
const SMALL: [(&str, &str); 2] = [("limits.request_bytes", "1MiB"), ("server.in_flight_bytes", "1MiB")];

/// Events of about `kib` KiB together.
fn events(kib: usize) -> Vec<Event> {
    let large = || Event { event_id: Uuid::now_v7().to_string(), description: "x".repeat(10_000), ..event() };
    (0..kib / 10).map(|_| large()).collect()
}

/// A request that leaves no room for another, and how many events are in it.
fn filling() -> (Vec<u8>, usize) {
    let mut all = events(900);
    // Room for nothing that is larger than a few bytes.
    let left = (1 << 20) - framed(all.clone()).len() - 200;
    for rest in (0..left).step_by(12_000) {
        let size = 12_000.min(left - rest).saturating_sub(80);
        all.push(Event { event_id: Uuid::now_v7().to_string(), description: "y".repeat(size), ..event() });
    }
    let count = all.len();
    let bytes = framed(all);
    assert!((1 << 20) - bytes.len() < 1_000 && bytes.len() <= 1 << 20, "{}", bytes.len());
    (bytes, count)
}

fn large_event() -> Event {
    Event { description: "z".repeat(5_000), ..event() }
}

async fn connect(server: &Server) -> Channel {
    super::connect(&server.running).await
}

async fn metric(server: &Server, name: &str) -> u64 {
    let page = page(server).await;
    let line = page.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
}

/// Waits until so many bytes are in flight.
async fn in_flight(server: &Server, bytes: usize) {
    let reached = async { while metric(server, "vidne_in_flight_bytes").await != bytes as u64 {} };
    if tokio::time::timeout(SOON, reached).await.is_err() {
        panic!("{} bytes are in flight, not {bytes}", metric(server, "vidne_in_flight_bytes").await);
    }
}

fn recorded(answer: &RecordEventsResponse) -> usize {
    let is_recorded = |kind: &Kind| match kind {
        Kind::Receipt(receipt) => receipt.disposition() == Disposition::Recorded,
        Kind::Error(_) => false,
    };
    answer.results.iter().filter(|result| result.kind.as_ref().is_some_and(is_recorded)).count()
}

#[tokio::test]
async fn g9_a_call_that_finds_no_room_is_told_when_to_try_again_and_a_stream_waits() {
    let server = Server::with(&SMALL).await;
    let (mut first, mut second) =
        (RawStream::open(connect(&server).await).await, RawStream::open(connect(&server).await).await);
    let (request, count) = filling();
    // Announced, and half of it there: room is taken for the whole of it.
    first.send(&request[..request.len() / 2]).await;
    in_flight(&server, request.len()).await;

    let status = server.record(large_event()).await.unwrap_err();
    let details = expect(&status, Code::ResourceExhausted, "OVERLOADED");
    assert!(status.message().contains("server.in_flight_bytes"), "{}", status.message());
    assert_eq!(details.error_info().unwrap().metadata["limit_bytes"], "1048576");
    assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_millis(100)));
    assert_eq!(metric(&server, "vidne_requests_refused_total").await, 1);

    second.send(&framed(vec![large_event()])).await;
    // Whatever is ready by now is no answer to the one that waits.
    in_flight(&server, request.len()).await;
    assert!(second.answer().now_or_never().is_none(), "answered without room");

    first.send(&request[request.len() / 2..]).await;
    assert_eq!(recorded(&first.answer().await.unwrap()), count);
    assert_eq!(recorded(&second.answer().await.unwrap()), 1);
    in_flight(&server, 0).await;
    server.record(large_event()).await.unwrap();
    assert_eq!(log(&server).await.len(), count + 2);
}

#[tokio::test]
async fn g10_a_message_that_is_announced_and_never_sent_loses_its_room() {
    let settings = [SMALL[0], SMALL[1], ("server.message_timeout", "300ms")];
    let server = Server::with(&settings).await;
    let mut stream = RawStream::open(connect(&server).await).await;
    stream.send(&framed(vec![event()])).await;
    assert_eq!(recorded(&stream.answer().await.unwrap()), 1);
    let (request, _) = filling();
    stream.send(&request[..1_000]).await;
    let status = stream.answer().await.unwrap_err();
    expect(&status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    assert!(status.message().contains("server.message_timeout"), "{}", status.message());
    in_flight(&server, 0).await;
    server.record(large_event()).await.unwrap();
    assert_eq!(log(&server).await.len(), 2);
}

#[tokio::test]
async fn a_stream_that_is_cut_in_the_middle_of_a_message_is_told_so_and_none_of_it_is_recorded() {
    let server = Server::start().await;
    let (first, second) = (framed(events(30)), framed(events(100)));
    // Within the prefix, right behind it, within the message, and one byte before its end.
    for cut in [3, 5, 1_000, second.len() - 1] {
        let before = log(&server).await.len();
        let mut stream = RawStream::open(connect(&server).await).await;
        let fresh = framed(events(30));
        assert_eq!(fresh.len(), first.len());
        stream.send(&[&fresh[..], &second[..cut]].concat()).await;
        stream.finish();
        assert_eq!(recorded(&stream.answer().await.unwrap()), 3);
        let status = stream.answer().await.unwrap_err();
        expect(&status, Code::InvalidArgument, "MALFORMED_REQUEST");
        assert!(status.message().contains("in the middle of a message"), "{}", status.message());
        assert_eq!(log(&server).await.len(), before + 3);
    }
    in_flight(&server, 0).await;
}

#[tokio::test]
async fn a_message_in_pieces_of_any_size_is_the_same_message() {
    let server = Server::start().await;
    let mut sent = 0;
    for size in [1, 4, 5, 6, 1_000, 70_000] {
        let mut stream = RawStream::open(connect(&server).await).await;
        let (one, other, none) = (framed(events(10)), framed(events(20)), framed(Vec::new()));
        for piece in [one, none, other].concat().chunks(size) {
            stream.send(piece).await;
        }
        for expected in [1, 0, 2] {
            assert_eq!(recorded(&stream.answer().await.unwrap()), expected, "in pieces of {size}");
        }
        sent += 3;
        stream.finish();
        assert_eq!(stream.answer().await.unwrap_err().code(), Code::Ok);
    }
    assert_eq!(log(&server).await.len(), sent);
}

#[tokio::test]
async fn g10_clients_that_send_and_never_read_hold_neither_room_nor_places_that_others_need() {
    // A queue that one request fills, and room for two: whoever kept either would stop everybody.
    let server = Server::with(&[
        ("limits.request_bytes", "1MiB"),
        ("server.in_flight_bytes", "2MiB"),
        ("journal.queue_events", "100"),
    ])
    .await;
    let requests: Vec<u8> = (0..60).flat_map(|_| framed(events(500))).collect();
    let mut deaf = Vec::new();
    for _ in 0..6 {
        // Answers of 50 receipts each: the window for them is full after a few.
        let channel = Channel::from_shared(format!("http://{}", server.running.addresses.listen))
            .unwrap()
            .initial_stream_window_size(16_384)
            .initial_connection_window_size(65_535)
            .connect()
            .await
            .unwrap();
        let stream = RawStream::open(channel).await;
        let taken = stream.push_until_held_back(&requests, Duration::from_millis(500)).await;
        assert!(taken < requests.len(), "all {taken} bytes were taken from a client that reads nothing");
        deaf.push(stream);
    }
    // They stand still; what they have given is recorded or was never taken in.
    in_flight(&server, 0).await;
    for _ in 0..50 {
        let done = tokio::time::timeout(SOON, server.record(large_event())).await;
        done.expect("another client is held up").unwrap();
    }
    let batch = v1::BatchRecordEventsRequest { events: events(500) };
    let results = server.audit().batch_record_events(batch).await.unwrap().into_inner().results;
    assert_eq!(results.len(), 50);
    drop(deaf);
    log(&server).await;
}
