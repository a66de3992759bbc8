//! One `RecordEvents` stream.

use std::pin::Pin;

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use http::uri::PathAndQuery;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, client::Grpc};
use tonic_prost::ProstCodec;

use crate::{
    client::Client,
    codec::proto::{internal::RawEventBatch, v1::RecordEventsResponse},
};

const METHOD: &str = "/vidne.v1.AuditService/RecordEvents";

type Answers = Pin<Box<dyn Stream<Item = Result<RecordEventsResponse, Status>> + Send>>;

/// A stream that is open or opening.
pub(super) struct Link {
    requests: mpsc::Sender<RawEventBatch>,
    answers: Answers,
}

impl Link {
    /// Begins to open a stream with at most `in_flight` requests unanswered. Requests may be sent at once; whether it
    /// opens is what the first answer says.
    pub(super) fn open(client: &Client, in_flight: usize) -> Self {
        let (requests, outgoing) = mpsc::channel(in_flight.max(1));
        let mut grpc =
            Grpc::new(client.channel()).max_decoding_message_size(client.options().max_answer_bytes);
        let call = async move {
            grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
            // Events are encoded once, by whoever hands them over. RawEventBatch is RecordEventsRequest with its events
            // as bytes: the same on the wire.
            let codec = ProstCodec::<RawEventBatch, RecordEventsResponse>::default();
            let request = Request::new(ReceiverStream::new(outgoing));
            let answer = grpc.streaming(request, PathAndQuery::from_static(METHOD), codec).await?;
            Ok::<_, Status>(answer.into_inner())
        };
        Self { requests, answers: Box::pin(stream::once(call).try_flatten()) }
    }

    /// Sends a request. There is room while fewer than `in_flight` are unanswered. On a stream that is broken nothing
    /// is sent, and the next answer says why.
    pub(super) fn send(&self, request: RawEventBatch) {
        drop(self.requests.try_send(request));
    }

    /// The next answer; `None` after the last. Dropping the future loses nothing.
    pub(super) async fn answer(&mut self) -> Option<Result<RecordEventsResponse, Status>> {
        self.answers.next().await
    }
}
