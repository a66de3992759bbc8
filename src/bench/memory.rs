//! How much memory a server needs at most while far more is sent to it than its database takes.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::{task::JoinSet, time};
use tokio_util::sync::CancellationToken;

use super::{
    error::BenchError,
    folder::Folder,
    goals::Goal,
    machine::{Machine, Memory},
    postgres::BenchDatabase,
    pusher::{Pushed, Pusher},
    server::BenchServer,
    stores::stoppable,
    throttle::Throttle,
};
use crate::domain::secret::Secret;

/// What a server may have resident, in MiB.
const GOAL_MIB: f64 = 150.0;
/// How often its memory is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long connecting all clients may take.
const CONNECT: Duration = Duration::from_secs(60);

/// What and how long.
#[derive(Clone, Debug)]
pub struct MemoryOptions {
    /// PostgreSQL, in a database made and dropped on this server; `None`: SQLite.
    pub postgres: Option<Secret>,
    /// Clients, each on a connection of its own.
    pub clients: usize,
    /// How long they push.
    pub time: Duration,
    /// Which share of the time the database is at work, 0.0 to 1.0; for the rest it is held.
    pub working: f64,
    /// Where the throw-away folder is made.
    pub folder: PathBuf,
}

/// What was found out.
#[derive(Clone, Debug, Serialize)]
pub struct MemoryReport {
    /// On what.
    pub machine: Machine,
    /// `sqlite` or `postgresql`.
    pub store: &'static str,
    /// Clients at the same time.
    pub clients: usize,
    /// How long they pushed.
    pub seconds: f64,
    /// Requests that were answered.
    pub answered: u64,
    /// Events in them.
    pub events: u64,
    /// Requests that were refused for want of room, and sent again.
    pub refused: u64,
    /// Calls that ended with their connection, and were made again.
    pub broken: u64,
    /// Resident before the first client came, in MiB.
    pub idle_mib: u64,
    /// Resident when half of the time was over, in MiB.
    pub half_mib: u64,
    /// Resident at the end, with all clients still there, in MiB.
    pub end_mib: u64,
    /// The most there ever was, in MiB.
    pub peak_mib: u64,
    /// The goal.
    pub goals: Vec<Goal>,
}

/// Measures. `progress` is told what is being done; `stop` ends it early.
///
/// # Errors
///
/// If anything fails: half a measurement is none.
pub async fn memory(
    options: &MemoryOptions,
    progress: &(dyn Fn(&str) + Sync),
    stop: &CancellationToken,
) -> Result<MemoryReport, BenchError> {
    let folder = Folder::make(&options.folder)?;
    match &options.postgres {
        None => {
            let server = BenchServer::start(folder.path(), None).await?;
            let throttle = Throttle::sqlite(folder.path(), options.working);
            stoppable(stop, push(options, "sqlite", server, throttle, progress)).await
        }
        Some(url) => {
            let database = BenchDatabase::create(url).await?;
            let measured = stoppable(stop, async {
                let server = BenchServer::start(folder.path(), Some(database.url())).await?;
                let throttle = Throttle::postgres(database.url(), options.working);
                push(options, "postgresql", server, throttle, progress).await
            })
            .await;
            let dropped = database.remove().await;
            let measured = measured?;
            dropped.map(|()| measured)
        }
    }
}

fn look(server: &BenchServer) -> Result<Memory, BenchError> {
    server.memory().ok_or_else(|| BenchError::NotServing("nothing: it has ended, or has no /proc".to_owned()))
}

async fn push(
    options: &MemoryOptions,
    store: &'static str,
    server: BenchServer,
    throttle: Throttle,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<MemoryReport, BenchError> {
    let machine = Machine::this(&options.folder);
    let idle_mib = look(&server)?.resident;
    progress(&format!("{store}: {} clients push for {:?}", options.clients, options.time));
    let pushed = Arc::new(Pushed::default());
    let mut tasks = JoinSet::new();
    tasks.spawn(throttle.run());
    let endpoint = server.endpoint();
    for client in 0..options.clients {
        let pusher = Pusher::connect(&endpoint, client, pushed.clone());
        let pusher = time::timeout(CONNECT, pusher)
            .await
            .unwrap_or(Err(BenchError::Silent { case: "connecting".to_owned(), within: CONNECT }))?;
        tasks.spawn(pusher.push());
    }
    let begun = Instant::now();
    let mut highest = 0;
    let mut half_mib = 0;
    while begun.elapsed() < options.time {
        tokio::select! {
            () = time::sleep(LOOK) => {}
            // None of them ends by itself unless it fails.
            Some(ended) = tasks.join_next() => {
                let lost = |error: tokio::task::JoinError| BenchError::NotServing(error.to_string());
                ended.map_err(lost)??;
            }
        }
        let resident = look(&server)?.resident;
        highest = highest.max(resident);
        if begun.elapsed() < options.time / 2 {
            half_mib = resident;
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let memory = look(&server)?;
    tasks.shutdown().await;
    server.kill().await?;
    let peak_mib = memory.peak.max(highest);
    Ok(MemoryReport {
        machine,
        store,
        clients: options.clients,
        seconds,
        answered: pushed.answered(),
        events: pushed.events(),
        refused: pushed.refused(),
        broken: pushed.broken(),
        idle_mib,
        half_mib,
        end_mib: memory.resident,
        peak_mib,
        goals: vec![Goal::at_most("MiB resident at the highest", peak_mib as f64, GOAL_MIB)],
    })
}
