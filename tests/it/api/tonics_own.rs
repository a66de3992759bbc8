//! What tonic itself refuses is answered as everything else is.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use vidne::codec::proto::v1;

use super::{Server, event, expect};

/// Sends bytes as they are.
#[derive(Clone, Default)]
pub(super) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

async fn call(server: &Server, path: &'static str, bytes: &'static [u8]) -> Status {
    let mut grpc = Grpc::new(server.channel.clone());
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static(path);
    grpc.unary(Request::new(Bytes::from_static(bytes)), path, Raw).await.unwrap_err()
}

#[tokio::test]
async fn a_request_over_the_limit_is_an_invalid_argument_with_the_limit() {
    let server = Server::with(&[("limits.request_bytes", "128KiB")]).await;
    let status = server.record(v1::Event { description: "x".repeat(200_000), ..event() }).await.unwrap_err();
    let details = expect(&status, Code::InvalidArgument, "REQUEST_TOO_LARGE");
    assert_eq!(details.error_info().unwrap().metadata["limit_bytes"], "131072");
}

#[tokio::test]
async fn bytes_that_are_no_message_are_an_invalid_argument() {
    let status = call(&Server::start().await, "/vidne.v1.AuditService/RecordEvent", b"\x0a\xff\xff").await;
    expect(&status, Code::InvalidArgument, "MALFORMED_REQUEST");
}

#[tokio::test]
async fn a_method_that_does_not_exist_is_unimplemented() {
    let server = Server::start().await;
    for path in ["/vidne.v1.AuditService/RecordEverything", "/vidne.v9.AuditService/RecordEvent"] {
        expect(&call(&server, path, b"").await, Code::Unimplemented, "UNKNOWN_METHOD");
    }
}

#[tokio::test]
async fn a_compressed_request_is_told_that_it_is_not_read() {
    let server = Server::start().await;
    let mut request = Request::new(v1::ListTenantsRequest::default());
    request.metadata_mut().insert("grpc-encoding", "gzip".parse().unwrap());
    let status = server.tenants().list_tenants(request).await.unwrap_err();
    expect(&status, Code::Unimplemented, "MALFORMED_REQUEST");
}

#[tokio::test]
async fn the_server_does_not_say_that_it_compresses() {
    let server = Server::start().await;
    let answer = server.tenants().list_tenants(v1::ListTenantsRequest::default()).await.unwrap();
    assert!(answer.metadata().get("grpc-encoding").is_none());
    assert!(answer.metadata().get("grpc-accept-encoding").is_none());
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_answered_in_time() {
    // Connections to this one are made by the system, and nobody ever says a word on them.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::with(&[("server.request_timeout", "100ms")]).await;
    let sftp = v1::SftpDestination {
        address: silent.local_addr().unwrap().to_string(),
        user_name: "vidne".to_owned(),
        password: "x".to_owned(),
        ..Default::default()
    };
    let destination = v1::Destination { kind: Some(v1::destination::Kind::Sftp(sftp)) };
    let target = Some(v1::test_destination_request::Target::Destination(destination));
    let request = v1::TestDestinationRequest { target, ..Default::default() };
    let mut exports = server.exports();
    let answer = exports.test_destination(request);
    let answer = tokio::time::timeout(Duration::from_secs(10), answer).await.unwrap();
    expect(&answer.unwrap_err(), Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
}
