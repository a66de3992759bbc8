//! Around every call: its span, its bounds, its details, its counters.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures::FutureExt;
use http::{HeaderMap, header::HeaderName};
use http_body::{Frame, SizeHint};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};
use tonic::{Code, Status};
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::{
    budget::{Budget, Held, Messages, Received, Rule},
    foreign::{complete, http_response},
    methods::{Found, Methods},
    outgoing::framed,
    router::Bounds,
    status::plain,
};
use crate::{codec::proto::v1::ErrorReason, metrics::CallMetrics};

/// What is around every call of one server.
#[derive(Clone)]
pub struct Calls(Arc<Inner>);

struct Inner {
    methods: Methods,
    permits: Arc<Semaphore>,
    budget: Budget,
    bounds: Bounds,
}

impl Calls {
    /// With these counters and bounds.
    pub fn new(methods: Methods, budget: Budget, bounds: Bounds) -> Self {
        let permits = Arc::new(Semaphore::new(bounds.max_calls));
        Self(Arc::new(Inner { methods, permits, budget, bounds }))
    }

    /// The same request, its messages within the budget, and the room that they hold.
    fn bounded(&self, request: Request, streaming: bool) -> (Request, Held) {
        let Inner { budget, bounds, .. } = &*self.0;
        let held = Held::default();
        let rule = Rule { streaming, message_bytes: bounds.request_bytes, timeout: bounds.message_timeout };
        let (mut parts, body) = request.into_parts();
        let received = Received::new(body, budget.clone(), rule, held.clone());
        if streaming {
            // Not through tonic, whose buffer of a stream stays as large as the largest message was.
            parts.extensions.insert(Messages::new(received, held.clone()));
            return (Request::from_parts(parts, Body::empty()), held);
        }
        (Request::from_parts(parts, Body::new(received)), held)
    }
}

/// Runs one call.
pub async fn around(State(calls): State<Calls>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let path = request.uri().path();
    let Found { metrics, known, streaming } = calls.0.methods.find(path);
    // Health and reflection have answers of their own, and are served however much is in flight.
    let ours = !path.starts_with("/grpc.");
    let span = span(path, known, request.headers());
    let mut ended = Ended { metrics: metrics.clone(), started, counted: false, permit: None };
    let response = if ours {
        match calls.0.permits.clone().try_acquire_owned() {
            Ok(permit) => {
                ended.permit = Some(permit);
                let (request, held) = calls.bounded(request, streaming);
                let response = run(request, next, calls.0.bounds.request_timeout).instrument(span).await;
                if !streaming {
                    // Its one message has been handled; what is left is the answer.
                    held.release();
                }
                complete(framed(response), known, calls.0.bounds.request_bytes)
            }
            Err(_) => overloaded(),
        }
    } else {
        next.run(request).instrument(span).await
    };
    if let Some(code) = code(response.headers()) {
        ended.count(code);
    }
    response.map(|inner| Body::new(Observed { inner, ended }))
}

/// Bounds the time until the call answers or its stream begins. Whatever writes runs in a task of its own and
/// is not harmed by being left alone.
async fn run(request: Request, next: Next, limit: Duration) -> Response {
    match timeout(limit, AssertUnwindSafe(next.run(request)).catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("a call panicked");
            let text = "the server failed; its log has the cause";
            http_response(plain(Code::Internal, ErrorReason::Internal, text))
        }
        Err(_) => {
            let text = format!("the call took longer than {limit:?}; send the same again");
            http_response(plain(Code::DeadlineExceeded, ErrorReason::DeadlineExceeded, text))
        }
    }
}

fn overloaded() -> Response {
    let text = "too many calls are in flight; try again";
    let answer = plain(Code::ResourceExhausted, ErrorReason::Overloaded, text);
    http_response(answer.retry_after(Duration::from_secs(1)))
}

/// A server span below the caller's, if the metadata tells of one.
fn span(path: &str, known: bool, headers: &HeaderMap) -> tracing::Span {
    let name = if known { path.trim_start_matches('/') } else { "unknown" };
    let span = tracing::info_span!("call", otel.name = name, otel.kind = "server", rpc.system = "grpc");
    // Fails only where no traces are kept.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&Headers(headers)));
    span
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

fn code(headers: &HeaderMap) -> Option<Code> {
    Status::from_header_map(headers).map(|status| status.code())
}

/// Counts a call once, when its answer is complete; holds its place in flight until then.
struct Ended {
    metrics: CallMetrics,
    started: Instant,
    counted: bool,
    permit: Option<OwnedSemaphorePermit>,
}

impl Ended {
    fn count(&mut self, code: Code) {
        if !self.counted {
            self.counted = true;
            self.permit = None;
            self.metrics.ended(code as usize, name(code), self.started.elapsed());
        }
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // The client went away before the end.
        self.count(Code::Cancelled);
    }
}

struct Observed {
    inner: Body,
    ended: Ended,
}

impl http_body::Body for Observed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            self.ended.count(code(trailers).unwrap_or(Code::Ok));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The name of a code as gRPC spells it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
