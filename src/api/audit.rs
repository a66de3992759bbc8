//! `vidne.v1.AuditService`.

use std::{pin::Pin, sync::Arc};

use futures::{Stream, StreamExt};
use prost::Message;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::{
    budget::Messages,
    caller::{caller, tenant},
    catalogue::event_types,
    outgoing::{Elsewhere, answer},
    proto::audit_service_server::AuditService,
    query::{query_from_proto, response},
    receipt::{count, receipt_to_proto, record_results},
    record_stream::RecordStream,
    status::{invalid, status},
    summary::{count_from_proto, count_to_proto, patience, summary_from_proto, summary_to_proto},
};
use crate::{
    codec::{
        proto::v1::{self, get_event_request::Key as WireKey},
        wire_input::input_from_proto,
    },
    domain::{id::EventId, violation::Violations},
    metrics::Metrics,
    service::{
        ServiceError,
        query::{Key, Queries},
        record::Recorder,
    },
};

/// Records and reads events.
pub struct Audit {
    /// Records.
    pub recorder: Recorder,
    /// Reads.
    pub queries: Queries,
    /// Counts.
    pub metrics: Metrics,
    /// The largest request message.
    pub request_bytes: usize,
    /// Requests of streams that may be decoded and waiting for the journal at the same time.
    pub decoding: Arc<Semaphore>,
    /// Ends streams.
    pub stop: CancellationToken,
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
        Ok(Response::new(v1::BatchRecordEventsResponse { results: record_results(results, &self.metrics) }))
    }

    type RecordEventsStream = Pin<Box<dyn Stream<Item = Result<v1::RecordEventsResponse, Status>> + Send>>;

    async fn record_events(
        &self,
        request: Request<Streaming<v1::RecordEventsRequest>>,
    ) -> Result<Response<Self::RecordEventsStream>, Status> {
        let caller = caller(request.metadata());
        let messages = request.extensions().get::<Messages>().cloned().unwrap_or_default();
        let stream = RecordStream {
            recorder: self.recorder.clone(),
            caller,
            metrics: self.metrics.clone(),
            request_bytes: self.request_bytes,
            decoding: self.decoding.clone(),
            stop: self.stop.clone(),
        };
        Ok(Response::new(Box::pin(stream.answers(messages))))
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

    type QueryEventsStream = Elsewhere<v1::QueryEventsResponse>;

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
        Ok(answer(answers))
    }

    async fn count_events(
        &self,
        request: Request<v1::CountEventsRequest>,
    ) -> Result<Response<v1::CountEventsResponse>, Status> {
        let patience = patience(request.metadata());
        let (tenant, filter) = count_from_proto(request.into_inner()).map_err(invalid)?;
        let count = self.queries.count(&tenant, &filter, patience).await.map_err(status)?;
        self.metrics.counted(count.extent.looked);
        Ok(Response::new(count_to_proto(count)))
    }

    async fn summarize_events(
        &self,
        request: Request<v1::SummarizeEventsRequest>,
    ) -> Result<Response<v1::SummarizeEventsResponse>, Status> {
        let patience = patience(request.metadata());
        let request = summary_from_proto(request.into_inner()).map_err(invalid)?;
        let (summary, extent) = self.queries.summarize(&request, patience).await.map_err(status)?;
        self.metrics.counted(extent.looked);
        Ok(Response::new(summary_to_proto(summary, extent, request.max_groups)))
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
