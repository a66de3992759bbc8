//! Stopping in good order.

use std::{ops::Add as _, sync::Arc, time::Duration};

use prost::Message as _;
use tokio::time::timeout;
use tonic::{Code, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use vidne::{
    codec::proto::v1::{self, query_events_request::Start, query_events_response::Kind},
    domain::time::SystemClock,
    store::memory::MemoryStore,
    vault::{MasterKey, Vault},
};

use super::{Server, event, expect};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_stream_that_follows_is_told_to_connect_again_and_the_server_ends() {
    let server = Server::start().await;
    server.record(event()).await.unwrap();
    let request = v1::QueryEventsRequest { follow: true, ..Default::default() };
    let mut stream = server.audit().query_events(request).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    server.running.stop.cancel();
    let status = timeout(SOON, async {
        loop {
            if let Err(status) = stream.message().await {
                return status;
            }
        }
    });
    let details = expect(&status.await.unwrap(), Code::Unavailable, "SHUTTING_DOWN");
    assert!(details.retry_info().is_some());
    drop(stream);
    // Well before the deadline of 20 s.
    timeout(SOON, server.running.join()).await.unwrap().unwrap();
}

#[tokio::test]
async fn health_says_not_serving_during_the_delay_while_calls_are_still_answered() {
    let server = Server::with(&[("shutdown.delay", "1s")]).await;
    let mut client = HealthClient::new(server.channel.clone());
    let mut watch = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    server.running.stop.cancel();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    server.record(event()).await.unwrap();
    // An open watch does not hold the end up.
    timeout(SOON, server.running.join()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_let_go_is_cut_off_at_the_deadline() {
    let server = Server::with(&[("shutdown.deadline", "1s")]).await;
    // A reflection stream lasts as long as its client likes.
    let mut client = tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient::new(
        server.channel.clone(),
    );
    let mut stream = client.server_reflection_info(tokio_stream::pending()).await.unwrap().into_inner();
    server.running.stop.cancel();
    timeout(SOON, server.running.join()).await.unwrap().unwrap();
    timeout(SOON, stream.message()).await.unwrap().unwrap_err();
}

#[tokio::test]
async fn nobody_can_connect_after_the_end() {
    let server = Server::start().await;
    let address = format!("http://{}", server.running.addresses.listen);
    server.running.stop.cancel();
    timeout(SOON, server.running.join()).await.unwrap().unwrap();
    Channel::from_shared(address).unwrap().connect().await.unwrap_err();
}

#[tokio::test]
async fn the_token_of_an_ended_streams_last_message_goes_on_exactly_behind_it_on_the_next_server() {
    const EVENTS: u64 = 300;
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
    let vault = || Vault::new(&MasterKey::from_base64(&"A".repeat(43).add("="), "the test").unwrap());
    let small = [("query.chunk_events", "1"), ("limits.batch_bytes", "128KiB")];
    let server = Server::over(store.clone(), vault(), &small).await;
    for _ in 0..EVENTS {
        server.record(event()).await.unwrap();
    }
    let mut request = v1::QueryEventsRequest { follow: true, ..Default::default() };
    let mut stream = server.audit().query_events(request.clone()).await.unwrap().into_inner();
    let mut seen = Vec::new();
    // Somewhere in the midst of it.
    take(stream.message().await.unwrap().unwrap(), &mut seen, &mut request);
    server.running.stop.cancel();
    let status = loop {
        match timeout(SOON, stream.message()).await.unwrap() {
            Ok(message) => take(message.unwrap(), &mut seen, &mut request),
            Err(status) => break status,
        }
    };
    expect(&status, Code::Unavailable, "SHUTTING_DOWN");
    timeout(SOON, server.running.join()).await.unwrap().unwrap();

    let server = Server::over(store, vault(), &small).await;
    request.follow = false;
    let mut stream = server.audit().query_events(request.clone()).await.unwrap().into_inner();
    while let Some(message) = stream.message().await.unwrap() {
        take(message, &mut seen, &mut request);
    }
    assert_eq!(seen, (1..=EVENTS).collect::<Vec<_>>());
}

/// Notes which events came, and how to go on behind them.
fn take(message: v1::QueryEventsResponse, seen: &mut Vec<u64>, request: &mut v1::QueryEventsRequest) {
    if let Some(Kind::Batch(batch)) = message.kind {
        let events = batch.events.into_iter().map(Vec::from);
        seen.extend(events.map(|event| v1::Event::decode(event.as_slice()).unwrap().sequence));
    }
    request.start = Some(Start::ResumeToken(message.resume_token));
}

#[tokio::test]
async fn nobody_can_connect_any_more_while_the_last_calls_end() {
    let server = Server::start().await;
    let address = server.running.addresses.listen;
    let mut client = tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient::new(
        server.channel.clone(),
    );
    // A reflection stream lasts as long as its requests.
    let (end, requests) = tokio::sync::mpsc::channel(1);
    let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
    let mut stream = client.server_reflection_info(requests).await.unwrap().into_inner();
    server.running.stop.cancel();
    let refused = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, refused).await.unwrap();
    // The server is still there for the call that is open.
    drop(end);
    assert!(timeout(SOON, stream.message()).await.unwrap().unwrap().is_none());
    timeout(SOON, server.running.join()).await.unwrap().unwrap();
}
