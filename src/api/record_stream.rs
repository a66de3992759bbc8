//! `RecordEvents`: pipelined requests, answered in order.

use std::sync::Arc;

use axum::body::Bytes;
use futures::{Stream, StreamExt};
use prost::Message as _;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tonic::{Code, Status};

use super::{
    budget::Messages,
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
    /// A request is decoded, and waits for the journal, with one of these.
    pub decoding: Arc<Semaphore>,
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
        requests: Messages,
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
    async fn read(self, mut requests: Messages, begun: mpsc::Sender<Result<Recording, Status>>) {
        while let Ok(place) = begun.reserve().await {
            let next = match self.stop.run_until_cancelled(requests.next(self.request_bytes)).await {
                None => Err(status(ServiceError::ShuttingDown)),
                Some(Ok(None)) => return,
                Some(Ok(Some(message))) => self.begin(message).await,
                Some(Err(refusal)) => Err(refusal),
            };
            requests.release();
            let last = next.is_err();
            place.send(next);
            if last {
                return;
            }
        }
    }

    async fn begin(&self, message: Bytes) -> Result<Recording, Status> {
        // Never closed.
        let _decoding = self.decoding.acquire().await;
        let malformed = |_| foreign::in_stream(Status::internal(""), self.request_bytes);
        let v1::RecordEventsRequest { events } =
            v1::RecordEventsRequest::decode(message).map_err(malformed)?;
        let inputs = events.into_iter().map(input_from_proto).collect();
        self.recorder.begin(inputs, &self.caller, Admission::Wait).await.map_err(status)
    }
}

fn failed() -> Status {
    tracing::error!("a stream of requests panicked");
    encode(plain(Code::Internal, ErrorReason::Internal, "the server failed; its log has the cause"))
}
