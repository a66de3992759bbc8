//! vidne itself, within the demo's process, as `vidne serve` runs it. The only place of the demo that knows how a server
//! is made.

use std::{path::Path, sync::Arc};

use crate::{
    app::{self, Io, Listeners, Running},
    cli::CliError,
    config::{Flag, Settings, Sources, Values},
    domain::time::SystemClock,
};

/// Starts vidne on SQLite in `folder`, on a free loopback port. Variables and files of the machine are not read: the
/// demo is the same everywhere.
///
/// # Errors
///
/// If it does not start.
pub async fn start(folder: &Path) -> Result<Running, CliError> {
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
    Ok(app::start(&settings, Io { clock: Arc::new(SystemClock), listeners }).await?)
}
