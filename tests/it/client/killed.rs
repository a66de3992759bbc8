//! A recorder over a real server that is killed with -9.

use std::time::Duration;

use futures::future::join_all;
use prost::Message as _;
use tokio::time::timeout;
use vidne::{
    client::{
        Client, ClientOptions, Order, Outcome, Policy, QueryItem, Recorder, RecorderOptions, Resume,
        SpoolOptions,
    },
    codec::proto::v1::{Event, QueryEventsRequest},
};

use super::recorder::{begin_all, event};
use crate::support::server::Server;

const EVENTS: usize = 50_000;
const SOON: Duration = Duration::from_secs(240);

fn client(server: &Server) -> Client {
    let options = ClientOptions { longest_backoff: Duration::from_millis(500), ..ClientOptions::default() };
    Client::connect(&server.endpoint(), options).unwrap()
}

/// Ids of a log, in order; fails if its sequences have a hole.
async fn log(client: &Client) -> Vec<String> {
    let mut stream = client.query(QueryEventsRequest::default(), Resume::Attempts(3));
    let mut ids = Vec::new();
    while let Some(message) = stream.next().await {
        let QueryItem::Events(events) = message.unwrap().item else { continue };
        for bytes in events {
            let stored = Event::decode(bytes).unwrap();
            ids.push(stored.event_id);
            assert_eq!(stored.sequence, ids.len() as u64, "a hole in the log");
        }
    }
    ids
}

/// Records 50,000 events while the server is killed twice.
async fn through_kills(options: RecorderOptions) {
    let mut server = Server::on_sqlite();
    let recorder = Recorder::start(client(&server), options).await.unwrap();
    let events: Vec<Event> = (0..EVENTS).map(|_| event("")).collect();
    let ids: Vec<String> = events.iter().map(|event| event.event_id.clone()).collect();
    let mut sent = tokio::spawn({
        let recorder = recorder.clone();
        async move { join_all(begin_all(&recorder, &events).await).await }
    });
    for after in [5_000, 20_000] {
        // Some are there, and the rest is under way.
        let target = client(&server);
        loop {
            let newest = QueryEventsRequest { order: 2, limit: 1, ..QueryEventsRequest::default() };
            let mut stream = target.query(newest, Resume::Attempts(10));
            let mut head = 0;
            while let Some(message) = stream.next().await {
                if let QueryItem::Events(events) = message.unwrap().item {
                    head = Event::decode(events[0].clone()).unwrap().sequence;
                }
            }
            if head >= after {
                break;
            }
            if let Ok(ended) = timeout(Duration::from_millis(5), &mut sent).await {
                panic!("all were sent before the server was killed: {}", ended.unwrap().len());
            }
        }
        server.kill9();
        server.restart();
    }
    for answer in timeout(SOON, sent).await.unwrap().unwrap() {
        assert!(matches!(answer.unwrap(), Outcome::Answered(_) | Outcome::Spooled));
    }
    timeout(SOON, recorder.flush(None)).await.unwrap().unwrap();
    let log = log(&client(&server)).await;
    assert_eq!(log.len(), ids.len());
    assert!(log == ids, "not in the order in which they were handed over");
    recorder.close(SOON).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_everything_is_recorded_once_and_in_order_by_a_server_that_is_killed() {
    through_kills(RecorderOptions::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_pipelined_requests_are_recorded_once_and_in_order_by_a_server_that_is_killed() {
    through_kills(RecorderOptions { order: Order::Pipelined, ..RecorderOptions::default() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_with_a_spool_everything_is_recorded_once_and_in_order_by_a_server_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy::Spool(SpoolOptions::new(folder.path()));
    through_kills(RecorderOptions { policy, ..RecorderOptions::default() }).await;
}
