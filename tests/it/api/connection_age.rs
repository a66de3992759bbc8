//! Connections that are closed in time, so that several servers share the load.

use std::time::{Duration, Instant};

use tonic::transport::Channel;
use vidne::{
    client::{Client, ClientOptions, proto::audit_service_client::AuditServiceClient},
    codec::proto::v1::QueryEventsRequest,
};

use super::{Server, event};
use crate::support::proxy::Proxy;

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_old_connection_is_closed_between_calls_and_a_stream_on_it_goes_on() {
    let server =
        Server::with(&[("server.max_connection_age", "1s"), ("query.progress_interval", "1s")]).await;
    let proxy = Proxy::start(vec![server.running.addresses.listen]).await;
    let channel = Channel::from_shared(proxy.endpoint()).unwrap().connect().await.unwrap();
    let mut audit = AuditServiceClient::new(channel);
    let follow = QueryEventsRequest { follow: true, ..QueryEventsRequest::default() };
    let mut stream = audit.query_events(follow).await.unwrap().into_inner();
    // A call that meets the end of its connection is sent again by the client.
    let client = Client::connect(&proxy.endpoint(), ClientOptions::default()).unwrap();
    let end = Instant::now() + SOON;
    while proxy.connections() < 4 {
        assert!(Instant::now() < end, "{} connections", proxy.connections());
        client.record(event()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The first connection is long past its age, and its stream is alive.
    for _ in 0..3 {
        tokio::time::timeout(SOON, stream.message()).await.unwrap().unwrap().unwrap();
    }
}
