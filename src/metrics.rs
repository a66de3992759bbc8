//! What a server counts, and where Prometheus reads it.

//! What a server counts, and where Prometheus reads it.

mod export_jobs;

use export_jobs::ExportJobGauges;
pub use export_jobs::ExportJobs;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, histogram::exponential_buckets,
        info::Info,
    },
    registry::{Registry, Unit},
};

/// gRPC has the codes 0 to 16.
const CODES: usize = 17;

/// Counters of one server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    calls: Family<CallLabels, Counter>,
    durations: Family<MethodLabels, Histogram, fn() -> Histogram>,
    streams: Gauge,
    request_bytes: Gauge,
    requests_refused: Counter,
    events: Family<EventLabels, Counter>,
    counted: Counter,
    export_runs: Family<RunLabels, Counter>,
    export_files: Counter,
    export_events: Counter,
    export_bytes: Counter,
    export_jobs: ExportJobGauges,
    consumers: Gauge,
    consumed_events: Counter,
    database_up: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    method: String,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabels {
    method: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    disposition: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    result: &'static str,
}

impl Metrics {
    /// Registers every metric under the prefix `vidne`.
    pub fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("vidne");
        let metrics = Self {
            calls: Family::default(),
            durations: Family::new_with_constructor(histogram),
            streams: Gauge::default(),
            request_bytes: Gauge::default(),
            requests_refused: Counter::default(),
            events: Family::default(),
            counted: Counter::default(),
            export_runs: Family::default(),
            export_files: Counter::default(),
            export_events: Counter::default(),
            export_bytes: Counter::default(),
            export_jobs: ExportJobGauges::register(registry),
            consumers: Gauge::default(),
            consumed_events: Counter::default(),
            database_up: Gauge::default(),
        };
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version of this server", version);
        registry.register("rpc", "Calls that ended, by method and gRPC code", metrics.calls.clone());
        registry.register_with_unit(
            "rpc_duration",
            "How long calls and streams took, by method",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register("open_streams", "Query and export streams that are open", metrics.streams.clone());
        registry.register_with_unit(
            "in_flight",
            "Requests that are being received or handled",
            Unit::Bytes,
            metrics.request_bytes.clone(),
        );
        registry.register(
            "requests_refused",
            "Requests that found no room among the bytes in flight",
            metrics.requests_refused.clone(),
        );
        registry.register(
            "events",
            "Events that clients sent, by what became of them",
            metrics.events.clone(),
        );
        registry.register(
            "counted_positions",
            "Positions that CountEvents and SummarizeEvents looked at",
            metrics.counted.clone(),
        );
        registry.register("export_runs", "Export runs that ended", metrics.export_runs.clone());
        registry.register("export_files", "Files that export runs published", metrics.export_files.clone());
        registry.register("export_events", "Events in published files", metrics.export_events.clone());
        registry.register("export_bytes", "Bytes of published files", metrics.export_bytes.clone());
        registry.register("open_consumers", "Consumers of subscriptions", metrics.consumers.clone());
        registry.register(
            "consumed_events",
            "Events that were delivered to consumers of subscriptions, repetitions included",
            metrics.consumed_events.clone(),
        );
        registry.register("database_up", "1 if the database answers, else 0", metrics.database_up.clone());
        metrics
    }

    /// The counters of one method. Make them once per method: names become labels.
    pub fn calls(&self, method: &str) -> CallMetrics {
        let (calls, durations) = (self.calls.clone(), self.durations.clone());
        CallMetrics { method: method.to_owned(), calls, durations, made: Arc::default() }
    }

    /// Counts events by what became of them: `recorded`, `duplicate`, `not_recorded` or `refused`.
    pub fn events(&self, disposition: &'static str, count: u64) {
        if count > 0 {
            self.events.get_or_create(&EventLabels { disposition }).inc_by(count);
        }
    }

    /// Adds positions that a call looked at to count what is there.
    pub fn counted(&self, positions: u64) {
        self.counted.inc_by(positions);
    }

    /// A stream that is open until the value is dropped.
    pub fn open_stream(&self) -> OpenStream {
        self.streams.inc();
        OpenStream(self.streams.clone())
    }

    /// So many bytes of a request are in flight until the value is dropped.
    pub fn request_bytes(&self, bytes: usize) -> RequestBytes {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.request_bytes.inc_by(bytes);
        RequestBytes(self.request_bytes.clone(), bytes)
    }

    /// Counts a request that found no room.
    pub fn request_refused(&self) {
        self.requests_refused.inc();
    }

    /// A consumer that is there until the value is dropped.
    pub fn open_consumer(&self) -> OpenConsumer {
        self.consumers.inc();
        OpenConsumer { consumers: self.consumers.clone(), events: self.consumed_events.clone() }
    }

    /// Counts an export run that ended, and what it published.
    pub fn export_run(&self, ok: bool, files: u64, events: u64, bytes: u64) {
        let result = if ok { "ok" } else { "failed" };
        self.export_runs.get_or_create(&RunLabels { result }).inc();
        self.export_files.inc_by(files);
        self.export_events.inc_by(events);
        self.export_bytes.inc_by(bytes);
    }

    /// How export jobs fare.
    pub fn export_jobs(&self, jobs: &ExportJobs<'_>) {
        self.export_jobs.set(jobs);
    }

    /// Whether the database answers.
    pub fn database_up(&self, up: bool) {
        self.database_up.set(i64::from(up));
    }
}

/// Counters of one method, made when they are first needed.
#[derive(Clone, Debug)]
pub struct CallMetrics {
    method: String,
    calls: Family<CallLabels, Counter>,
    durations: Family<MethodLabels, Histogram, fn() -> Histogram>,
    made: Arc<Made>,
}

#[derive(Debug, Default)]
struct Made {
    codes: [OnceLock<Counter>; CODES],
    duration: OnceLock<Histogram>,
}

impl CallMetrics {
    /// Counts a call that ended with the gRPC code `number`, which is called `code`.
    pub fn ended(&self, number: usize, code: &'static str, duration: Duration) {
        let method = || self.method.clone();
        let histogram = || self.durations.get_or_create_owned(&MethodLabels { method: method() });
        self.made.duration.get_or_init(histogram).observe(duration.as_secs_f64());
        let Some(slot) = self.made.codes.get(number) else { return };
        let counter = || self.calls.get_or_create_owned(&CallLabels { method: method(), code });
        slot.get_or_init(counter).inc();
    }
}

/// An open stream.
#[derive(Debug)]
pub struct OpenStream(Gauge);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Bytes of a request in flight.
#[derive(Debug)]
pub struct RequestBytes(Gauge, i64);

impl Drop for RequestBytes {
    fn drop(&mut self) {
        self.0.dec_by(self.1);
    }
}

/// A consumer of a subscription.
#[derive(Debug)]
pub struct OpenConsumer {
    consumers: Gauge,
    events: Counter,
}

impl OpenConsumer {
    /// Counts events that it was sent.
    pub fn delivered(&self, events: usize) {
        self.events.inc_by(events as u64);
    }
}

impl Drop for OpenConsumer {
    fn drop(&mut self) {
        self.consumers.dec();
    }
}

/// From 250 microseconds to half a minute; streams are longer.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_25, 3.0, 12))
}

/// Serves `registry` over HTTP at `/metrics`.
pub fn router(registry: Arc<Registry>) -> axum::Router {
    let page = async move || {
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &registry) {
            Ok(()) => {
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                Ok(([(http::header::CONTENT_TYPE, kind)], text))
            }
            Err(error) => {
                tracing::error!(%error, "metrics cannot be encoded");
                Err(http::StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    };
    axum::Router::new().route("/metrics", axum::routing::get(page))
}
