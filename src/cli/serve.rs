//! `vidne serve`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;

use crate::{
    app::{self, Addresses, Io, Listeners, Running, StartError},
    config::{Flag, LogFormat, Settings},
    domain::time::SystemClock,
    shutdown::on_signals,
    telemetry::Telemetry,
};

use super::{
    CliError,
    settings::{ConfigFile, DataArgs, chain, configuration, push},
};

const EXAMPLES: &str = "\
With SQLite in ./vidne-data, which is made and migrated:
  vidne serve

With PostgreSQL, migrated by `vidne migrate` or by --migrate:
  VIDNE_DATABASE_URL=postgres://vidne:secret@db:5432/vidne vidne serve --migrate

With MariaDB 10.6 or MySQL 8.0 or later in the same way: mysql://vidne:secret@db:3306/vidne.

Every other setting is a key of the configuration file and a VIDNE_ variable: `vidne config default` lists them.
SIGTERM or Ctrl-C stops it in good order; a second one at once.";

/// For the last traces, once the server has stopped.
const FLUSH: Duration = Duration::from_secs(5);

/// Arguments of `vidne serve`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ServeArgs {
    #[command(flatten)]
    file: ConfigFile,
    /// Serve gRPC on this address and port [default: 127.0.0.1:50051].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Serve gRPC health on this address too; empty: nowhere [default: 127.0.0.1:50052].
    #[arg(long, value_name = "ADDRESS")]
    health_listen: Option<String>,
    /// Serve Prometheus metrics on this address over HTTP; empty: nowhere [default: 127.0.0.1:9464].
    #[arg(long, value_name = "ADDRESS")]
    metrics_listen: Option<String>,
    #[command(flatten)]
    data: DataArgs,
    /// Migrate a database server first, instead of refusing one that is too old. SQLite is always migrated.
    #[arg(long)]
    migrate: bool,
    /// Refuse a database whose settings can lose acknowledged events (fsync, synchronous_commit), instead of warning.
    #[arg(long)]
    require_durable: bool,
    /// Allow --listen to be an address that other machines can reach. Whoever reaches it reads and writes everything.
    #[arg(long)]
    insecure: bool,
    /// Once serving, write the addresses as JSON to this file.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

impl ServeArgs {
    fn flags(&self) -> Vec<Flag> {
        let mut flags = self.data.flags();
        push(&mut flags, "--listen", "server.listen", self.listen.as_ref());
        push(&mut flags, "--health-listen", "server.health_listen", self.health_listen.as_ref());
        push(&mut flags, "--metrics-listen", "server.metrics_listen", self.metrics_listen.as_ref());
        push(&mut flags, "--migrate", "database.migrate", self.migrate.then_some(&true));
        push(
            &mut flags,
            "--require-durable",
            "database.require_durable",
            self.require_durable.then_some(&true),
        );
        push(&mut flags, "--insecure", "server.insecure", self.insecure.then_some(&true));
        flags
    }
}

/// Runs `vidne serve`.
///
/// # Errors
///
/// If the server does not start, or if a part of it fails.
pub async fn run(args: ServeArgs) -> Result<(), CliError> {
    let settings = args.file.settings(args.flags())?;
    let telemetry = Telemetry::start(&settings.log, &settings.telemetry).map_err(|e| configuration(&e))?;
    let result = serve(&settings, args.ready_file.as_deref()).await;
    telemetry.flush(FLUSH).await;
    result
}

async fn serve(settings: &Settings, ready_file: Option<&Path>) -> Result<(), CliError> {
    let listeners = Listeners::bind(&settings.server).await?;
    let running = app::start(settings, Io { clock: Arc::new(SystemClock), listeners }).await?;
    on_signals(running.stop.clone())
        .map_err(|e| CliError::failed(format!("cannot listen for signals: {e}")))?;
    greet(settings, &running);
    if let Some(path) = ready_file {
        write_ready(path, &running.addresses)
            .map_err(|e| CliError::failed(format!("cannot write the ready file {}: {e}", path.display())))?;
    }
    running.join().await.map_err(|error| CliError::failed(chain(&error)))
}

/// One line that says where the server is; and another one, whatever is logged, if it is open to the world.
fn greet(settings: &Settings, running: &Running) {
    let Addresses { listen, health, metrics } = running.addresses;
    let insecure = !listen.ip().to_canonical().is_loopback();
    if settings.log.format == LogFormat::Json {
        let shown =
            |address: Option<_>| address.map_or_else(String::new, |a: std::net::SocketAddr| a.to_string());
        let (health, metrics) = (shown(health), shown(metrics));
        tracing::info!(%listen, health, metrics, store = running.store, insecure, "serving");
        return;
    }
    let mut also = String::new();
    if let Some(health) = health {
        also.push_str(&format!(", health on {health}"));
    }
    if let Some(metrics) = metrics {
        also.push_str(&format!(", metrics on http://{metrics}/metrics"));
    }
    let version = env!("CARGO_PKG_VERSION");
    let open = if insecure { "" } else { "; loopback only, since there are no identities yet" };
    eprintln!("vidne {version} serves gRPC on {listen}{also}; it keeps events in {}{open}", running.store);
    if insecure {
        eprintln!(
            "WARNING: whoever reaches {listen} can read and write everything: there are no identities yet, and \
             --insecure was said"
        );
    }
}

/// Writes the whole file under another name first, so that nobody ever reads half of it.
fn write_ready(path: &Path, addresses: &Addresses) -> io::Result<()> {
    let part = path.with_extension(format!("part-{}", std::process::id()));
    fs::write(&part, serde_json::to_vec(addresses)?)?;
    fs::rename(part, path)
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Key(_) | StartError::OtherKey { .. } | StartError::NotDurable(_) => {
                configuration(&error)
            }
            StartError::Declared(ref declared) if declared.is_configuration() => configuration(&error),
            _ => CliError::failed(chain(&error)),
        }
    }
}
