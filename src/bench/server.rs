//! A vidne of this measurement's own: a process of this same program, so that it shares nothing with the sender.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    process::{Child, Command},
    time::{self, Instant},
};

use super::{
    error::{BenchError, io},
    machine::{Memory, memory_mib},
};
use crate::domain::secret::Secret;

/// How long it may take until it serves.
const START: Duration = Duration::from_secs(60);
/// How often it is looked whether it does.
const POLL: Duration = Duration::from_millis(10);
/// How much of its last words is shown.
const LAST_WORDS: usize = 2_000;

/// A running server. Killed with this value.
pub(super) struct BenchServer {
    process: Child,
    address: SocketAddr,
}

#[derive(serde::Deserialize)]
struct Ready {
    listen: SocketAddr,
}

impl BenchServer {
    /// Starts one on a free loopback port, with its data in `folder` or in a database: an empty one, or one
    /// that a server before it has left.
    pub(super) async fn start(folder: &Path, database: Option<&Secret>) -> Result<Self, BenchError> {
        let (ready, log) = (folder.join("ready.json"), folder.join("server.log"));
        // Of one that was there before.
        let _ = fs::remove_file(&ready);
        let mut process = command(folder, &ready, database)?
            .stderr(File::create(&log).map_err(io("write the server's log"))?)
            .spawn()
            .map_err(io("start vidne"))?;
        let until = Instant::now() + START;
        loop {
            if let Ok(text) = fs::read(&ready) {
                let ready: Ready = serde_json::from_slice(&text)
                    .map_err(|error| BenchError::NotServing(format!("a ready file that is none: {error}")))?;
                return Ok(Self { process, address: ready.listen });
            }
            let ended = process.try_wait().map_err(io("look after vidne"))?.is_some();
            if ended || Instant::now() > until {
                return Err(BenchError::NotServing(last_words(&log)));
            }
            time::sleep(POLL).await;
        }
    }

    /// Its address as a URL.
    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its memory; `None` if it has ended.
    pub(super) fn memory(&self) -> Option<Memory> {
        self.process.id().and_then(memory_mib)
    }

    /// Ends it at once and says how much memory it has had, in MiB. Nobody needs its data in good order.
    pub(super) async fn kill(mut self) -> Result<Option<u64>, BenchError> {
        let peak = self.memory().map(|memory| memory.peak);
        self.process.kill().await.map_err(io("end vidne"))?;
        Ok(peak)
    }
}

fn command(folder: &Path, ready: &PathBuf, database: Option<&Secret>) -> Result<Command, BenchError> {
    let program = std::env::current_exe().map_err(io("find this program"))?;
    let mut command = Command::new(program);
    command.args(["serve", "--listen", "127.0.0.1:0", "--health-listen", "", "--metrics-listen", ""]);
    command.arg("--data-dir").arg(folder).arg("--ready-file").arg(ready);
    // The defaults are measured, not what this shell happens to set.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("VIDNE_")) {
        command.env_remove(name);
    }
    if let Some(url) = database {
        // Not as an argument, which others can see.
        command.arg("--migrate").env("VIDNE_DATABASE_URL", url.expose());
    }
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    Ok(command)
}

fn last_words(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let last = &text[text.len().saturating_sub(LAST_WORDS)..];
    String::from_utf8_lossy(last).trim().to_owned()
}
