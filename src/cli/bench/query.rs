//! `vidne bench query`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    bench::{QueryOptions, Reading, query},
    cli::{
        CliError,
        output::{
            stdout::{Stdout, note},
            style::Style,
            table,
        },
    },
    domain::secret::Secret,
    shutdown::on_signals,
};

use super::reading;

const EXAMPLES: &str = "\
A million events on SQLite, on the disk of /var/tmp; and on PostgreSQL, in a database that is made and dropped again:
  vidne bench query
  vidne bench query --database-url postgres://postgres:secret@127.0.0.1:5432/postgres

Ten million, for the memory that the server needs while all of them are read:
  vidne bench query --events 10000000 --rounds 1

The limits are measured in the same run, by turns with vidne: the payloads of the same rows, asked of the database
without vidne.";

/// Events of --quick.
const QUICK_EVENTS: u64 = 5_000;
/// First pages of each query.
const PAGES: usize = 100;
/// The same of --quick.
const QUICK_PAGES: usize = 3;

/// Arguments of `vidne bench query`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct QueryArgs {
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
    /// Events in the log, to the next thousand.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    events: u64,
    /// How often each query is read; the middle one counts.
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=99))]
    rounds: u8,
    /// Look whether it works: one round of 5,000 events.
    #[arg(long)]
    quick: bool,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
    /// Print Markdown, as in README's performance section.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

impl QueryArgs {
    fn options(&self) -> QueryOptions {
        let (events, rounds, pages) = match self.quick {
            true => (QUICK_EVENTS, 1, QUICK_PAGES),
            false => (self.events, self.rounds.into(), PAGES),
        };
        QueryOptions {
            sqlite: !self.no_sqlite,
            postgres: self.database_url.as_ref().map(|url| Secret::new(url.clone())),
            events,
            rounds,
            pages,
            folder: self.folder.clone(),
        }
    }
}

/// Runs `vidne bench query`.
///
/// # Errors
///
/// If the measurement fails.
pub async fn run(args: QueryArgs) -> Result<(), CliError> {
    if cfg!(debug_assertions) {
        note("WARNING: this is a debug build: its figures tell nothing about vidne");
    }
    let stop = CancellationToken::new();
    on_signals(stop.clone())
        .map_err(|error| CliError::failed(format!("cannot listen for signals: {error}")))?;
    let progress = |what: &str| note(&format!("measuring {what}"));
    let report = query(&args.options(), &progress, &stop).await?;
    print(&args, &report)
}

fn print(args: &QueryArgs, report: &Reading) -> Result<(), CliError> {
    let mut out = Stdout::new();
    if args.json {
        out.json(&json!(report))?;
    } else {
        let lines = match args.markdown {
            true => reading::markdown(report),
            false => reading::lines(report, table::width(), Style::stdout()),
        };
        for line in lines {
            out.line(&line)?;
        }
    }
    Ok(out.flush()?)
}
