//! Every service with what is around it, served on a listener.

use std::{future::Future, sync::Arc, time::Duration};

use axum::middleware::from_fn_with_state;
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{Server, server::Router},
};

use super::{
    audit::Audit,
    budget::Budget,
    export::ExportApi,
    health::Health,
    incoming::{Incoming, connections},
    layer::{Calls, around},
    methods::Methods,
    proto::{
        audit_service_server::AuditServiceServer, export_service_server::ExportServiceServer,
        subscription_service_server::SubscriptionServiceServer, tenant_service_server::TenantServiceServer,
    },
    subscription::SubscriptionApi,
    tenant::TenantApi,
};
use crate::{
    codec::proto::DESCRIPTORS,
    metrics::Metrics,
    service::{
        exports::Exports, query::Queries, record::Recorder, subscriptions::Subscriptions, tenants::Tenants,
        token::Tokens,
    },
};

/// Requests of streams that are decoded at the same time, in all. Decoded they are several times as large; while the
/// journal is full, the others wait as the bytes that they are counted as.
const DECODING: usize = 8;

/// The use cases that are served.
pub struct Api {
    /// Records events.
    pub recorder: Recorder,
    /// Reads events.
    pub queries: Queries,
    /// Manages tenants.
    pub tenants: Tenants,
    /// Manages and consumes subscriptions.
    pub subscriptions: Subscriptions,
    /// Manages, runs and tests export jobs.
    pub exports: Exports,
    /// Makes page tokens.
    pub tokens: Tokens,
    /// Says how the server is.
    pub health: Health,
    /// Counts.
    pub metrics: Metrics,
    /// Ends streams.
    pub stop: CancellationToken,
}

/// What a server allows.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// One request message, in bytes.
    pub request_bytes: usize,
    /// Requests that are being received or handled, in bytes in all.
    pub in_flight_bytes: usize,
    /// Until a message has arrived that has begun to.
    pub message_timeout: Duration,
    /// What a client may send on one stream before it is read, in bytes.
    pub stream_window: u32,
    /// What a client may send on one connection before it is read, in bytes.
    pub connection_window: u32,
    /// Calls and streams at a time in all.
    pub max_calls: usize,
    /// Calls and streams at a time on one connection.
    pub max_streams_per_connection: u32,
    /// Until a call answers or a stream begins.
    pub request_timeout: Duration,
    /// Silence before a connection is asked whether it is there.
    pub keepalive_interval: Duration,
    /// Silence after that.
    pub keepalive_timeout: Duration,
    /// Until a connection is closed once its calls have ended.
    pub max_connection_age: Option<Duration>,
    /// All metadata of one request, in bytes.
    pub max_metadata_bytes: u32,
}

/// Serves everything until `stop`, then waits until every call has ended. Fails only while it starts.
pub async fn serve(
    api: Api,
    bounds: Bounds,
    listener: TcpListener,
    incoming: Incoming,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let limit = bounds.request_bytes;
    let budget = Budget::new(bounds.in_flight_bytes, api.metrics.clone());
    let calls = Calls::new(Methods::new(&api.metrics)?, budget, bounds.clone());
    let audit = Audit {
        recorder: api.recorder,
        queries: api.queries,
        metrics: api.metrics.clone(),
        request_bytes: limit,
        decoding: Arc::new(Semaphore::new(DECODING)),
        stop: api.stop,
    };
    let tenants = TenantApi { tenants: api.tenants, tokens: api.tokens.clone() };
    let subscriptions = SubscriptionApi {
        subscriptions: api.subscriptions,
        tokens: api.tokens.clone(),
        metrics: api.metrics.clone(),
        request_bytes: limit,
    };
    let exports = ExportApi { exports: api.exports, tokens: api.tokens, metrics: api.metrics };
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let routes = Routes::new(AuditServiceServer::new(audit).max_decoding_message_size(limit))
        .add_service(TenantServiceServer::new(tenants).max_decoding_message_size(limit))
        .add_service(ExportServiceServer::new(exports).max_decoding_message_size(limit))
        .add_service(SubscriptionServiceServer::new(subscriptions).max_decoding_message_size(limit))
        .add_service(api.health.server())
        .add_service(reflection);
    let routes = routes.into_axum_router().layer(from_fn_with_state(calls, around));
    let mut server = builder(&bounds);
    if let Some(age) = bounds.max_connection_age {
        server = server.max_connection_age(age);
    }
    let router = server.add_routes(Routes::from(routes).prepare());
    run(router, listener, incoming, stop).await
}

/// Serves health alone, in plain text, until `stop`.
pub async fn serve_health(
    health: Health,
    bounds: Bounds,
    listener: TcpListener,
    incoming: Incoming,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let router = builder(&bounds).add_service(health.server());
    run(router, listener, incoming, stop).await
}

async fn run(
    router: Router,
    listener: TcpListener,
    incoming: Incoming,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    Ok(router.serve_with_incoming_shutdown(connections(listener, incoming), stop).await?)
}

fn builder(bounds: &Bounds) -> Server {
    Server::builder()
        .initial_stream_window_size(bounds.stream_window)
        .initial_connection_window_size(bounds.connection_window)
        .max_concurrent_streams(bounds.max_streams_per_connection)
        .http2_keepalive_interval(Some(bounds.keepalive_interval))
        .http2_keepalive_timeout(Some(bounds.keepalive_timeout))
        .http2_max_header_list_size(bounds.max_metadata_bytes)
}

/// Why a listener could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The contract's descriptors do not decode.
    #[error("the descriptors of the contract are damaged")]
    Descriptors(#[from] prost::DecodeError),
    /// Reflection refuses the descriptors.
    #[error("server reflection refuses the descriptors of the contract")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("the gRPC server failed")]
    Transport(#[from] tonic::transport::Error),
}
