//! The parts of the settings that are nobody else's, checked.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::read::Reader;
use crate::{domain::secret::Secret, jobs::exports::SchedulerOptions, service::exports::RetryPauses};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const KIB: usize = 1 << 10;
pub(super) const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

/// Listeners and the bounds of calls.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// gRPC.
    pub listen: SocketAddr,
    /// `listen` may be reached by other machines.
    pub insecure: bool,
    /// gRPC health alone.
    pub health_listen: Option<SocketAddr>,
    /// Prometheus metrics.
    pub metrics_listen: Option<SocketAddr>,
    /// Connections at a time.
    pub max_connections: usize,
    /// Calls at a time on one connection.
    pub max_streams_per_connection: u32,
    /// Calls at a time in all.
    pub max_calls: usize,
    /// Requests that are being received or handled, in bytes in all.
    pub in_flight_bytes: usize,
    /// Until a message has arrived that has begun to.
    pub message_timeout: Duration,
    /// What a client may send on one stream before it is read, in bytes.
    pub stream_window: u32,
    /// What a client may send on one connection before it is read, in bytes.
    pub connection_window: u32,
    /// Until a call answers or a stream begins.
    pub request_timeout: Duration,
    /// Silence before a connection is asked.
    pub keepalive_interval: Duration,
    /// Silence after it is asked.
    pub keepalive_timeout: Duration,
    /// Until a connection is closed once its calls have ended; `None`: never.
    pub max_connection_age: Option<Duration>,
    /// TCP_NODELAY.
    pub tcp_nodelay: bool,
    /// All metadata of one request, in bytes.
    pub max_metadata_bytes: u32,
}

impl ServerSettings {
    pub(super) fn read(from: &mut Reader<'_>, request_bytes: usize) -> Self {
        let insecure = from.flag("server.insecure");
        let listen = from.address("server.listen");
        match listen {
            None => from.wrong("server.listen", "must name an address and a port such as 127.0.0.1:50051"),
            Some(address) if !insecure && !address.ip().to_canonical().is_loopback() => from.wrong(
                "server.listen",
                "can be reached by other machines, and there are no identities yet: whoever reaches it could read \
                 and write everything; listen on 127.0.0.1 or [::1], or say `--insecure` (server.insecure = true)",
            ),
            Some(_) => {}
        }
        Self {
            listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
            insecure,
            health_listen: from.address("server.health_listen"),
            metrics_listen: from.address("server.metrics_listen"),
            max_connections: from.count("server.max_connections", 1..=1_000_000),
            max_streams_per_connection: small(from.count("server.max_streams_per_connection", 1..=1_000_000)),
            max_calls: from.count("server.max_calls", 1..=1_000_000),
            // A message that is larger than all the room there is could never be taken in.
            in_flight_bytes: from.bytes("server.in_flight_bytes", request_bytes.max(MIB)..=64 * 1024 * MIB),
            message_timeout: from.duration("server.message_timeout", Duration::from_millis(10)..=HOUR),
            stream_window: small(from.bytes("server.stream_window", 64 * KIB - 1..=GIB)),
            connection_window: small(from.bytes("server.connection_window", 64 * KIB - 1..=GIB)),
            request_timeout: from.duration("server.request_timeout", Duration::from_millis(10)..=HOUR),
            keepalive_interval: from.duration("server.keepalive_interval", SECOND..=HOUR),
            keepalive_timeout: from.duration("server.keepalive_timeout", SECOND..=HOUR),
            max_connection_age: Some(from.duration("server.max_connection_age", Duration::ZERO..=24 * HOUR))
                .filter(|age| !age.is_zero()),
            tcp_nodelay: from.flag("server.tcp_nodelay"),
            max_metadata_bytes: small(from.bytes("server.max_metadata_bytes", KIB..=MIB)),
        }
    }
}

/// The database.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// A PostgreSQL, MariaDB or MySQL database; `None`: SQLite in `data_dir`.
    pub url: Option<Secret>,
    /// Connections of this server.
    pub max_connections: u32,
    /// Until a connection is free.
    pub acquire_timeout: Duration,
    /// For one statement.
    pub statement_timeout: Duration,
    /// For one lock.
    pub lock_timeout: Duration,
    /// Migrate a database server at start.
    pub migrate: bool,
    /// Refuse a database that can lose acknowledged events.
    pub require_durable: bool,
}

impl DatabaseSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        let url = from.optional("database.url");
        let schemes = ["postgres://", "postgresql://", "mysql://", "mariadb://"];
        if url.as_ref().is_some_and(|url| !schemes.iter().any(|scheme| url.starts_with(scheme))) {
            from.wrong(
                "database.url",
                "must begin with postgres:// or mysql://, as in postgres://user:password@host:5432/name; leave it \
                 empty for SQLite in `data_dir`",
            );
        }
        Self {
            url: url.map(Secret::new),
            max_connections: small(from.count("database.max_connections", 2..=10_000)),
            acquire_timeout: from.duration("database.acquire_timeout", Duration::from_millis(10)..=HOUR),
            statement_timeout: from.duration("database.statement_timeout", Duration::from_millis(10)..=HOUR),
            lock_timeout: from.duration("database.lock_timeout", Duration::from_millis(10)..=HOUR),
            migrate: from.flag("database.migrate"),
            require_durable: from.flag("database.require_durable"),
        }
    }
}

/// The installation's key.
#[derive(Clone, Debug)]
pub struct KeySettings {
    /// Its file; `None`: `vidne.key` in `data_dir`.
    pub file: Option<PathBuf>,
    /// The key itself in base64; goes before `file`.
    pub key: Option<Secret>,
}

impl KeySettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        Self { file: from.optional_path("keys.file"), key: from.optional("keys.key").map(Secret::new) }
    }
}

/// Export jobs.
#[derive(Clone, Debug)]
pub struct ExportSettings {
    /// Below this folder a job may write to the server's own disk; `None`: `exports` in `data_dir`.
    pub directory: Option<PathBuf>,
    /// How long a run may be silent before another server takes the job over.
    pub lease: Duration,
    /// Until a destination is connected and logged in to.
    pub connect_timeout: Duration,
    /// For one request to a destination.
    pub request_timeout: Duration,
    /// How often a silent destination is asked whether it is there.
    pub keepalive_interval: Duration,
    /// When jobs are started, and how many at a time.
    pub scheduler: SchedulerOptions,
    /// Bytes kept in memory of files that are planned and not sent yet, all runs together.
    pub kept_bytes: usize,
    /// How long jobs that failed wait.
    pub pauses: RetryPauses,
    /// When a job that fails becomes a matter of health.
    pub failing_after: Duration,
    /// Jobs may name files below this folder for their secrets; `None`: none.
    pub secret_files: Option<PathBuf>,
    /// Jobs may name environment variables that begin so for their secrets; `None`: none.
    pub secret_env_prefix: Option<String>,
}

impl ExportSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        Self {
            directory: from.optional_path("export.directory"),
            lease: from.duration("export.lease", 5 * SECOND..=HOUR),
            connect_timeout: from.duration("export.connect_timeout", SECOND..=HOUR),
            request_timeout: from.duration("export.request_timeout", SECOND..=HOUR),
            keepalive_interval: from.duration("export.keepalive_interval", SECOND..=HOUR),
            scheduler: SchedulerOptions {
                poll_interval: from.duration("export.poll_interval", Duration::from_millis(10)..=HOUR),
                max_runs: from.count("export.max_runs", 1..=1_000),
            },
            kept_bytes: from.bytes("export.kept_bytes", 0..=64 * 1024 * MIB),
            pauses: RetryPauses {
                first: from.duration("export.retry_first", Duration::from_millis(10)..=HOUR),
                longest: from.duration("export.retry_longest", Duration::from_millis(10)..=24 * HOUR),
                person: from.duration("export.retry_person", Duration::from_millis(10)..=24 * HOUR),
            },
            failing_after: from.duration("export.failing_after", Duration::from_millis(10)..=24 * HOUR),
            secret_files: from.optional_path("export.secret_files"),
            secret_env_prefix: from.optional("export.secret_env_prefix"),
        }
    }
}

/// Traces.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// An OTLP gRPC endpoint; `None`: no traces are sent.
    pub otlp_endpoint: Option<String>,
    /// Which share of the traces that begin here is sent.
    pub sample_ratio: f64,
    /// `service.name`.
    pub service_name: String,
}

impl TelemetrySettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        let otlp_endpoint = from.optional("telemetry.otlp_endpoint");
        if otlp_endpoint.as_ref().is_some_and(|e| !e.starts_with("http://") && !e.starts_with("https://")) {
            from.wrong(
                "telemetry.otlp_endpoint",
                "must begin with http:// or https://, as http://127.0.0.1:4317",
            );
        }
        let service_name = from.text("telemetry.service_name");
        Self { otlp_endpoint, sample_ratio: from.ratio("telemetry.sample_ratio"), service_name }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Logs.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// How lines look.
    pub format: LogFormat,
    /// What is logged, as `tracing_subscriber::EnvFilter` reads it.
    pub filter: String,
}

impl LogSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        let format = match from.text("log.format").as_str() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            _ => {
                from.wrong("log.format", "must be text or json");
                LogFormat::default()
            }
        };
        let filter = from.text("log.filter");
        if tracing_subscriber::EnvFilter::try_new(&filter).is_err() {
            from.wrong("log.filter", "must be a level (error, warn, info, debug, trace) or levels by module");
        }
        Self { format, filter }
    }
}

/// Stopping.
#[derive(Clone, Debug)]
pub struct ShutdownSettings {
    /// Not ready, but still serving.
    pub delay: Duration,
    /// Until connections are closed whatever they do.
    pub deadline: Duration,
}

impl ShutdownSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        Self {
            delay: from.duration("shutdown.delay", Duration::ZERO..=HOUR),
            deadline: from.duration("shutdown.deadline", SECOND..=HOUR),
        }
    }
}

/// For numbers whose range has been checked.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
