//! A server with declared tenants and export jobs, as a process: `starts` from start to start, `refused` what stops it
//! and what it refuses.

mod refused;
mod starts;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use tokio::runtime::Builder;
use tonic::{Response, Status, transport::Channel};
use vidne::{client::proto::export_service_client::ExportServiceClient, codec::proto::v1};

use super::program::{Run, client, command, run_with};
use crate::support::server::Server;

const JOB: &str = r#"
[export]
poll_interval = "50ms"
[[tenants]]
tenant_id = "acme"
display_name = "ACME"
settings = { security_events_enabled = true }
[[export_jobs]]
tenant_id = "acme"
name = "local"
filter = { categories = ["data_access"] }
format = { json_lines = {} }
schedule = { interval = "1s" }
heartbeat_interval = "1h"
destination = { fs = { directory = "siem" } }
"#;

/// A configuration file that can be changed.
struct Config {
    folder: TempDir,
}

impl Config {
    fn new(text: &str) -> Self {
        let config = Self { folder: tempfile::tempdir().unwrap() };
        config.write(text);
        config
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("vidne.toml")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    fn server(&self) -> Server {
        Server::with_arguments(&["--config", self.path().to_str().unwrap()])
    }

    /// `vidne serve` that is not to start; if it does, it is stopped after a while and its code is another one.
    fn refused(&self, data: &Path) -> Run {
        let mut vidne = Command::new("timeout");
        vidne.args(["60", env!("CARGO_BIN_EXE_vidne"), "serve", "--data-dir", data.to_str().unwrap()]);
        vidne.current_dir("/").arg("--config").arg(self.path()).args(["--listen", "127.0.0.1:0"]);
        vidne.args(["--health-listen", "", "--metrics-listen", ""]);
        run_with(&mut vidne, "")
    }
}

/// Asks the server something.
fn call<T>(
    server: &Server,
    ask: impl AsyncFnOnce(ExportServiceClient<Channel>) -> Result<Response<T>, Status>,
) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        ask(ExportServiceClient::connect(server.endpoint()).await.unwrap()).await.unwrap().into_inner()
    })
}

fn job(server: &Server) -> v1::ExportJob {
    let (tenant_id, job_id) = ("acme".to_owned(), "local".to_owned());
    let request = v1::GetExportJobRequest { tenant_id, job_id };
    call(server, async |mut exports| exports.get_export_job(request).await).job.unwrap()
}

fn pause(server: &Server) {
    let (tenant_id, job_id) = ("acme".to_owned(), "local".to_owned());
    let request = v1::PauseExportJobRequest { tenant_id, job_id };
    call(server, async |mut exports| exports.pause_export_job(request).await);
}

fn resume(server: &Server) {
    let (tenant_id, job_id) = ("acme".to_owned(), "local".to_owned());
    let request = v1::ResumeExportJobRequest { tenant_id, job_id };
    call(server, async |mut exports| exports.resume_export_job(request).await);
}

/// The types of vidne's own events in the tenant's log.
fn told(server: &Server) -> Vec<String> {
    let events = client(server, &["query", "--tenant", "acme", "--json"]).ok().json();
    let own = events.iter().filter(|event| event["recorded_by"] == "vidne");
    own.map(|event| {
        assert_eq!(event["actor"]["user_id"], "configuration", "{event}");
        event["type"].as_str().unwrap().to_owned()
    })
    .collect()
}

fn exported(server: &Server) -> Option<PathBuf> {
    let entries = fs::read_dir(server.data_folder().join("exports/siem")).ok()?;
    let mut files = entries.map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
}
