//! An audit service that does what a test tells it, on a real connection.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{Stream, stream};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};
use vidne::{
    api::proto::audit_service_server::{AuditService, AuditServiceServer},
    client::{Client, ClientOptions},
    codec::proto::{internal::RawEventBatch, v1},
};

/// What the next call is answered with.
pub type Answer<T> = Result<T, Status>;
type Messages = Vec<Answer<v1::QueryEventsResponse>>;

/// Answers to come, and the requests that came.
#[derive(Clone, Default)]
pub struct Script {
    pub record: Arc<Mutex<VecDeque<Answer<v1::RecordEventResponse>>>>,
    pub batch: Arc<Mutex<VecDeque<Answer<v1::BatchRecordEventsResponse>>>>,
    pub query: Arc<Mutex<VecDeque<Messages>>>,
    pub recorded: Arc<Mutex<Vec<v1::RecordEventRequest>>>,
    pub batches: Arc<Mutex<Vec<v1::BatchRecordEventsRequest>>>,
    pub queries: Arc<Mutex<Vec<v1::QueryEventsRequest>>>,
}

#[tonic::async_trait]
impl AuditService for Script {
    async fn record_event(
        &self,
        request: Request<v1::RecordEventRequest>,
    ) -> Answer<Response<v1::RecordEventResponse>> {
        self.recorded.lock().unwrap().push(request.into_inner());
        next(&self.record).map(Response::new)
    }

    async fn batch_record_events(
        &self,
        request: Request<v1::BatchRecordEventsRequest>,
    ) -> Answer<Response<v1::BatchRecordEventsResponse>> {
        self.batches.lock().unwrap().push(request.into_inner());
        next(&self.batch).map(Response::new)
    }

    type RecordEventsStream = Pin<Box<dyn Stream<Item = Answer<v1::RecordEventsResponse>> + Send>>;

    async fn record_events(
        &self,
        _: Request<tonic::Streaming<v1::RecordEventsRequest>>,
    ) -> Answer<Response<Self::RecordEventsStream>> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn get_event(&self, _: Request<v1::GetEventRequest>) -> Answer<Response<v1::GetEventResponse>> {
        Err(Status::unimplemented("not in this test"))
    }

    type QueryEventsStream = Pin<Box<dyn Stream<Item = Answer<v1::QueryEventsResponse>> + Send>>;

    async fn query_events(
        &self,
        request: Request<v1::QueryEventsRequest>,
    ) -> Answer<Response<Self::QueryEventsStream>> {
        self.queries.lock().unwrap().push(request.into_inner());
        let messages = self.query.lock().unwrap().pop_front();
        Ok(Response::new(Box::pin(stream::iter(messages.expect("one query more than the script has")))))
    }

    async fn count_events(
        &self,
        _: Request<v1::CountEventsRequest>,
    ) -> Answer<Response<v1::CountEventsResponse>> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn summarize_events(
        &self,
        _: Request<v1::SummarizeEventsRequest>,
    ) -> Answer<Response<v1::SummarizeEventsResponse>> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn list_event_types(
        &self,
        _: Request<v1::ListEventTypesRequest>,
    ) -> Answer<Response<v1::ListEventTypesResponse>> {
        Err(Status::unimplemented("not in this test"))
    }
}

fn next<T>(answers: &Mutex<VecDeque<Answer<T>>>) -> Answer<T> {
    answers.lock().unwrap().pop_front().expect("one call more than the script has")
}

impl Script {
    /// Serves it on a free port; returns a client with short pauses.
    pub async fn serve(&self) -> Client {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = AuditServiceServer::new(self.clone());
        tokio::spawn(
            Server::builder().add_service(service).serve_with_incoming(TcpListenerStream::new(listener)),
        );
        client(address)
    }
}

/// A client with short pauses.
pub fn client(address: SocketAddr) -> Client {
    let options = ClientOptions {
        first_backoff: Duration::from_millis(1),
        longest_backoff: Duration::from_millis(20),
        ..ClientOptions::default()
    };
    Client::connect(&address.to_string(), options).unwrap()
}

/// A receipt for a sequence.
pub fn receipt(sequence: u64) -> v1::Receipt {
    let disposition = v1::Disposition::Recorded.into();
    v1::Receipt { sequence, disposition, ..v1::Receipt::default() }
}

/// A batch of these sequences; its token is the last of them.
pub fn batch(sequences: &[u64]) -> Answer<v1::QueryEventsResponse> {
    let event = |&sequence: &u64| v1::Event { sequence, ..v1::Event::default() }.encode_to_vec().into();
    let events = sequences.iter().map(event).collect();
    let kind = v1::query_events_response::Kind::Batch(RawEventBatch { events });
    let resume_token = sequences.last().unwrap().to_string().into_bytes();
    Ok(v1::QueryEventsResponse { kind: Some(kind), resume_token })
}

/// The last message.
pub fn end(reason: v1::EndReason) -> Answer<v1::QueryEventsResponse> {
    let kind = v1::query_events_response::Kind::End(v1::End { reason: reason.into() });
    Ok(v1::QueryEventsResponse { kind: Some(kind), resume_token: b"end".to_vec() })
}
