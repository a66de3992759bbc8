//! Logs on standard error, and traces to an OTLP collector if there is one.

use std::{io::IsTerminal, time::Duration};

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer, filter::ParseError, layer::SubscriberExt, registry::LookupSpan,
    util::SubscriberInitExt, util::TryInitError,
};

use crate::config::{LogFormat, LogSettings, TelemetrySettings};

/// For one attempt to send spans.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);
/// Which spans are sent. What sending itself does must not be traced, or it would never end.
const SENT: &str = "info,h2=off,hyper=off,hyper_util=off,tonic=off,tower=off,opentelemetry=off,\
                    opentelemetry_sdk=off,opentelemetry_otlp=off";

/// Logs and traces of this process; [`Telemetry::flush`] it at the end.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

/// Why logs or traces cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log.filter` cannot be read.
    #[error("log.filter: must be a level (error, warn, info, debug, trace) or levels by module")]
    Filter(#[from] ParseError),
    /// `telemetry.otlp_endpoint` cannot be used.
    #[error("telemetry.otlp_endpoint: no traces can be sent there; give an OTLP gRPC endpoint")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Something set up logs before.
    #[error("logs are set up already")]
    Twice(#[from] TryInitError),
}

impl Telemetry {
    /// Sets logs and traces up for the whole process; once, and inside the runtime.
    pub fn start(log: &LogSettings, telemetry: &TelemetrySettings) -> Result<Self, TelemetryError> {
        let traces = provider(telemetry)?;
        let sent = traces.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("vidne"))
                .with_filter(EnvFilter::new(SENT))
        });
        let lines = lines(log.format).with_filter(EnvFilter::try_new(&log.filter)?);
        tracing_subscriber::registry().with(sent).with(lines).try_init()?;
        Ok(Self { traces })
    }

    /// Sends what is left, for at most `deadline`.
    pub async fn flush(self, deadline: Duration) {
        let Some(traces) = self.traces else { return };
        // Blocks, and on this thread would wait for itself.
        let sending = tokio::task::spawn_blocking(move || traces.shutdown_with_timeout(deadline));
        match tokio::time::timeout(deadline, sending).await {
            Ok(Ok(Ok(()))) => {}
            _ => tracing::warn!("the last traces could not be sent"),
        }
    }
}

fn provider(settings: &TelemetrySettings) -> Result<Option<SdkTracerProvider>, TelemetryError> {
    let Some(endpoint) = &settings.otlp_endpoint else { return Ok(None) };
    let exporter =
        SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(EXPORT_TIMEOUT).build()?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio)));
    let resource = Resource::builder().with_service_name(settings.service_name.clone()).build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(resource)
        .build();
    Ok(Some(provider))
}

fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => layer.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}
