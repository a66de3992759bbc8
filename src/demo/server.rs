//! vidne itself, within the demo's process, as `vidne serve` runs it. The only place of the demo that knows how a server
//! is made.

use std::{path::Path, sync::Arc};

use crate::{
    app::{self, Io, Listeners, Running},
    cli::CliError,
    config::{Flag, Settings, Sources, Values},
    domain::time::SystemClock,
};

/// Starts vidne with default settings on SQLite in `folder`, on a free loopback port. Variables and files are not read:
/// the demo is the same everywhere.
///
/// # Errors
///
/// If it does not start.
pub async fn start(folder: &Path) -> Result<Running, CliError> {
    let flag = |name, key, text: &str| Flag { name, key, text: text.to_owned() };
    let folder =
        folder.to_str().ok_or_else(|| CliError::failed("the folder for temporary files is not UTF-8"))?;
    let flags = vec![
        flag("--data-dir", "data_dir", folder),
        flag("--listen", "server.listen", "127.0.0.1:0"),
        flag("--health-listen", "server.health_listen", ""),
        flag("--metrics-listen", "server.metrics_listen", ""),
    ];
    let values = Values::load(&Sources { flags, ..Sources::default() }).map_err(failed)?;
    let settings = Settings::new(&values).map_err(failed)?;
    let listeners = Listeners::bind(&settings.server).await.map_err(failed)?;
    app::start(&settings, Io { clock: Arc::new(SystemClock), listeners }).await.map_err(failed)
}

fn failed(error: impl std::error::Error) -> CliError {
    CliError::failed(format!("vidne does not start: {error}"))
}
