//! Stopping in good order.

use std::time::Duration;

use tokio::time::timeout;
use tonic::{Code, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use vidne::codec::proto::v1;

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
