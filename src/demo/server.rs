//! vidne itself, within the demo's process. The only place of the demo that knows how a server is made.

use std::{path::Path, sync::Arc};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    app::{self, Io, Listeners},
    cli::CliError,
    config::{Flag, Settings, Sources, Values},
    domain::time::SystemClock,
};

/// A running vidne.
pub struct DemoServer {
    endpoint: String,
    task: JoinHandle<()>,
}

impl DemoServer {
    /// Its address as a URL.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Waits until it has stopped.
    pub async fn stopped(self) {
        // A panic in it has been reported by the panic hook already.
        let _ = self.task.await;
    }
}

/// Starts vidne on SQLite in `folder`, on a free loopback port, until `shutdown` is cancelled.
///
/// # Errors
///
/// If it does not start.
pub async fn start(folder: &Path, shutdown: CancellationToken) -> Result<DemoServer, CliError> {
    // Nothing of the machine's own configuration reaches the demo.
    let flag = |key, text: &str| Flag { name: "demo", key, text: text.to_owned() };
    let flags = vec![
        flag("data_dir", &folder.to_string_lossy()),
        flag("server.listen", "127.0.0.1:0"),
        flag("server.health_listen", ""),
        flag("server.metrics_listen", ""),
        flag("shutdown.deadline", "3s"),
    ];
    let settings = Settings::new(&Values::load(&Sources { flags, ..Sources::default() })?)?;
    let listeners = Listeners::bind(&settings.server).await?;
    let running = app::start(&settings, Io { clock: Arc::new(SystemClock), listeners }).await?;
    let endpoint = format!("http://{}", running.addresses.listen);
    let task = tokio::spawn(async move {
        let stop = running.stop.clone();
        let life = running.join();
        tokio::pin!(life);
        tokio::select! {
            () = shutdown.cancelled() => {
                stop.cancel();
                // What failed while stopping throw-away data is of no interest.
                let _ = life.await;
            }
            _ = &mut life => {}
        }
    });
    Ok(DemoServer { endpoint, task })
}
