//! `vidne bench memory`.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    bench::{MemoryOptions, MemoryReport, memory},
    cli::{
        CliError,
        output::{
            escape::escape,
            stdout::{Stdout, note},
            style::Style,
            table,
        },
    },
    domain::secret::Secret,
    shutdown::on_signals,
};

use super::{
    record::seconds,
    render::{self, thousands},
};

const EXAMPLES: &str = "\
A minute of 256 clients, the database held for 95 % of the time:
  vidne bench memory
  vidne bench memory --database-url postgres://postgres:secret@127.0.0.1:5432/postgres

Two of four clients stream requests of 1,000 events, one sends batches of 1,000, one sends single events: each as fast as
it is let. What is measured is the server's process.";

/// Arguments of `vidne bench memory`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct MemoryArgs {
    /// Measure with PostgreSQL instead of SQLite; its user must be allowed to create databases.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Make the throw-away folder here.
    #[arg(long, value_name = "FOLDER", default_value = "/var/tmp")]
    folder: PathBuf,
    /// Clients at the same time, each on a connection of its own.
    #[arg(long, value_name = "COUNT", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4_000))]
    clients: u32,
    /// How long they push, 0.01 to 600.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    seconds: f64,
    /// For how much of the time the database works, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100))]
    working: u8,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs `vidne bench memory`.
///
/// # Errors
///
/// If the measurement fails.
pub async fn run(args: MemoryArgs) -> Result<(), CliError> {
    let stop = CancellationToken::new();
    on_signals(stop.clone())
        .map_err(|error| CliError::failed(format!("cannot listen for signals: {error}")))?;
    let options = MemoryOptions {
        postgres: args.database_url.map(Secret::new),
        clients: args.clients as usize,
        time: Duration::from_secs_f64(args.seconds),
        working: f64::from(args.working) / 100.0,
        folder: args.folder,
    };
    let progress = |what: &str| note(what);
    let report = memory(&options, &progress, &stop).await?;
    let mut out = Stdout::new();
    if args.json {
        out.json(&json!(report))?;
    } else {
        for line in lines(&report, Style::stdout()) {
            out.line(&line)?;
        }
    }
    Ok(out.flush()?)
}

fn lines(report: &MemoryReport, style: Style) -> Vec<String> {
    let mut lines = vec![escape(&render::machine(&report.machine)).to_string(), String::new()];
    let title = format!("{}: {} clients for {:.0} s", report.store, report.clients, report.seconds);
    lines.push(style.bold(&title));
    let mib = |mib: u64| format!("{mib} MiB");
    let rows = [
        ("resident before", mib(report.idle_mib)),
        ("resident at half time", mib(report.half_mib)),
        ("resident at the end", mib(report.end_mib)),
        ("resident at its highest", mib(report.peak_mib)),
        ("requests answered", thousands(report.answered as f64)),
        ("events in them", thousands(report.events as f64)),
        ("requests refused, sent again", thousands(report.refused as f64)),
        ("calls that ended with their connection", thousands(report.broken as f64)),
    ];
    lines.extend(table::pairs(&rows, style));
    lines.extend(render::goals(&report.goals, style));
    lines
}
