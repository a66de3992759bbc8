//! The settings of a server, checked.

use std::{path::PathBuf, time::Duration};

use super::{
    error::ConfigError,
    read::Reader,
    sections::{
        DatabaseSettings, ExportSettings, HOUR, KIB, KeySettings, LogSettings, MIB, SECOND, ServerSettings,
        ShutdownSettings, TelemetrySettings,
    },
    source::Values,
};
use crate::{
    domain::{declared::Declared, limits::Limits},
    service::{journal::JournalOptions, query::QueryOptions, subscriptions::SubscriptionOptions},
};

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
        let server = ServerSettings::read(from, limits.request_bytes);
        let count_time = from.duration("query.count_time", Duration::from_millis(10)..=HOUR);
        // Longer, and the call would be ended without an answer.
        let count_time = count_time.min(server.request_timeout / 4 * 3);
        let progress_interval = from.duration("query.progress_interval", SECOND..=HOUR);
        let export = ExportSettings::read(from);
        let declared = from.declared(&export);
        Self {
            data_dir,
            server,
            database: DatabaseSettings::read(from),
            keys: KeySettings::read(from),
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
            telemetry: TelemetrySettings::read(from),
            log: LogSettings::read(from),
            shutdown: ShutdownSettings::read(from),
        }
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
