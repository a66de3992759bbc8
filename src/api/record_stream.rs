//! `RecordEvents`: pipelined requests, answered in order.

use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tonic::{Code, Status, Streaming};

use super::{
    budget::Held,
    foreign,
    receipt::record_results,
    status::{encode, plain, status},
};
use crate::{
    codec::{
        proto::v1::{self, ErrorReason},
        wire_input::input_from_proto,
    },
    metrics::Metrics,
    service::{
        ServiceError,
        journal::Admission,
        record::{Caller, Recorder, Recording},
    },
};

/// Requests of one stream that may be in the journal at once; the next is not read before one is answered.
const IN_FLIGHT: usize = 32;

/// One stream of requests.
pub struct RecordStream {
    /// Records.
    pub recorder: Recorder,
    /// Who calls.
    pub caller: Caller,
    /// Counts.
    pub metrics: Metrics,
    /// The largest request message.
    pub request_bytes: usize,
    /// The room that the request being read has among all that are in flight.
    pub held: Held,
    /// Ends the stream: what was taken is answered, nothing more is read.
    pub stop: CancellationToken,
}

impl RecordStream {
    /// One answer per request, in order. Nothing is buffered but what is in the journal: when that is full, no
    /// request is read, and flow control slows the client down.
    ///
    /// Requests are read by a task of their own. It waits for a client that reads no answers while it holds
    /// nothing: neither room for a request, nor a place in the journal's queue that others wait for.
    pub fn answers(
        self,
        requests: Streaming<v1::RecordEventsRequest>,
    ) -> impl Stream<Item = Result<v1::RecordEventsResponse, Status>> + Send {
        let metrics = self.metrics.clone();
        let open = metrics.open_stream();
        let (begun, recordings) = mpsc::channel(IN_FLIGHT);
        // Ends with the answers: a client that went away is not read any more.
        let reading = AbortOnDropHandle::new(tokio::spawn(self.read(requests, begun)));
        let ended = async move { reading.await.err().map(|_| Err(failed())) };
        ReceiverStream::new(recordings)
            .then(move |begun: Result<Recording, Status>| {
                let metrics = metrics.clone();
                async move {
                    let results = begun?.results().await;
                    Ok(v1::RecordEventsResponse { results: record_results(results, &metrics) })
                }
            })
            .chain(futures::stream::once(ended).filter_map(std::future::ready))
            .map(move |answer| {
                let _ = &open;
                answer
            })
    }

    /// Puts one request after the other into the journal until the client has said all, or until one is wrong as
    /// a whole: what comes behind that one was meant to stand behind it in the log.
    async fn read(
        self,
        mut requests: Streaming<v1::RecordEventsRequest>,
        begun: mpsc::Sender<Result<Recording, Status>>,
    ) {
        while let Ok(place) = begun.reserve().await {
            let next = match self.stop.run_until_cancelled(requests.message()).await {
                None => Err(status(ServiceError::ShuttingDown)),
                Some(Ok(None)) => return,
                Some(Ok(Some(request))) => self.begin(request).await,
                Some(Err(refusal)) => Err(foreign::in_stream(refusal, self.request_bytes)),
            };
            self.held.release();
            let last = next.is_err();
            place.send(next);
            if last {
                return;
            }
        }
    }

    async fn begin(&self, request: v1::RecordEventsRequest) -> Result<Recording, Status> {
        let v1::RecordEventsRequest { events } = request;
        let inputs = events.into_iter().map(input_from_proto).collect();
        self.recorder.begin(inputs, &self.caller, Admission::Wait).await.map_err(status)
    }
}

fn failed() -> Status {
    tracing::error!("a stream of requests panicked");
    encode(plain(Code::Internal, ErrorReason::Internal, "the server failed; its log has the cause"))
}
