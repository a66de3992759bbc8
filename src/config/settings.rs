//! The settings of a server, checked.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{error::ConfigError, read::Reader, source::Values};
use crate::{
    domain::{declared::Declared, limits::Limits, secret::Secret},
    jobs::exports::SchedulerOptions,
    service::{
        exports::RetryPauses, journal::JournalOptions, query::QueryOptions,
        subscriptions::SubscriptionOptions,
    },
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

/// Everything that a server is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of a server that keeps its events in SQLite.
    pub data_dir: PathBuf,
    /// Listeners and the bounds of calls.
    pub server: ServerSettings,
    /// The database.
    pub database: DatabaseSettings,
    /// The installation's key.
    pub keys: KeySettings,
    /// Limits on events and requests.
    pub limits: Limits,
    /// How writing is bounded.
    pub journal: JournalOptions,
    /// How reading is bounded and timed.
    pub query: QueryOptions,
    /// How consuming subscriptions is bounded and timed.
    pub subscriptions: SubscriptionOptions,
    /// Export jobs.
    pub export: ExportSettings,
    /// Tenants and export jobs that the file declares.
    pub declared: Declared,
    /// Traces.
    pub telemetry: TelemetrySettings,
    /// Logs.
    pub log: LogSettings,
    /// Stopping.
    pub shutdown: ShutdownSettings,
}

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

/// The installation's key.
#[derive(Clone, Debug)]
pub struct KeySettings {
    /// Its file; `None`: `vidne.key` in `data_dir`.
    pub file: Option<PathBuf>,
    /// The key itself in base64; goes before `file`.
    pub key: Option<Secret>,
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

/// Stopping.
#[derive(Clone, Debug)]
pub struct ShutdownSettings {
    /// Not ready, but still serving.
    pub delay: Duration,
    /// Until connections are closed whatever they do.
    pub deadline: Duration,
}

impl Settings {
    /// Checks all values; reports all that is wrong.
    pub fn new(values: &Values) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(values);
        let settings = Self::read(&mut reader);
        reader.finish(settings)
    }

    fn read(from: &mut Reader<'_>) -> Self {
        let data_dir = PathBuf::from(from.text("data_dir"));
        if data_dir.as_os_str().is_empty() {
            from.wrong("data_dir", "must name a folder");
        }
        let limits = limits(from);
        let server = server(from, limits.request_bytes);
        let count_time = from.duration("query.count_time", Duration::from_millis(10)..=HOUR);
        // Longer, and the call would be ended without an answer.
        let count_time = count_time.min(server.request_timeout / 4 * 3);
        let progress_interval = from.duration("query.progress_interval", SECOND..=HOUR);
        let export = export(from);
        let declared = from.declared(&export);
        Self {
            data_dir,
            server,
            database: database(from),
            keys: KeySettings {
                file: from.optional_path("keys.file"),
                key: from.optional("keys.key").map(Secret::new),
            },
            journal: JournalOptions {
                committers: from.count("journal.committers", 1..=64),
                queue_events: from.count("journal.queue_events", 1..=10_000_000),
                queue_bytes: from.bytes("journal.queue_bytes", MIB..=64 * 1024 * MIB),
                batch_events: from.count("journal.batch_events", 1..=100_000),
                batch_bytes: from.bytes("journal.batch_bytes", 64 * 1024..=1024 * MIB),
            },
            query: QueryOptions {
                chunk_events: from.count("query.chunk_events", 1..=10_000),
                batch_bytes: limits.batch_bytes,
                event_bytes: limits.event_bytes,
                progress_interval,
                poll_interval: from.duration("query.poll_interval", Duration::from_millis(10)..=HOUR),
                tail_pause: from.duration("query.tail_pause", Duration::ZERO..=SECOND),
                tail_events: from.count("query.tail_events", 1..=1_000_000),
                tail_bytes: from.bytes("query.tail_bytes", MIB..=64 * 1024 * MIB),
                count_positions: from.count("query.count_positions", 1..=1_000_000_000_000) as u64,
                count_time,
                ..QueryOptions::default()
            },
            subscriptions: SubscriptionOptions {
                lease: from.duration("subscriptions.lease", SECOND..=HOUR),
                max_unacknowledged: from.count("subscriptions.max_unacknowledged", 1..=1_000_000),
                stall_timeout: from.duration("subscriptions.stall_timeout", SECOND..=24 * HOUR),
                progress_interval,
            },
            limits,
            export,
            declared,
            telemetry: telemetry(from),
            log: log(from),
            shutdown: ShutdownSettings {
                delay: from.duration("shutdown.delay", Duration::ZERO..=HOUR),
                deadline: from.duration("shutdown.deadline", SECOND..=HOUR),
            },
        }
    }
}

fn server(from: &mut Reader<'_>, request_bytes: usize) -> ServerSettings {
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
    ServerSettings {
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

fn database(from: &mut Reader<'_>) -> DatabaseSettings {
    let url = from.optional("database.url");
    let schemes = ["postgres://", "postgresql://", "mysql://", "mariadb://"];
    if url.as_ref().is_some_and(|url| !schemes.iter().any(|scheme| url.starts_with(scheme))) {
        from.wrong(
            "database.url",
            "must begin with postgres:// or mysql://, as in postgres://user:password@host:5432/name; leave it \
             empty for SQLite in `data_dir`",
        );
    }
    DatabaseSettings {
        url: url.map(Secret::new),
        max_connections: small(from.count("database.max_connections", 2..=10_000)),
        acquire_timeout: from.duration("database.acquire_timeout", Duration::from_millis(10)..=HOUR),
        statement_timeout: from.duration("database.statement_timeout", Duration::from_millis(10)..=HOUR),
        lock_timeout: from.duration("database.lock_timeout", Duration::from_millis(10)..=HOUR),
        migrate: from.flag("database.migrate"),
        require_durable: from.flag("database.require_durable"),
    }
}

fn limits(from: &mut Reader<'_>) -> Limits {
    let event_bytes = from.bytes("limits.event_bytes", 4 * KIB..=MIB);
    let least = event_bytes.max(4 * KIB) * 2;
    Limits {
        event_bytes,
        request_bytes: from.bytes("limits.request_bytes", least..=64 * MIB),
        request_events: from.count("limits.request_events", 1..=100_000),
        batch_bytes: from.bytes("limits.batch_bytes", least..=4 * MIB),
        description_bytes: from.bytes("limits.description_bytes", 16..=MIB),
        value_bytes: from.bytes("limits.value_bytes", 16..=MIB),
        reason_bytes: from.bytes("limits.reason_bytes", 16..=MIB),
        targets: from.count("limits.targets", 1..=1_000),
        labels: from.count("limits.labels", 0..=1_000),
        changes: from.count("limits.changes", 0..=1_000),
    }
}

fn export(from: &mut Reader<'_>) -> ExportSettings {
    ExportSettings {
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

fn telemetry(from: &mut Reader<'_>) -> TelemetrySettings {
    let otlp_endpoint = from.optional("telemetry.otlp_endpoint");
    if otlp_endpoint.as_ref().is_some_and(|e| !e.starts_with("http://") && !e.starts_with("https://")) {
        from.wrong(
            "telemetry.otlp_endpoint",
            "must begin with http:// or https://, as http://127.0.0.1:4317",
        );
    }
    let service_name = from.text("telemetry.service_name");
    TelemetrySettings { otlp_endpoint, sample_ratio: from.ratio("telemetry.sample_ratio"), service_name }
}

fn log(from: &mut Reader<'_>) -> LogSettings {
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
    LogSettings { format, filter }
}

/// For numbers whose range has been checked.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    #[test]
    fn the_defaults_are_valid_and_every_key_is_read() {
        let values = Values::load(&Sources::default()).unwrap();
        let mut reader = Reader::new(&values);
        let settings = Settings::read(&mut reader);
        let mut read = reader.read.clone();
        read.sort();
        read.dedup();
        assert_eq!(read, values.keys.keys().cloned().collect::<Vec<_>>());
        reader.finish(()).unwrap();
        assert_eq!(settings.limits, Limits::default());
        assert_eq!(settings.query.progress_interval, QueryOptions::default().progress_interval);
        assert_eq!(settings.subscriptions, SubscriptionOptions::default());
    }
}
