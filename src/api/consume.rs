//! `Consume`: acknowledgements from the wire, deliveries onto it.

use futures::{Stream, StreamExt, stream};
use prost::Message as _;
use tonic::Status;

use super::{budget::Messages, caller::tenant, foreign, status::invalid};
use crate::{
    codec::{
        proto::{
            internal::RawEventBatch,
            v1::{self, consume_request::Kind as Request, consume_response::Kind},
        },
        wire::duration,
    },
    domain::violation::Violations,
    metrics::OpenConsumer,
    service::subscriptions::{ConsumeStart, Consuming, Delivery, Said},
};

/// Reads the first request, which names the subscription; all that follow acknowledge.
pub async fn begin(
    mut requests: Messages,
    request_bytes: usize,
) -> Result<(ConsumeStart, impl Stream<Item = Result<u64, Status>> + Send + 'static), Status> {
    let first = next(&mut requests, request_bytes).await?;
    let Some(Request::Start(start)) = first.and_then(|request| request.kind) else {
        return Err(invalid(Violations::one("start", "required in the first request of the stream")));
    };
    let v1::ConsumeStart { tenant_id, name, consumer, max_unacknowledged } = start;
    let tenant = tenant(&tenant_id, "start.tenant_id").map_err(invalid)?;
    let start = ConsumeStart { tenant, name, consumer, max_unacknowledged };
    // Nothing is read behind a request that is wrong.
    let acknowledgements = stream::unfold(Some(requests), move |requests| async move {
        let mut requests = requests?;
        match next(&mut requests, request_bytes).await {
            Ok(None) => None,
            Ok(Some(request)) => match position(request) {
                Ok(position) => Some((Ok(position), Some(requests))),
                Err(wrong) => Some((Err(invalid(wrong)), None)),
            },
            Err(refusal) => Some((Err(refusal), None)),
        }
    });
    Ok((start, acknowledgements))
}

async fn next(requests: &mut Messages, request_bytes: usize) -> Result<Option<v1::ConsumeRequest>, Status> {
    let Some(message) = requests.next(request_bytes).await? else { return Ok(None) };
    let request = v1::ConsumeRequest::decode(message);
    requests.release();
    request.map(Some).map_err(|_| foreign::in_stream(Status::internal(""), request_bytes))
}

fn position(request: v1::ConsumeRequest) -> Result<u64, Violations> {
    match request.kind {
        Some(Request::Acknowledge(acknowledge)) => Ok(acknowledge.position),
        Some(Request::Start(_)) => {
            Err(Violations::one("start", "only in the first request of the stream; the others acknowledge"))
        }
        None => Err(Violations::one("acknowledge", "required in every request after the first")),
    }
}

/// The answers of one stream; `open` counts it while it lasts.
pub fn answers(
    consuming: Consuming<Status>,
    open: OpenConsumer,
) -> impl Stream<Item = Result<v1::ConsumeResponse, Status>> + Send {
    consuming.into_stream().map(move |delivery| {
        let Delivery { said, position } = delivery?;
        if let Said::Batch(events) = &said {
            open.delivered(events.len());
        }
        Ok(v1::ConsumeResponse { kind: Some(kind(said)), position })
    })
}

/// The bytes of events pass through as they are stored.
fn kind(said: Said) -> Kind {
    match said {
        Said::Started { acknowledged, lease } => Kind::Started(v1::ConsumeStarted {
            acknowledged_sequence: acknowledged,
            lease: Some(duration(lease)),
        }),
        Said::Batch(events) => Kind::Batch(RawEventBatch { events }),
        Said::Progress { head, scanned } => {
            Kind::Progress(v1::Progress { head_sequence: head, scanned_sequence: scanned })
        }
        Said::CaughtUp { head } => Kind::CaughtUp(v1::CaughtUp { head_sequence: head }),
        Said::Acknowledged(position) => Kind::Acknowledged(v1::ConsumeAcknowledged { position }),
    }
}
