//! The whole measurement, one store after the other.

use std::path::PathBuf;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    course::Budget,
    error::BenchError,
    figures::Figures,
    folder::Folder,
    goals::{Compared, Goal},
    load::{Case, Load},
    machine::Machine,
    postgres::BenchDatabase,
    server::BenchServer,
    sqlite,
    stores::{measure, stoppable},
};
use crate::domain::secret::Secret;

/// How much of raw insert is aimed at on SQLite.
const SQLITE_SHARE: f64 = 0.6;
/// How much of raw COPY is aimed at on PostgreSQL.
const POSTGRES_SHARE: f64 = 0.5;

/// What is measured.
#[derive(Clone, Debug)]
pub enum Target {
    /// A server that runs already. Its events stay: vidne forgets nothing.
    Server {
        /// Its URL.
        endpoint: String,
        /// The tenant whose log gets the events.
        tenant: String,
    },
    /// Servers of the measurement's own.
    Own {
        /// Measure SQLite.
        sqlite: bool,
        /// Measure PostgreSQL too, in a database made and dropped on this server.
        postgres: Option<Secret>,
    },
}

/// What and how long.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is measured.
    pub target: Target,
    /// What each case may take.
    pub budget: Budget,
    /// Where the throw-away folder is made; SQLite is measured on its disk.
    pub folder: PathBuf,
}

/// Everything that was found out.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// On what.
    pub machine: Machine,
    /// By store.
    pub stores: Vec<StoreReport>,
}

/// What was found out about one store.
#[derive(Clone, Debug, Serialize)]
pub struct StoreReport {
    /// `sqlite`, `postgresql` or `server`.
    pub store: &'static str,
    /// Which version of it.
    pub version: String,
    /// The settings that decide how durable and how fast it is.
    pub settings: String,
    /// vidne's figures.
    pub cases: Vec<Figures>,
    /// The limits: what goes without vidne, or without a database.
    pub limits: Vec<Figures>,
    /// The goals.
    pub goals: Vec<Goal>,
    /// The most memory that the server had, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_peak_memory_mib: Option<u64>,
}

/// Measures. `progress` is told what is being measured; `stop` ends it early, and throw-away data still goes.
///
/// # Errors
///
/// If anything fails: half a measurement is none.
pub async fn run(
    options: &Options,
    progress: &(dyn Fn(&str) + Sync),
    stop: &CancellationToken,
) -> Result<Report, BenchError> {
    let machine = Machine::this(&options.folder);
    let run = Run { options, progress };
    let stores = match &options.target {
        Target::Server { endpoint, tenant } => vec![stoppable(stop, run.running(endpoint, tenant)).await?],
        Target::Own { sqlite, postgres } => {
            let sqlite = sqlite.then(|| run.sqlite());
            measure(sqlite, postgres.as_ref(), async |database| run.postgres(database).await, stop).await?
        }
    };
    Ok(Report { machine, stores })
}

struct Run<'a> {
    options: &'a Options,
    progress: &'a (dyn Fn(&str) + Sync),
}

impl Run<'_> {
    async fn running(&self, endpoint: &str, tenant: &str) -> Result<StoreReport, BenchError> {
        let (bare, cases) = self.load("server", endpoint, tenant).await?;
        Ok(StoreReport {
            store: "server",
            version: endpoint.to_owned(),
            settings: String::new(),
            cases,
            limits: bare.to_vec(),
            goals: Vec::new(),
            server_peak_memory_mib: None,
        })
    }

    async fn sqlite(&self) -> Result<StoreReport, BenchError> {
        let folder = Folder::make(&self.options.folder)?;
        let server = BenchServer::start(folder.path(), None).await?;
        let (bare, cases) = self.load("SQLite", &server.endpoint(), "").await?;
        let peak = server.kill().await?;
        (self.progress)("SQLite: the limits");
        let (version, settings) = sqlite::about(folder.path()).await?;
        let (raw, single) = sqlite::limits(folder.path(), folder.path(), self.options.budget).await?;
        let goals = goals(&bare[0], &cases, &raw, &single, SQLITE_SHARE);
        let limits = [raw, single].into_iter().chain(bare).collect();
        Ok(StoreReport {
            store: "sqlite",
            version,
            settings,
            cases,
            limits,
            goals,
            server_peak_memory_mib: peak,
        })
    }

    async fn postgres(&self, database: &BenchDatabase) -> Result<StoreReport, BenchError> {
        let folder = Folder::make(&self.options.folder)?;
        let server = BenchServer::start(folder.path(), Some(database.url())).await?;
        let (bare, cases) = self.load("PostgreSQL", &server.endpoint(), "").await?;
        let peak = server.kill().await?;
        (self.progress)("PostgreSQL: the limits");
        let (version, settings) = database.about().await?;
        let (raw, single) = database.limits(folder.path(), self.options.budget).await?;
        let goals = goals(&bare[0], &cases, &raw, &single, POSTGRES_SHARE);
        let limits = [raw, single].into_iter().chain(bare).collect();
        Ok(StoreReport {
            store: "postgresql",
            version,
            settings,
            cases,
            limits,
            goals,
            server_peak_memory_mib: peak,
        })
    }

    /// The bare calls, and all cases.
    async fn load(
        &self,
        store: &str,
        endpoint: &str,
        tenant: &str,
    ) -> Result<([Figures; 2], Vec<Figures>), BenchError> {
        let load = Load::new(endpoint, tenant, self.options.budget);
        let measure = async |case: Case| {
            (self.progress)(&format!("{store}: {case}"));
            load.measure(case).await
        };
        let [one, many] = Case::BARE;
        let bare = [measure(one).await?, measure(many).await?];
        let mut cases = Vec::new();
        for case in Case::RECORDING {
            cases.push(measure(case).await?);
        }
        Ok((bare, cases))
    }
}

/// None if a case is missing, which none is.
fn goals(bare: &Figures, cases: &[Figures], raw: &Figures, single: &Figures, share: f64) -> Vec<Goal> {
    let [one, _, many, _, batches, stream] = cases else { return Vec::new() };
    Compared { bare, one, many, bulk: [batches, stream], raw, single }.goals(share)
}
