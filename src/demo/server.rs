//! vidne itself, within the demo's process. The only place of the demo that knows how a server is made.

use std::path::Path;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cli::CliError;

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
    let _ = (folder, shutdown);
    Err(CliError::failed("the demo has no server"))
}
