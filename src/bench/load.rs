//! Sends events to a server and takes the time of each answer.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::mpsc, task::JoinSet, time};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::{
    course::{Budget, Course},
    error::BenchError,
    figures::{Figures, Tally},
    sample::Sample,
};
use crate::{
    client::proto::audit_service_client::AuditServiceClient,
    codec::proto::v1::{
        BatchRecordEventsRequest, Disposition, Receipt, RecordEventRequest, RecordEventsRequest,
        RecordResult, record_result::Kind,
    },
};

/// Batches that are sent at the same time.
const BATCHES: usize = 4;
/// Events of one request of a stream.
const STREAM_EVENTS: usize = 1_000;
/// Requests of a stream that are sent before the first is answered.
const WINDOW: usize = 32;
/// Connections that the senders share: one cannot keep more than one core busy.
const CONNECTIONS: usize = 4;
/// How long it may take to fill a log.
const FILLING: Duration = Duration::from_secs(4 * 3_600);
/// How long answers may take after the last request.
const LAST_ANSWERS: Duration = Duration::from_secs(60);

/// One way to call the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// A call that does nothing, by so many at a time.
    Bare(usize),
    /// RecordEvent by so many at a time.
    Unary(usize),
    /// BatchRecordEvents of so many events.
    Batch(usize),
    /// RecordEvents.
    Stream,
}

impl Case {
    /// All that record, in the order in which they are measured.
    pub(super) const RECORDING: [Self; 6] = [
        Self::Unary(1),
        Self::Unary(16),
        Self::Unary(256),
        Self::Batch(100),
        Self::Batch(1_000),
        Self::Stream,
    ];

    /// Calls that do nothing: what there is to gain for one caller, and for many.
    pub(super) const BARE: [Self; 2] = [Self::Bare(1), Self::Bare(256)];

    fn senders(self) -> usize {
        match self {
            Self::Stream => 1,
            Self::Bare(in_flight) | Self::Unary(in_flight) => in_flight,
            Self::Batch(_) => BATCHES,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bare(in_flight) => write!(f, "bare call, {in_flight} in flight"),
            Self::Unary(in_flight) => write!(f, "unary, {in_flight} in flight"),
            Self::Batch(1_000) => write!(f, "batches of 1,000, {BATCHES} in flight"),
            Self::Batch(events) => write!(f, "batches of {events}, {BATCHES} in flight"),
            Self::Stream => write!(f, "stream, requests of 1,000"),
        }
    }
}

/// Where to send, and how much.
pub(super) struct Load {
    endpoint: String,
    sample: Arc<Sample>,
    budget: Budget,
}

impl Load {
    /// Events of `tenant` to `endpoint`, a URL.
    pub(super) fn new(endpoint: &str, tenant: &str, budget: Budget) -> Self {
        Self { endpoint: endpoint.to_owned(), sample: Arc::new(Sample::new(tenant)), budget }
    }

    /// Measures one case, after a warm-up that does not count.
    pub(super) async fn measure(&self, case: Case) -> Result<Figures, BenchError> {
        self.drive(case, self.budget.warm_up()).await?;
        let (tally, elapsed) = self.drive(case, self.budget).await?;
        Ok(tally.figures(case.to_string(), elapsed))
    }

    /// What each case may take.
    pub(super) fn budget(&self) -> Budget {
        self.budget
    }

    /// Records so many events (to the next thousand) of `default` through one stream, without a warm-up.
    pub(super) async fn fill(endpoint: &str, events: u64) -> Result<Figures, BenchError> {
        let events = events.div_ceil(STREAM_EVENTS as u64) * STREAM_EVENTS as u64;
        let budget = Budget { time: FILLING, events };
        let (tally, elapsed) = Self::new(endpoint, "", budget).drive(Case::Stream, budget).await?;
        Ok(tally.figures(Case::Stream.to_string(), elapsed))
    }

    /// One case without a warm-up: what was sent, and how long that took.
    pub(super) async fn drive(&self, case: Case, budget: Budget) -> Result<(Tally, Duration), BenchError> {
        let mut connections = Vec::new();
        for _ in 0..case.senders().min(CONNECTIONS) {
            connections.push(connect(&self.endpoint).await?);
        }
        let course = Arc::new(Course::begin(budget));
        let mut senders = JoinSet::new();
        for connection in connections.iter().cycle().take(case.senders()) {
            let sender = Sender {
                case,
                connection: connection.clone(),
                course: Arc::clone(&course),
                sample: Arc::clone(&self.sample),
            };
            senders.spawn(sender.send());
        }
        let within = budget.time + LAST_ANSWERS;
        let all = async {
            let mut tally = Tally::default();
            while let Some(sent) = senders.join_next().await {
                let failed = |error: tokio::task::JoinError| Status::internal(error.to_string());
                tally.join(sent.map_err(failed).map_err(call(case))??);
            }
            Ok((tally, course.elapsed()))
        };
        let silent = BenchError::Silent { case: case.to_string(), within };
        time::timeout(within, all).await.unwrap_or(Err(silent))
    }
}

/// A connection to a server, a URL.
pub(super) async fn connect(url: &str) -> Result<Channel, BenchError> {
    let failed = |source| BenchError::Unreachable { endpoint: url.to_owned(), source };
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(failed)?;
    let endpoint = endpoint.connect_timeout(Duration::from_secs(5)).tcp_nodelay(true);
    endpoint.connect().await.map_err(failed)
}

/// One that sends, and waits for the answer before it sends more; a stream has many requests unanswered.
struct Sender {
    case: Case,
    connection: Channel,
    course: Arc<Course>,
    sample: Arc<Sample>,
}

impl Sender {
    async fn send(self) -> Result<Tally, BenchError> {
        match self.case {
            Case::Bare(_) => self.bare().await,
            Case::Unary(_) => self.unary().await,
            Case::Batch(size) => self.batches(size).await,
            Case::Stream => self.stream().await,
        }
    }

    async fn bare(self) -> Result<Tally, BenchError> {
        let mut client = HealthClient::new(self.connection);
        let mut tally = Tally::default();
        while self.course.take(1) {
            let begun = Instant::now();
            client.check(HealthCheckRequest::default()).await.map_err(call(self.case))?;
            tally.add(1, begun.elapsed());
        }
        Ok(tally)
    }

    async fn unary(self) -> Result<Tally, BenchError> {
        let mut client = AuditServiceClient::new(self.connection);
        let mut tally = Tally::default();
        while self.course.take(1) {
            let request = RecordEventRequest { event: Some(self.sample.event()) };
            let begun = Instant::now();
            let answer = client.record_event(request).await.map_err(call(self.case))?;
            tally.add(1, begun.elapsed());
            recorded(self.case, answer.into_inner().receipt.as_ref())?;
        }
        Ok(tally)
    }

    async fn batches(self, size: usize) -> Result<Tally, BenchError> {
        let mut client = AuditServiceClient::new(self.connection);
        let mut tally = Tally::default();
        while self.course.take(size as u64) {
            let request = BatchRecordEventsRequest { events: self.sample.events(size) };
            let begun = Instant::now();
            let answer = client.batch_record_events(request).await.map_err(call(self.case))?;
            tally.add(size as u64, begun.elapsed());
            all_recorded(self.case, &answer.into_inner().results, size)?;
        }
        Ok(tally)
    }

    async fn stream(self) -> Result<Tally, BenchError> {
        let Self { case, connection, course, sample } = self;
        let (requests, receiver) = mpsc::channel(1);
        // When each unanswered request was sent; its capacity is what bounds them.
        let (unanswered, mut begun) = mpsc::channel(WINDOW);
        let sending = async move {
            while course.take(STREAM_EVENTS as u64) {
                let events = sample.events(STREAM_EVENTS);
                let Ok(place) = unanswered.reserve().await else { break };
                place.send(Instant::now());
                if requests.send(RecordEventsRequest { events }).await.is_err() {
                    break;
                }
            }
        };
        let receiving = async move {
            let mut client = AuditServiceClient::new(connection);
            let answers = client.record_events(ReceiverStream::new(receiver)).await.map_err(call(case))?;
            let mut answers = answers.into_inner();
            let mut tally = Tally::default();
            while let Some(answer) = answers.message().await.map_err(call(case))? {
                all_recorded(case, &answer.results, STREAM_EVENTS)?;
                let Some(begun) = begun.recv().await else { break };
                tally.add(STREAM_EVENTS as u64, begun.elapsed());
            }
            Ok(tally)
        };
        // If receiving fails, what sending waits for is gone with it.
        tokio::join!(sending, receiving).1
    }
}

fn call(case: Case) -> impl Fn(Status) -> BenchError {
    move |status| BenchError::Call { case: case.to_string(), status: Box::new(status) }
}

fn recorded(case: Case, receipt: Option<&Receipt>) -> Result<(), BenchError> {
    match receipt {
        Some(receipt) if receipt.disposition() == Disposition::Recorded => Ok(()),
        other => Err(BenchError::NotRecorded { case: case.to_string(), answer: format!("{other:?}") }),
    }
}

fn all_recorded(case: Case, results: &[RecordResult], size: usize) -> Result<(), BenchError> {
    if results.len() != size {
        let answer = format!("{} results for {size} events", results.len());
        return Err(BenchError::NotRecorded { case: case.to_string(), answer });
    }
    results.iter().try_for_each(|result| match &result.kind {
        Some(Kind::Receipt(receipt)) => recorded(case, Some(receipt)),
        other => Err(BenchError::NotRecorded { case: case.to_string(), answer: format!("{other:?}") }),
    })
}
