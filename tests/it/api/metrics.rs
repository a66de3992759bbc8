//! Prometheus metrics over HTTP.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use vidne::codec::proto::v1;

use super::{Server, event};

pub(super) async fn page(server: &Server) -> String {
    let mut stream = TcpStream::connect(server.running.addresses.metrics.unwrap()).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: vidne\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    text
}

fn has(page: &str, line: &str) {
    assert!(page.lines().any(|l| l == line), "there is no line {line} in\n{page}");
}

#[tokio::test]
async fn metrics_count_calls_events_and_streams() {
    let server = Server::start().await;
    server.record(event()).await.unwrap();
    server.record(event()).await.unwrap();
    server.record(v1::Event::default()).await.unwrap_err();
    let user_created = v1::Event { r#type: v1::EventType::UserCreated.into(), ..v1::Event::default() };
    server.record(user_created).await.unwrap();
    let request = v1::QueryEventsRequest { follow: true, ..Default::default() };
    let _open = server.audit().query_events(request).await.unwrap();

    let page = page(&server).await;
    let record = "method=\"vidne.v1.AuditService/RecordEvent\"";
    has(&page, &format!("vidne_rpc_total{{{record},code=\"OK\"}} 3"));
    has(&page, &format!("vidne_rpc_total{{{record},code=\"INVALID_ARGUMENT\"}} 1"));
    has(&page, &format!("vidne_rpc_duration_seconds_count{{{record}}} 4"));
    has(&page, "vidne_events_total{disposition=\"recorded\"} 2");
    has(&page, "vidne_events_total{disposition=\"refused\"} 1");
    has(&page, "vidne_events_total{disposition=\"not_recorded\"} 1");
    has(&page, "vidne_open_streams 1");
    has(&page, "vidne_database_up 1");
    assert!(page.contains("vidne_build_info{version="));
}

#[tokio::test]
async fn a_method_that_does_not_exist_makes_no_label() {
    let server = Server::start().await;
    let path = http::uri::PathAndQuery::from_static("/vidne.v1.AuditService/RecordEverything");
    let mut grpc = tonic::client::Grpc::new(server.channel.clone());
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<v1::ListTenantsRequest, v1::ListTenantsResponse>::default();
    grpc.unary(tonic::Request::new(v1::ListTenantsRequest::default()), path, codec).await.unwrap_err();
    let page = page(&server).await;
    has(&page, "vidne_rpc_total{method=\"unknown\",code=\"UNIMPLEMENTED\"} 1");
    assert!(!page.contains("RecordEverything"));
}
