//! A server of `RecordEvents` with a log, that misbehaves where a test says so.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use futures::{Stream, StreamExt as _, stream};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, Streaming, transport::Server};
use tonic_types::{ErrorDetails, StatusExt as _};
use vidne::{
    api::proto::audit_service_server::{AuditService, AuditServiceServer},
    codec::proto::v1::{self, Disposition, Event, Receipt, RecordResult, record_result::Kind},
};

use super::fake::Answer;

/// What becomes of a request.
pub enum Reaction {
    /// Its events are recorded and answered.
    Record,
    /// The stream ends with this; nothing is recorded.
    End(Status),
    /// Its events are recorded, and the stream ends with this instead of the answer.
    RecordAndEnd(Status),
    /// Events are recorded or refused one by one.
    Each(Vec<Option<Status>>),
}

type Script = dyn Fn(usize, usize, &[Event]) -> Reaction + Send + Sync;

/// The server. Clones share everything.
#[derive(Clone)]
pub struct Model {
    script: Arc<Script>,
    /// Tenant and id, as recorded.
    log: Arc<Mutex<Vec<(String, String)>>>,
    sizes: Arc<Mutex<Vec<usize>>>,
    streams: Arc<AtomicUsize>,
    pub away: Arc<AtomicBool>,
    /// Requests that may be answered.
    pub pace: Arc<Semaphore>,
}

impl Model {
    /// A server that reacts as `script` says to request number `.1` of stream number `.0`, both from 0.
    pub fn new(script: impl Fn(usize, usize, &[Event]) -> Reaction + Send + Sync + 'static) -> Self {
        Self {
            script: Arc::new(script),
            log: Arc::default(),
            sizes: Arc::default(),
            streams: Arc::default(),
            away: Arc::default(),
            pace: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        }
    }

    /// One that records everything.
    pub fn good() -> Self {
        Self::new(|_, _, _| Reaction::Record)
    }

    /// One that reads requests and does not answer before [`Model::pace`] lets it.
    pub fn stuck() -> Self {
        Self { pace: Arc::new(Semaphore::new(0)), ..Self::good() }
    }

    /// Listens on a free port.
    pub async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = AuditServiceServer::new(self.clone()).max_decoding_message_size(64 << 20);
        tokio::spawn(
            Server::builder().add_service(service).serve_with_incoming(TcpListenerStream::new(listener)),
        );
        address
    }

    /// Is there or not. Streams that are open end at their next request.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// Streams that were opened.
    pub fn streams(&self) -> usize {
        self.streams.load(Ordering::SeqCst)
    }

    /// Ids that were recorded in a tenant, in order.
    pub fn log(&self, tenant: &str) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().filter(|(of, _)| of == tenant).map(|(_, id)| id.clone()).collect()
    }

    /// Events of each request that was recorded.
    pub fn sizes(&self) -> Vec<usize> {
        self.sizes.lock().unwrap().clone()
    }

    fn record(&self, event: &Event) -> RecordResult {
        let key = (event.tenant_id.clone(), event.event_id.clone());
        let mut log = self.log.lock().unwrap();
        let found = log.iter().position(|recorded| *recorded == key);
        let disposition = if found.is_some() { Disposition::Duplicate } else { Disposition::Recorded };
        let place = found.unwrap_or(log.len());
        if found.is_none() {
            log.push(key);
        }
        let receipt = Receipt {
            event_id: event.event_id.clone(),
            sequence: place as u64 + 1,
            disposition: disposition.into(),
            ..Receipt::default()
        };
        RecordResult { kind: Some(Kind::Receipt(receipt)) }
    }

    fn react(&self, stream: usize, request: usize, events: &[Event]) -> Answer<v1::RecordEventsResponse> {
        if self.away.load(Ordering::SeqCst) {
            return Err(away());
        }
        let all = || events.iter().map(|event| self.record(event)).collect::<Vec<_>>();
        let results = match (self.script)(stream, request, events) {
            Reaction::Record => all(),
            Reaction::End(status) => return Err(status),
            Reaction::RecordAndEnd(status) => {
                all();
                return Err(status);
            }
            Reaction::Each(fates) => {
                assert_eq!(fates.len(), events.len(), "a script that does not fit");
                events
                    .iter()
                    .zip(fates)
                    .map(|(event, fate)| fate.map_or_else(|| self.record(event), refusal))
                    .collect()
            }
        };
        self.sizes.lock().unwrap().push(events.len());
        Ok(v1::RecordEventsResponse { results })
    }
}

/// What a server says that is about to be gone.
pub fn away() -> Status {
    Status::unavailable("away")
}

/// The refusal of a request as a whole, with a limit in its details.
pub fn too_large(name: &str, limit: usize) -> Status {
    let metadata = std::collections::HashMap::from([(name.to_owned(), limit.to_string())]);
    let details = ErrorDetails::with_error_info("REQUEST_TOO_LARGE", "vidne", metadata);
    Status::with_error_details(Code::InvalidArgument, "too large", details)
}

fn refusal(status: Status) -> RecordResult {
    let status = tonic_types::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    };
    RecordResult { kind: Some(Kind::Error(status)) }
}

#[tonic::async_trait]
impl AuditService for Model {
    type RecordEventsStream = Pin<Box<dyn Stream<Item = Answer<v1::RecordEventsResponse>> + Send>>;

    async fn record_events(
        &self,
        requests: Request<Streaming<v1::RecordEventsRequest>>,
    ) -> Answer<Response<Self::RecordEventsStream>> {
        let number = self.streams.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return Err(away());
        }
        let start = (self.clone(), requests.into_inner(), 0_usize, false);
        // One request at a time; after an error nothing more is looked at.
        let answers = stream::unfold(start, move |(model, mut requests, i, over)| async move {
            if over {
                return None;
            }
            let request = requests.message().await.ok().flatten()?;
            model.pace.acquire().await.unwrap().forget();
            let answer = model.react(number, i, &request.events);
            let over = answer.is_err();
            Some((answer, (model, requests, i + 1, over)))
        });
        Ok(Response::new(answers.boxed()))
    }

    async fn record_event(
        &self,
        _: Request<v1::RecordEventRequest>,
    ) -> Answer<Response<v1::RecordEventResponse>> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn batch_record_events(
        &self,
        _: Request<v1::BatchRecordEventsRequest>,
    ) -> Answer<Response<v1::BatchRecordEventsResponse>> {
        Err(Status::unimplemented("not in this test"))
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

    async fn get_event(&self, _: Request<v1::GetEventRequest>) -> Answer<Response<v1::GetEventResponse>> {
        Err(Status::unimplemented("not in this test"))
    }

    type QueryEventsStream = Pin<Box<dyn Stream<Item = Answer<v1::QueryEventsResponse>> + Send>>;

    async fn query_events(
        &self,
        _: Request<v1::QueryEventsRequest>,
    ) -> Answer<Response<Self::QueryEventsStream>> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn list_event_types(
        &self,
        _: Request<v1::ListEventTypesRequest>,
    ) -> Answer<Response<v1::ListEventTypesResponse>> {
        Err(Status::unimplemented("not in this test"))
    }
}
