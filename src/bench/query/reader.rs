//! Asks a vidne server.

use std::time::{Duration, Instant};

use tokio::time;
use tonic::transport::{Channel, Endpoint};

use super::report::{Page, Taken};
use crate::{
    bench::{error::BenchError, figures::Tally},
    client::proto::audit_service_client::AuditServiceClient,
    codec::proto::v1::{
        Event, GetEventRequest, QueryEventsRequest, get_event_request::Key, query_events_response::Kind,
    },
};

/// How long one query may take.
const WHOLE: Duration = Duration::from_secs(3_600);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// A client on a connection of its own.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    client: AuditServiceClient<Channel>,
}

impl Reader {
    pub(super) async fn connect(endpoint: &str) -> Result<Self, BenchError> {
        let failed = |source| BenchError::Unreachable { endpoint: endpoint.to_owned(), source };
        let channel = Endpoint::from_shared(endpoint.to_owned()).map_err(failed)?;
        let channel = channel.connect_timeout(CONNECT).tcp_nodelay(true).connect().await.map_err(failed)?;
        Ok(Self { client: AuditServiceClient::new(channel) })
    }

    /// Reads a query to its end, or as many events as its limit says.
    pub(super) async fn read(
        &mut self,
        case: &str,
        request: QueryEventsRequest,
    ) -> Result<Taken, BenchError> {
        let silent = BenchError::Silent { case: case.to_owned(), within: WHOLE };
        let read = time::timeout(WHOLE, self.read_all(case, request));
        read.await.unwrap_or(Err(silent))
    }

    async fn read_all(&mut self, case: &str, request: QueryEventsRequest) -> Result<Taken, BenchError> {
        let begun = Instant::now();
        let answers = self.client.query_events(request).await.map_err(|status| call(case, status))?;
        let mut answers = answers.into_inner();
        let mut taken = Taken::default();
        while let Some(answer) = answers.message().await.map_err(|status| call(case, status))? {
            if let Some(Kind::Batch(batch)) = answer.kind {
                if taken.events == 0 {
                    taken.first = begun.elapsed();
                }
                taken.events += batch.events.len() as u64;
                taken.bytes += batch.events.iter().map(|event| event.len() as u64).sum::<u64>();
            }
        }
        taken.whole = begun.elapsed();
        if taken.events == 0 {
            taken.first = taken.whole;
        }
        Ok(taken)
    }

    /// Asks for first pages of so many events, one call after the other.
    pub(super) async fn pages(
        &mut self,
        case: &str,
        request: &QueryEventsRequest,
        (events, calls): (u64, usize),
    ) -> Result<Page, BenchError> {
        let case = format!("{case}, first {events}");
        let mut tally = Tally::default();
        for _ in 0..calls {
            let request = QueryEventsRequest { limit: events, ..request.clone() };
            let taken = self.read(&case, request).await?;
            tally.add(taken.events, taken.whole);
        }
        let figures = tally.figures(case, Duration::ZERO);
        Ok(Page { case: figures.case, calls, p50_ms: figures.p50_ms, p99_ms: figures.p99_ms })
    }

    /// The event at this place.
    pub(super) async fn event(&mut self, sequence: u64) -> Result<Event, BenchError> {
        let request = GetEventRequest { key: Some(Key::Sequence(sequence)), ..GetEventRequest::default() };
        let answer = self.client.get_event(request).await.map_err(|status| call("GetEvent", status))?;
        Ok(answer.into_inner().event.unwrap_or_default())
    }
}

fn call(case: &str, status: tonic::Status) -> BenchError {
    BenchError::Call { case: case.to_owned(), status: Box::new(status) }
}
