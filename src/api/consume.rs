//! `Consume`: acknowledgements from the wire, deliveries onto it.

use futures::{Stream, StreamExt};
use tonic::{Status, Streaming};

use super::{caller::tenant, foreign, status::invalid};
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
    mut requests: Streaming<v1::ConsumeRequest>,
    request_bytes: usize,
) -> Result<(ConsumeStart, impl Stream<Item = Result<u64, Status>> + Send + 'static), Status> {
    let first = requests.message().await.map_err(|refusal| foreign::in_stream(refusal, request_bytes))?;
    let Some(Request::Start(start)) = first.and_then(|request| request.kind) else {
        return Err(invalid(Violations::one("start", "required in the first request of the stream")));
    };
    let v1::ConsumeStart { tenant_id, name, consumer, max_unacknowledged } = start;
    let tenant = tenant(&tenant_id, "start.tenant_id").map_err(invalid)?;
    let start = ConsumeStart { tenant, name, consumer, max_unacknowledged };
    let acknowledgements = requests.map(move |request| match request {
        Ok(request) => position(request).map_err(invalid),
        Err(refusal) => Err(foreign::in_stream(refusal, request_bytes)),
    });
    Ok((start, acknowledgements))
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
