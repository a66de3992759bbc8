//! `vidne bench record`.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    bench::{self, BenchError, Budget, Options, Report, Target},
    cli::{
        CliError,
        output::{
            stdout::{Stdout, note},
            style::Style,
            table,
        },
        settings::chain,
    },
    domain::secret::Secret,
    shutdown::on_signals,
};

use super::{markdown, render};

const EXAMPLES: &str = "\
SQLite, on the disk of /var/tmp; and PostgreSQL, in a database that is made and dropped again:
  vidne bench record
  vidne bench record --database-url postgres://postgres:secret@127.0.0.1:5432/postgres

A server that runs already. Its log keeps the events, so give it a tenant for them:
  vidne tenant create bench
  vidne bench record --server http://127.0.0.1:50051 --tenant bench

The limits are measured in the same run: raw insert and raw COPY write the rows that vidne has written once more,
into the same indexed table, without vidne.";

/// Events of one case of --quick.
const QUICK_EVENTS: u64 = 20_000;
/// Seconds of one case of --quick.
const QUICK_SECONDS: f64 = 0.5;

/// Arguments of `vidne bench record`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RecordArgs {
    /// Measure this running server instead of servers of the bench's own: http://host:port.
    #[arg(long, value_name = "URL", requires = "tenant", conflicts_with_all = ["database_url", "no_sqlite"])]
    server: Option<String>,
    /// The tenant of the running server whose log gets the events, for good.
    #[arg(long, value_name = "ID", requires = "server")]
    tenant: Option<String>,
    /// Measure PostgreSQL too, on this server; its user must be allowed to create databases. Other users of the
    /// machine see arguments, so let it be a server for trying things out.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Leave SQLite out.
    #[arg(long, requires = "database_url")]
    no_sqlite: bool,
    /// Make the throw-away folder here; SQLite is measured on this disk.
    #[arg(long, value_name = "FOLDER", default_value = "/var/tmp")]
    folder: PathBuf,
    /// How long each case goes on, 0.01 to 600.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, value_parser = seconds)]
    seconds: f64,
    /// How many events each case records at most.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    max_events: u64,
    /// Look whether it works: half a second and 20,000 events for each case at most.
    #[arg(long)]
    quick: bool,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
    /// Print Markdown, as in README's performance section.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

impl RecordArgs {
    fn budget(&self) -> Budget {
        let (seconds, events) = match self.quick {
            true => (self.seconds.min(QUICK_SECONDS), self.max_events.min(QUICK_EVENTS)),
            false => (self.seconds, self.max_events),
        };
        Budget { time: Duration::from_secs_f64(seconds), events }
    }

    fn options(&self) -> Options {
        let target = match (&self.server, &self.tenant) {
            (Some(endpoint), Some(tenant)) => {
                Target::Server { endpoint: endpoint.clone(), tenant: tenant.clone() }
            }
            _ => Target::Own {
                sqlite: !self.no_sqlite,
                postgres: self.database_url.as_ref().map(|url| Secret::new(url.clone())),
            },
        };
        Options { target, budget: self.budget(), folder: self.folder.clone() }
    }
}

/// Runs `vidne bench record`.
///
/// # Errors
///
/// If a measurement fails.
pub async fn run(args: RecordArgs) -> Result<(), CliError> {
    if cfg!(debug_assertions) {
        note("WARNING: this is a debug build: its figures tell nothing about vidne");
    }
    let stop = CancellationToken::new();
    on_signals(stop.clone())
        .map_err(|error| CliError::failed(format!("cannot listen for signals: {error}")))?;
    let progress = |what: &str| note(&format!("measuring {what}"));
    let report = bench::run(&args.options(), &progress, &stop).await?;
    print(&report, args.json, args.markdown)
}

/// Prints a report: as a JSON object, as Markdown, or for people.
pub(super) fn print(report: &Report, as_json: bool, as_markdown: bool) -> Result<(), CliError> {
    let mut out = Stdout::new();
    if as_json {
        out.json(&json!(report))?;
    } else {
        let lines = match as_markdown {
            true => markdown::lines(report),
            false => render::lines(report, table::width(), Style::stdout()),
        };
        for line in lines {
            out.line(&line)?;
        }
    }
    Ok(out.flush()?)
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.01..=600.0).contains(&seconds) => Ok(seconds),
        _ => Err("it is a number from 0.01 to 600".to_owned()),
    }
}

impl From<BenchError> for CliError {
    fn from(error: BenchError) -> Self {
        match error {
            BenchError::Url => Self::Usage(error.to_string()),
            _ => Self::failed(chain(&error)),
        }
    }
}
