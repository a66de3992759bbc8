//! `vidne.v1.AuditService`.

use std::pin::Pin;

use futures::{Stream, StreamExt};
use prost::Message;
use tonic::{Request, Response, Status};

use super::{
    caller::{caller, tenant},
    catalogue::event_types,
    proto::audit_service_server::AuditService,
    query::{query_from_proto, response},
    receipt::{count, receipt_to_proto},
    status::{self, invalid, status},
};
use crate::{
    codec::{
        proto::v1::{self, get_event_request::Key as WireKey, record_result},
        wire_input::input_from_proto,
    },
    domain::{id::EventId, receipt::Receipt, violation::Violations},
    metrics::Metrics,
    service::{
        ServiceError,
        query::{Key, Queries},
        record::Recorder,
    },
};

/// Error details of all events of one batch, so that the answer stays below what clients take.
const BATCH_DETAILS_BYTES: usize = 2 * 1024 * 1024;

/// Records and reads events.
pub struct Audit {
    /// Records.
    pub recorder: Recorder,
    /// Reads.
    pub queries: Queries,
    /// Counts.
    pub metrics: Metrics,
}

#[tonic::async_trait]
impl AuditService for Audit {
    async fn record_event(
        &self,
        request: Request<v1::RecordEventRequest>,
    ) -> Result<Response<v1::RecordEventResponse>, Status> {
        let caller = caller(request.metadata());
        let v1::RecordEventRequest { event } = request.into_inner();
        let event = event.ok_or_else(|| invalid(Violations::one("event", "required")))?;
        let result = self.recorder.record(input_from_proto(event), &caller).await;
        count(&self.metrics, &result);
        let receipt = result.map_err(status)?;
        Ok(Response::new(v1::RecordEventResponse { receipt: Some(receipt_to_proto(&receipt)) }))
    }

    async fn batch_record_events(
        &self,
        request: Request<v1::BatchRecordEventsRequest>,
    ) -> Result<Response<v1::BatchRecordEventsResponse>, Status> {
        let caller = caller(request.metadata());
        let v1::BatchRecordEventsRequest { events } = request.into_inner();
        let asked = events.len();
        let inputs = events.into_iter().map(input_from_proto).collect();
        let results = self.recorder.record_batch(inputs, &caller).await.map_err(|error| {
            self.metrics.events("refused", asked as u64);
            status(error)
        })?;
        let limit = BATCH_DETAILS_BYTES / results.len().max(1);
        let results = results.into_iter().map(|result| {
            count(&self.metrics, &result);
            record_result(result, limit)
        });
        Ok(Response::new(v1::BatchRecordEventsResponse { results: results.collect() }))
    }

    async fn get_event(
        &self,
        request: Request<v1::GetEventRequest>,
    ) -> Result<Response<v1::GetEventResponse>, Status> {
        // `show_personal` is served to everybody until there are roles.
        let v1::GetEventRequest { tenant_id, key, show_personal } = request.into_inner();
        let tenant = tenant(&tenant_id, "tenant_id").map_err(invalid)?;
        let key = key_from_proto(key).map_err(invalid)?;
        let bytes = self.queries.get(&tenant, key, show_personal).await.map_err(status)?;
        let event = v1::Event::decode(bytes).map_err(|e| status(ServiceError::Decode(e.into())))?;
        Ok(Response::new(v1::GetEventResponse { event: Some(event) }))
    }

    type QueryEventsStream = Pin<Box<dyn Stream<Item = Result<v1::QueryEventsResponse, Status>> + Send>>;

    async fn query_events(
        &self,
        request: Request<v1::QueryEventsRequest>,
    ) -> Result<Response<Self::QueryEventsStream>, Status> {
        // `show_personal` is served to everybody until there are roles.
        let query = query_from_proto(request.into_inner()).map_err(invalid)?;
        let items = self.queries.query(query).await.map_err(status)?;
        let open = self.metrics.open_stream();
        let answers = items.map(move |item| {
            let _ = &open;
            item.map(response).map_err(status)
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn list_event_types(
        &self,
        request: Request<v1::ListEventTypesRequest>,
    ) -> Result<Response<v1::ListEventTypesResponse>, Status> {
        let v1::ListEventTypesRequest {} = request.into_inner();
        Ok(Response::new(v1::ListEventTypesResponse { event_types: event_types() }))
    }
}

fn key_from_proto(key: Option<WireKey>) -> Result<Key, Violations> {
    match key {
        Some(WireKey::EventId(text)) => EventId::parse(&text)
            .map(Key::Id)
            .ok_or_else(|| Violations::one("event_id", "not a UUID; give one such as in a receipt")),
        Some(WireKey::Sequence(0)) => Err(Violations::one("sequence", "sequences begin at 1")),
        Some(WireKey::Sequence(sequence)) => Ok(Key::Sequence(sequence)),
        None => Err(Violations::one("key", "give an event_id or a sequence")),
    }
}

fn record_result(result: Result<Receipt, ServiceError>, limit: usize) -> v1::RecordResult {
    let kind = match result {
        Ok(receipt) => record_result::Kind::Receipt(receipt_to_proto(&receipt)),
        Err(error) => record_result::Kind::Error(status::result(error, limit)),
    };
    v1::RecordResult { kind: Some(kind) }
}
