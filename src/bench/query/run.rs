//! The whole measurement, one store after the other.

use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::{
    case::{Case, Dialect, Tenth},
    limit::Limit,
    reader::Reader,
    report::{Read, Reading, StoreReading},
};
use crate::{
    bench::{
        error::BenchError, figures::Figures, folder::Folder, goals::Goal, load::Load, machine::Machine,
        postgres::BenchDatabase, server::BenchServer, sqlite, stores::measure,
    },
    codec::proto::v1::QueryEventsRequest,
    domain::{secret::Secret, time::Timestamp},
};

/// How much of the limit is aimed at.
const SHARE: f64 = 0.7;
/// Events of a first page.
const PAGE: u64 = 100;
/// Where a tenth of the log begins and ends.
const TENTH: (f64, f64) = (0.4, 0.5);

/// What is measured.
#[derive(Clone, Debug)]
pub struct QueryOptions {
    /// Measure SQLite.
    pub sqlite: bool,
    /// Measure PostgreSQL, in a database made and dropped on this server.
    pub postgres: Option<Secret>,
    /// Events in the log, to the next thousand.
    pub events: u64,
    /// How often each query is read, by turns with its limit; the middle one counts.
    pub rounds: usize,
    /// First pages of each query.
    pub pages: usize,
    /// Where the throw-away folder is made; SQLite is measured on its disk.
    pub folder: PathBuf,
}

/// Measures. `progress` is told what is being done; `stop` ends it early, and throw-away data still goes.
///
/// # Errors
///
/// If anything fails: half a measurement is none.
pub async fn query(
    options: &QueryOptions,
    progress: &(dyn Fn(&str) + Sync),
    stop: &CancellationToken,
) -> Result<Reading, BenchError> {
    let machine = Machine::this(&options.folder);
    let run = Run { options, progress };
    let sqlite = options.sqlite.then(|| run.sqlite());
    let postgres = options.postgres.as_ref();
    let stores = measure(sqlite, postgres, async |database| run.postgres(database).await, stop).await?;
    Ok(Reading { machine, stores })
}

struct Run<'a> {
    options: &'a QueryOptions,
    progress: &'a (dyn Fn(&str) + Sync),
}

/// One store with a log in it.
struct Filled<'a> {
    store: &'static str,
    dialect: Dialect,
    folder: &'a Path,
    database: Option<&'a Secret>,
    recorded: Figures,
}

impl Run<'_> {
    async fn sqlite(&self) -> Result<StoreReading, BenchError> {
        let folder = Folder::make(&self.options.folder)?;
        let recorded = self.fill("SQLite", folder.path(), None).await?;
        let filled = Filled {
            store: "sqlite",
            dialect: Dialect::Sqlite,
            folder: folder.path(),
            database: None,
            recorded,
        };
        let about = sqlite::about(folder.path()).await?;
        self.measure(filled, Limit::sqlite(folder.path()).await?, about).await
    }

    async fn postgres(&self, database: &BenchDatabase) -> Result<StoreReading, BenchError> {
        let folder = Folder::make(&self.options.folder)?;
        let recorded = self.fill("PostgreSQL", folder.path(), Some(database.url())).await?;
        let filled = Filled {
            store: "postgresql",
            dialect: Dialect::Postgres,
            folder: folder.path(),
            database: Some(database.url()),
            recorded,
        };
        let about = database.about().await?;
        self.measure(filled, Limit::postgres(database).await?, about).await
    }

    /// Records all events, by a server that ends afterwards: the one that is measured shall remember none of it.
    async fn fill(
        &self,
        name: &str,
        folder: &Path,
        database: Option<&Secret>,
    ) -> Result<Figures, BenchError> {
        (self.progress)(&format!("{name}: recording {} events", self.options.events));
        let server = BenchServer::start(folder, database).await?;
        let recorded = Load::fill(&server.endpoint(), self.options.events).await?;
        server.kill().await?;
        Ok(recorded)
    }

    async fn measure(
        &self,
        filled: Filled<'_>,
        mut limit: Limit,
        (version, settings): (String, String),
    ) -> Result<StoreReading, BenchError> {
        limit.settle().await?;
        let tenant_key = limit.tenant_key().await?;
        let server = BenchServer::start(filled.folder, filled.database).await?;
        let mut reader = Reader::connect(&server.endpoint()).await?;
        let idle = server.memory().map(|memory| memory.resident);
        let cases = Case::all(&tenth(&mut reader, filled.recorded.events).await?, filled.dialect);

        // Once without counting, so that both read from the same memory.
        (self.progress)(&format!("{}: a first full scan", filled.store));
        let Some(everything) = cases.first() else {
            return Err(BenchError::NoRows(filled.folder.to_owned()));
        };
        reader.read(everything.name, everything.request()).await?;
        let scan_memory_mib = server.memory().map(|memory| memory.peak);
        limit.read(everything, tenant_key).await?;

        let (mut reads, mut pages) = (Vec::new(), Vec::new());
        for case in &cases {
            (self.progress)(&format!("{}: {}", filled.store, case.name));
            let (mut taken, mut limits) = (Vec::new(), Vec::new());
            for _ in 0..self.options.rounds.max(1) {
                taken.push(reader.read(case.name, case.request()).await?);
                limits.push(limit.read(case, tenant_key).await?);
            }
            reads.push(Read::of(case.name, &mut taken, &mut limits));
        }
        for case in &cases {
            (self.progress)(&format!("{}: {}, first {}", filled.store, case.name, PAGE));
            let request: QueryEventsRequest = case.request();
            pages.push(reader.pages(case.name, &request, (PAGE, self.calls(&reads, case.name))).await?);
        }
        let name = limit.name().to_owned();
        limit.close().await?;
        let goals = reads.iter().map(|read| goal(read, &name)).collect();
        Ok(StoreReading {
            store: filled.store,
            version,
            settings,
            events: filled.recorded.events,
            recorded_per_second: filled.recorded.events_per_second,
            limit: name,
            reads,
            pages,
            goals,
            idle_memory_mib: idle,
            scan_memory_mib,
            peak_memory_mib: server.kill().await?,
        })
    }

    /// Where there is next to nothing, a first page is the whole scan: not so many of them.
    fn calls(&self, reads: &[Read], case: &str) -> usize {
        let slow = |read: &Read| read.case == case && read.events < PAGE && read.seconds > 0.1;
        if reads.iter().any(slow) { self.options.pages.div_ceil(20) } else { self.options.pages }
    }
}

fn goal(read: &Read, limit: &str) -> Goal {
    Goal::at_least(format!("{} / {limit}", read.case), (read.limit_seconds, read.seconds), SHARE)
}

/// The times of the events where a tenth of the log begins and ends.
async fn tenth(reader: &mut Reader, events: u64) -> Result<Tenth, BenchError> {
    let mut times = Vec::new();
    for part in [TENTH.0, TENTH.1] {
        let event = reader.event(((events as f64 * part) as u64).max(1)).await?;
        times.push((time(event.recorded_time), time(event.occurred_time)));
    }
    let (from, before) = (times[0], times[1]);
    // What was committed together has one time: more than a tenth of a short log, maybe.
    let before = (before.0.max(from.0.plus_micros(1)), before.1);
    Ok(Tenth { recorded: (from.0, before.0), occurred: (from.1, before.1) })
}

fn time(time: Option<prost_types::Timestamp>) -> Timestamp {
    let time = time.unwrap_or_default();
    Timestamp::from_parts(time.seconds, time.nanos).unwrap_or(Timestamp::MIN)
}
