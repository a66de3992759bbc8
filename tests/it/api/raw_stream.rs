//! A stream of bytes to the server, in whatever pieces the test wants them to arrive.

use std::{future::poll_fn, io, pin::Pin, time::Duration};

use axum::body::Bytes;
use http::{HeaderMap, Request};
use http_body::Body as _;
use prost::Message as _;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Code, Status, body::Body, client::GrpcService as _, transport::Channel};
use vidne::codec::proto::v1::{Event, RecordEventsRequest, RecordEventsResponse};

const SOON: Duration = Duration::from_secs(30);

/// A `RecordEvents` call whose bytes the test frames itself.
pub(super) struct RawStream {
    pieces: mpsc::Sender<Bytes>,
    answers: Body,
    received: Vec<u8>,
}

/// A request as gRPC frames it.
pub(super) fn framed(events: Vec<Event>) -> Vec<u8> {
    let message = RecordEventsRequest { events }.encode_to_vec();
    let size = u32::try_from(message.len()).unwrap();
    [&[0], &size.to_be_bytes()[..], &message].concat()
}

impl RawStream {
    pub(super) async fn open(mut channel: Channel) -> Self {
        let (pieces, receiver) = mpsc::channel(1);
        let body = axum::body::Body::from_stream(ReceiverStream::new(receiver).map(Ok::<_, io::Error>));
        let request = Request::post("http://vidne.test/vidne.v1.AuditService/RecordEvents")
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Body::new(body))
            .unwrap();
        poll_fn(|context| channel.poll_ready(context)).await.unwrap();
        let answers = timeout(SOON, channel.call(request)).await.unwrap().unwrap().into_body();
        Self { pieces, answers: Body::new(answers), received: Vec::new() }
    }

    pub(super) async fn send(&self, bytes: &[u8]) {
        timeout(SOON, self.pieces.send(Bytes::copy_from_slice(bytes))).await.unwrap().unwrap();
    }

    /// Sends in small pieces until the server takes no more of them for a while; how much it took.
    pub(super) async fn push_until_held_back(&self, bytes: &[u8], quiet: Duration) -> usize {
        let mut taken = 0;
        for piece in bytes.chunks(16 * 1024) {
            match timeout(quiet, self.pieces.send(Bytes::copy_from_slice(piece))).await {
                Ok(sent) => sent.unwrap(),
                Err(_) => break,
            }
            taken += piece.len();
        }
        taken
    }

    /// Says that nothing more comes, wherever in a message that is.
    pub(super) fn finish(&mut self) {
        self.pieces = mpsc::channel(1).0;
    }

    /// The next answer, or what the stream ends with.
    pub(super) async fn answer(&mut self) -> Result<RecordEventsResponse, Status> {
        loop {
            if let Some(answer) = self.whole() {
                return Ok(answer);
            }
            let frame = poll_fn(|context| Pin::new(&mut self.answers).poll_frame(context));
            match timeout(SOON, frame).await.expect("no answer").expect("an end without a status") {
                Ok(frame) => match frame.into_data() {
                    Ok(data) => self.received.extend_from_slice(&data),
                    Err(frame) => return Err(ended(&frame.into_trailers().unwrap())),
                },
                Err(status) => return Err(status),
            }
        }
    }

    fn whole(&mut self) -> Option<RecordEventsResponse> {
        let size: [u8; 4] = self.received.get(1..5)?.try_into().unwrap();
        let end = 5 + u32::from_be_bytes(size) as usize;
        let message = self.received.get(5..end).map(|bytes| RecordEventsResponse::decode(bytes).unwrap())?;
        self.received.drain(..end);
        Some(message)
    }
}

fn ended(trailers: &HeaderMap) -> Status {
    Status::from_header_map(trailers).unwrap_or_else(|| Status::new(Code::Ok, "no status"))
}
