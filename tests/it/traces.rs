//! Traces reach a collector, as children of the caller's span.

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    trace::v1::Span,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, metadata::MetadataValue};
use vidne::{client::proto::audit_service_client::AuditServiceClient, codec::proto::v1};

use crate::support::server::Server;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// Keeps every span it is sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes =
            request.into_inner().resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        self.0.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_reach_an_otlp_collector_as_children_of_the_callers_span() {
    let collector = Collector::default();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let service = tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(collector.clone()))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(service);
    // Nothing that begins here is sampled; the caller's own decision counts.
    let config = tempfile::NamedTempFile::new().unwrap();
    let settings = format!("[telemetry]\notlp_endpoint = \"{endpoint}\"\nsample_ratio = 0.0\n");
    std::fs::write(config.path(), settings).unwrap();
    let arguments = ["--config", config.path().to_str().unwrap()];
    let mut server = tokio::task::block_in_place(|| Server::with_arguments(&arguments));

    let mut client = AuditServiceClient::connect(server.endpoint()).await.unwrap();
    let national_id = "0101701234";
    let event = v1::Event {
        r#type: v1::EventType::RecordRead.into(),
        personal: Some(v1::Personal { actor_national_id: national_id.to_owned(), ..v1::Personal::default() }),
        ..v1::Event::default()
    };
    let mut request = Request::new(v1::RecordEventRequest { event: Some(event) });
    let parent = MetadataValue::try_from(format!("00-{TRACE}-{PARENT}-01")).unwrap();
    request.metadata_mut().insert("traceparent", parent);
    client.record_event(request).await.unwrap();
    drop(client);

    // Stopping in good order sends what is left.
    assert!(tokio::task::block_in_place(|| server.terminate()).success());
    let spans = collector.0.lock().unwrap().clone();
    let hex = |bytes: &[u8]| vidne::codec::json::hex(bytes);
    let span = spans.iter().find(|span| span.name.contains("RecordEvent"));
    let span = span.unwrap_or_else(|| panic!("no span of the call among {} spans", spans.len()));
    assert_eq!((hex(&span.trace_id).as_str(), hex(&span.parent_span_id).as_str()), (TRACE, PARENT));
    assert!(!format!("{spans:?}").contains(national_id), "a national id in a span");
}
