//! A client that sends the same bytes again and again, as fast as it may.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::{Buf as _, BufMut as _, Bytes};
use futures::stream;
use http::uri::PathAndQuery;
use prost::Message as _;
use tokio::time;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::{Channel, Endpoint},
};

use super::{error::BenchError, sample::Sample};
use crate::codec::proto::v1::{BatchRecordEventsRequest, Event, RecordEventRequest, RecordEventsRequest};

/// Events of one request.
const EVENTS: usize = 1_000;
/// How long a client waits that was told to come again, as vidne asks for.
const AGAIN: Duration = Duration::from_millis(100);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// What all clients together have sent.
#[derive(Debug, Default)]
pub(super) struct Pushed {
    answered: AtomicU64,
    events: AtomicU64,
    refused: AtomicU64,
    broken: AtomicU64,
}

impl Pushed {
    /// Requests that were answered.
    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Events in them.
    pub(super) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Requests that were refused for want of room.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Calls that ended with their connection: a machine that is this busy does not always answer a ping in time.
    pub(super) fn broken(&self) -> u64 {
        self.broken.load(Ordering::Relaxed)
    }

    fn answer(&self, events: usize) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.events.fetch_add(events as u64, Ordering::Relaxed);
    }
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Unary,
    Batch,
    Stream,
}

/// One client.
pub(super) struct Pusher {
    channel: Channel,
    way: Way,
    request: Bytes,
    pushed: Arc<Pushed>,
}

impl Pusher {
    /// Client number `client`: two of four stream, one sends batches, one sends single events.
    pub(super) async fn connect(
        endpoint: &str,
        client: usize,
        pushed: Arc<Pushed>,
    ) -> Result<Self, BenchError> {
        let failed = |source| BenchError::Unreachable { endpoint: endpoint.to_owned(), source };
        let channel = Endpoint::from_shared(endpoint.to_owned()).map_err(failed)?;
        let channel = channel.connect_timeout(CONNECT).tcp_nodelay(true).connect().await.map_err(failed)?;
        // Without ids of their own: the server makes them, so the same bytes are new events each time.
        let events = |count| -> Vec<Event> {
            let nameless = |event| Event { event_id: String::new(), ..event };
            Sample::new("").events(count).into_iter().map(nameless).collect()
        };
        let (way, request) = match client % 4 {
            0 => (Way::Unary, RecordEventRequest { event: events(1).pop() }.encode_to_vec()),
            1 => (Way::Batch, BatchRecordEventsRequest { events: events(EVENTS) }.encode_to_vec()),
            _ => (Way::Stream, RecordEventsRequest { events: events(EVENTS) }.encode_to_vec()),
        };
        Ok(Self { channel, way, request: request.into(), pushed })
    }

    /// Pushes until it is dropped; ends only if it fails.
    pub(super) async fn push(self) -> Result<(), BenchError> {
        let way = self.way;
        let failed = |status| BenchError::Call { case: format!("{way:?}"), status: Box::new(status) };
        let mut grpc = Grpc::new(self.channel.clone());
        loop {
            if grpc.ready().await.is_err() {
                self.pushed.broken.fetch_add(1, Ordering::Relaxed);
                time::sleep(AGAIN).await;
                continue;
            }
            let done = match self.way {
                Way::Unary => self.call(&mut grpc, "/vidne.v1.AuditService/RecordEvent", 1).await,
                Way::Batch => self.call(&mut grpc, "/vidne.v1.AuditService/BatchRecordEvents", EVENTS).await,
                Way::Stream => self.stream(&mut grpc).await,
            };
            let counter = match done {
                Ok(()) => continue,
                Err(status) if may_come_again(status.code()) => &self.pushed.refused,
                Err(status) if std::error::Error::source(&status).is_some() => &self.pushed.broken,
                Err(status) => return Err(failed(status)),
            };
            counter.fetch_add(1, Ordering::Relaxed);
            time::sleep(AGAIN).await;
        }
    }

    async fn call(&self, grpc: &mut Grpc<Channel>, path: &'static str, events: usize) -> Result<(), Status> {
        let request = Request::new(self.request.clone());
        grpc.unary(request, PathAndQuery::from_static(path), AsItIs).await?;
        self.pushed.answer(events);
        Ok(())
    }

    async fn stream(&self, grpc: &mut Grpc<Channel>) -> Result<(), Status> {
        let requests = Request::new(stream::repeat(self.request.clone()));
        let path = PathAndQuery::from_static("/vidne.v1.AuditService/RecordEvents");
        let mut answers = grpc.streaming(requests, path, AsItIs).await?.into_inner();
        while answers.message().await?.is_some() {
            self.pushed.answer(EVENTS);
        }
        Ok(())
    }
}

/// What a server that has too much to do answers, and one whose database does not keep up.
fn may_come_again(code: Code) -> bool {
    matches!(code, Code::ResourceExhausted | Code::Unavailable | Code::DeadlineExceeded)
}

/// Sends and receives bytes as they are.
#[derive(Clone, Copy, Default)]
struct AsItIs;

impl Codec for AsItIs {
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

impl Encoder for AsItIs {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for AsItIs {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
