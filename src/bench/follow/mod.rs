//! Measures how soon what is recorded reaches those who follow a log, and what they cost.
//!
//! `followers` are the subscribers, `fan` writes at a steady rate and takes the time until all have it, `idle` weighs
//! those who wait, `effect` looks at what they cost writers, and `notify` is what PostgreSQL does without vidne.

mod effect;
mod fan;
mod followers;
mod idle;
mod notify;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{
    course::Budget,
    error::BenchError,
    figures::Figures,
    folder::Folder,
    load::{Case, Load},
    machine::Machine,
    postgres::BenchDatabase,
    record::{Report, StoreReport},
    server::BenchServer,
    sqlite,
    stores::measure,
};
use crate::domain::secret::Secret;

/// Subscribers at the same time.
const FANS: [usize; 4] = [1, 10, 100, 1_000];

/// What and how long.
#[derive(Clone, Debug)]
pub struct FollowOptions {
    /// Measure SQLite.
    pub sqlite: bool,
    /// Measure PostgreSQL too, in a database made and dropped on this server.
    pub postgres: Option<Secret>,
    /// How long each case goes on.
    pub time: Duration,
    /// Events that are recorded in a second while it is measured how soon they arrive.
    pub rate: f64,
    /// Subscribers that wait while the server is weighed; at least 5.
    pub idle: usize,
    /// Where the throw-away folder is made; SQLite is measured on its disk.
    pub folder: PathBuf,
}

/// Measures. `progress` is told what is being measured; `stop` ends it early, and throw-away data still goes.
///
/// # Errors
///
/// If anything fails: half a measurement is none.
pub async fn follow(
    options: &FollowOptions,
    progress: &(dyn Fn(&str) + Sync),
    stop: &CancellationToken,
) -> Result<Report, BenchError> {
    let machine = Machine::this(&options.folder);
    let run = Run { options, progress };
    let sqlite = options.sqlite.then(|| run.sqlite());
    let postgres = options.postgres.as_ref();
    let stores = measure(sqlite, postgres, async |database| run.postgres(database).await, stop).await?;
    Ok(Report { machine, stores })
}

struct Run<'a> {
    options: &'a FollowOptions,
    progress: &'a (dyn Fn(&str) + Sync),
}

impl Run<'_> {
    async fn sqlite(&self) -> Result<StoreReport, BenchError> {
        let folder = Folder::make(&self.options.folder)?;
        let mut report = self.store("SQLite", folder.path(), None).await?;
        (self.progress)("SQLite: the limit");
        let server = BenchServer::start(folder.path(), None).await?;
        let budget = Budget { time: self.options.time, events: u64::MAX };
        report.limits.push(Load::new(&server.endpoint(), "", budget).measure(Case::Bare(1)).await?);
        server.kill().await?;
        (report.version, report.settings) = sqlite::about(folder.path()).await?;
        Ok(StoreReport { store: "sqlite", ..report })
    }

    async fn postgres(&self, database: &BenchDatabase) -> Result<StoreReport, BenchError> {
        let folder = Folder::make(&self.options.folder)?;
        let mut report = self.store("PostgreSQL", folder.path(), Some(database.url())).await?;
        (self.progress)("PostgreSQL: the limit");
        report.limits.push(notify::round_trip(database.url(), self.options.time).await?);
        (report.version, report.settings) = database.about().await?;
        Ok(StoreReport { store: "postgresql", ..report })
    }

    /// Everything but the limit.
    async fn store(
        &self,
        name: &str,
        folder: &Path,
        database: Option<&Secret>,
    ) -> Result<StoreReport, BenchError> {
        let mut goals = Vec::new();
        for weighing in idle::weighings(self.options.idle) {
            (self.progress)(&format!("{name}: {weighing}"));
            // A server of its own: memory that others left free would hide what these take.
            let server = BenchServer::start(folder, database).await?;
            goals.push(idle::weigh(&server, weighing).await?);
            server.kill().await?;
        }
        let server = BenchServer::start(folder, database).await?;
        let endpoint = server.endpoint();
        let mut cases: Vec<Figures> = Vec::new();
        for subscribers in FANS {
            (self.progress)(&format!("{name}: {}", fan::name(subscribers)));
            cases.extend(fan::measure(&endpoint, subscribers, self.options.rate, self.options.time).await?);
        }
        (self.progress)(&format!("{name}: what subscribers cost writers"));
        let (writing, goal) = effect::measure(&endpoint, self.options.time).await?;
        cases.extend(writing);
        goals.push(goal);
        let server_peak_memory_mib = server.kill().await?;
        Ok(StoreReport {
            store: "",
            version: String::new(),
            settings: String::new(),
            cases,
            limits: Vec::new(),
            goals,
            server_peak_memory_mib,
        })
    }
}
