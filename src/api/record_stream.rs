//! `RecordEvents`: pipelined requests, answered in order.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::{foreign, receipt::record_results, status::status};
use crate::{
    codec::{proto::v1, wire_input::input_from_proto},
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
    /// Ends the stream: what was taken is answered, nothing more is read.
    pub stop: CancellationToken,
}

impl RecordStream {
    /// One answer per request, in order. Nothing is buffered but what is in the journal: when that is full, no
    /// request is read, and flow control slows the client down.
    pub fn answers(
        self,
        requests: Streaming<v1::RecordEventsRequest>,
    ) -> impl Stream<Item = Result<v1::RecordEventsResponse, Status>> + Send {
        let Self { recorder, caller, metrics, request_bytes, stop } = self;
        let open = metrics.open_stream();
        let stopped = stop.clone();
        // A request that is wrong as a whole is the last one looked at: what came behind it was meant to stand
        // behind it in the log.
        let failed = Arc::new(AtomicBool::new(false));
        let seen = failed.clone();
        requests
            .take_until(stop.cancelled_owned())
            .take_while(move |_| std::future::ready(!seen.load(Ordering::Acquire)))
            .then(move |request| {
                let (recorder, caller, failed) = (recorder.clone(), caller.clone(), failed.clone());
                async move {
                    let begun = match request {
                        Ok(request) => begin(&recorder, request, &caller).await,
                        Err(refusal) => Err(foreign::in_stream(refusal, request_bytes)),
                    };
                    failed.store(begun.is_err(), Ordering::Release);
                    begun
                }
            })
            .map(move |begun| {
                let metrics = metrics.clone();
                async move {
                    let results = begun?.results().await;
                    Ok(v1::RecordEventsResponse { results: record_results(results, &metrics) })
                }
            })
            .buffered(IN_FLIGHT)
            .chain(
                futures::stream::once(async move {
                    // A client that has said all it wanted ends the stream itself.
                    if stopped.is_cancelled() { Some(Err(status(ServiceError::ShuttingDown))) } else { None }
                })
                .filter_map(std::future::ready),
            )
            .map(move |answer| {
                let _ = &open;
                answer
            })
    }
}

async fn begin(
    recorder: &Recorder,
    request: v1::RecordEventsRequest,
    caller: &Caller,
) -> Result<Recording, Status> {
    let v1::RecordEventsRequest { events } = request;
    let inputs = events.into_iter().map(input_from_proto).collect();
    recorder.begin(inputs, caller, Admission::Wait).await.map_err(status)
}
