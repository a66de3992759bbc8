//! The composition root: from settings, a clock and listeners to a running server.
//!
//! `backing` opens what a server stands on (data folder, key, database), `exports` puts the
//! exporter together, `export_watch` looks how its jobs fare, `run` is a server's life from the first call to the last, `watch` looks whether the database answers.

mod backing;
mod error;
mod export_watch;
mod exports;
mod run;
mod watch;

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use prometheus_client::registry::Registry;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use backing::{Backing, database, migrate};
pub use error::{RunError, StartError};

use crate::{
    api::{self, Api, Bounds, health::Health, incoming::Incoming},
    config::{ServerSettings, Settings},
    domain::time::Clock,
    jobs,
    metrics::{self, Metrics},
    service::{
        declared,
        journal::{Journal, JournalOptions},
        query::Queries,
        record::Recorder,
        subscriptions::{SubscriptionParts, Subscriptions},
        tenants::Tenants,
        token::Tokens,
        witness::Witness,
    },
    shutdown::Tasks,
};

/// What a server is given beside its settings.
pub struct Io {
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// Where calls come from.
    pub listeners: Listeners,
}

/// Bound listeners.
#[derive(Debug)]
pub struct Listeners {
    /// gRPC.
    pub grpc: TcpListener,
    /// gRPC health alone.
    pub health: Option<TcpListener>,
    /// Prometheus metrics over HTTP.
    pub metrics: Option<TcpListener>,
}

impl Listeners {
    /// Binds the addresses of the settings.
    pub async fn bind(settings: &ServerSettings) -> Result<Self, StartError> {
        let bind = async |key: &'static str, address: SocketAddr| {
            TcpListener::bind(address).await.map_err(|source| StartError::Listen { key, address, source })
        };
        let health = match settings.health_listen {
            Some(address) => Some(bind("server.health_listen", address).await?),
            None => None,
        };
        let metrics = match settings.metrics_listen {
            Some(address) => Some(bind("server.metrics_listen", address).await?),
            None => None,
        };
        Ok(Self { grpc: bind("server.listen", settings.listen).await?, health, metrics })
    }

    fn addresses(&self) -> Result<Addresses, StartError> {
        let address = |listener: &TcpListener| listener.local_addr().map_err(StartError::Address);
        Ok(Addresses {
            listen: address(&self.grpc)?,
            health: self.health.as_ref().map(address).transpose()?,
            metrics: self.metrics.as_ref().map(address).transpose()?,
        })
    }
}

/// Where a server really listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Addresses {
    /// gRPC.
    pub listen: SocketAddr,
    /// gRPC health alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<SocketAddr>,
    /// Prometheus metrics over HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<SocketAddr>,
}

/// A server that serves.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addresses: Addresses,
    /// What it keeps its events in, in words without secrets.
    pub store: String,
    /// Cancel it to stop the server: not ready, delay, streams end, drain, close.
    pub stop: CancellationToken,
    life: JoinHandle<Result<(), RunError>>,
}

impl Running {
    /// Waits until the server has stopped: because it was told to (`Ok`), or because a part of it failed.
    pub async fn join(self) -> Result<(), RunError> {
        self.life.await.map_err(RunError::Lost)?
    }
}

/// Opens what the settings name and serves it. When it returns, the first call can come.
pub async fn start(settings: &Settings, io: Io) -> Result<Running, StartError> {
    let backing = Backing::open(settings).await?;
    start_on(settings, io, backing).await
}

/// Serves what is open already.
pub async fn start_on(settings: &Settings, io: Io, backing: Backing) -> Result<Running, StartError> {
    let Io { clock, listeners } = io;
    let addresses = listeners.addresses()?;
    let installation = backing.installation().await?;
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    let health = Health::new().await.map_err(api::ServeError::from)?;
    // Streams end by this one; it is cancelled after the delay of a shutdown.
    let streams = CancellationToken::new();

    let limits = Arc::new(settings.limits.clone());
    let tokens = Tokens::new(backing.vault.clone());
    let witness = Witness::new(clock.clone(), backing.vault.clone(), limits.clone());
    let runs = TaskTracker::new();
    let exports = exports::exports(
        settings,
        exports::Given {
            backing: &backing,
            clock: clock.clone(),
            witness: witness.clone(),
            runs: runs.clone(),
            stop: streams.clone(),
            metrics: metrics.clone(),
        },
        &mut registry,
    );
    let options =
        JournalOptions { committers: backing.committers(&settings.journal), ..settings.journal.clone() };
    let (journal, committers) = Journal::start(backing.store.clone(), clock.clone(), &options);
    let queries = Queries::new(
        backing.store.clone(),
        tokens.clone(),
        *installation.id.as_bytes(),
        settings.query.clone(),
        streams.clone(),
    );
    let consumers = TaskTracker::new();
    let subscriptions = Subscriptions::new(SubscriptionParts {
        store: backing.store.clone(),
        queries: queries.clone(),
        clock: clock.clone(),
        witness: witness.clone(),
        options: settings.subscriptions,
        tasks: consumers.clone(),
        shutdown: streams.clone(),
    });
    let watched_exports = export_watch::ExportWatch {
        exports: exports.clone(),
        clock: clock.clone(),
        health: health.clone(),
        metrics: metrics.clone(),
        failing_after: settings.export.failing_after,
    };
    let tenants = Tenants::new(backing.store.clone(), clock.clone(), witness);
    declared::reconcile(&tenants, &exports, &settings.declared).await?;
    let scheduled = jobs::exports::schedule(exports.clone(), settings.export.scheduler, streams.clone());
    let api = Api {
        recorder: Recorder::new(journal, backing.vault.clone(), clock, limits),
        queries,
        subscriptions,
        tenants,
        exports,
        tokens,
        health: health.clone(),
        metrics: metrics.clone(),
        stop: streams.clone(),
    };

    let close = CancellationToken::new();
    let incoming = Incoming {
        max_connections: settings.server.max_connections,
        nodelay: settings.server.tcp_nodelay,
        close: close.clone(),
    };
    let bounds = bounds(settings);
    let watching = CancellationToken::new();
    let mut tasks = Tasks::default();
    // Ends after the last call that could record has ended.
    tasks.spawn("journal", async move {
        committers.ended().await;
        Ok::<(), Infallible>(())
    });
    tasks.spawn("export scheduler", scheduled);
    tasks.spawn("export watch", watched_exports.run(watching.clone()));
    tasks.spawn("export runs", exports::wait(runs, streams.clone()));
    tasks.spawn("consumers", exports::wait(consumers, streams.clone()));
    let watch = watch::Watch::new(backing.store.clone(), health.clone(), metrics);
    watch.look().await;
    tasks.spawn("database watch", watch.run(watching.clone()));
    if let Some(listener) = listeners.health {
        let stop = streams.clone().cancelled_owned();
        let (health, bounds, incoming) = (health.clone(), bounds.clone(), incoming.clone());
        tasks.spawn("health", api::serve_health(health, bounds, listener, incoming, stop));
    }
    if let Some(listener) = listeners.metrics {
        let stop = streams.clone().cancelled_owned();
        let server = axum::serve(listener, metrics::router(Arc::new(registry)));
        tasks.spawn("metrics", async move { server.with_graceful_shutdown(stop).await });
    }
    let stop = streams.clone().cancelled_owned();
    tasks.spawn("gRPC", api::serve(api, bounds, listeners.grpc, incoming, stop));

    let stop = CancellationToken::new();
    let store = backing.place.clone();
    let life = run::Life {
        settings: settings.shutdown.clone(),
        stop: stop.clone(),
        watching,
        streams,
        close,
        health,
        tasks,
        backing,
    };
    Ok(Running { addresses, store, stop, life: tokio::spawn(life.run()) })
}

fn bounds(settings: &Settings) -> Bounds {
    let server = &settings.server;
    Bounds {
        request_bytes: settings.limits.request_bytes,
        in_flight_bytes: server.in_flight_bytes,
        message_timeout: server.message_timeout,
        stream_window: server.stream_window,
        connection_window: server.connection_window,
        max_calls: server.max_calls,
        max_streams_per_connection: server.max_streams_per_connection,
        request_timeout: server.request_timeout,
        keepalive_interval: server.keepalive_interval,
        keepalive_timeout: server.keepalive_timeout,
        max_connection_age: server.max_connection_age,
        max_metadata_bytes: server.max_metadata_bytes,
    }
}
