//! `vidne bench follow`.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::{
    bench::{FollowOptions, follow},
    cli::{CliError, output::stdout::note},
    domain::secret::Secret,
    shutdown::on_signals,
};

use super::record::{print, seconds};

const EXAMPLES: &str = "\
SQLite, on the disk of /var/tmp; and PostgreSQL, in a database that is made and dropped again:
  vidne bench follow
  vidne bench follow --database-url postgres://postgres:secret@127.0.0.1:5432/postgres

1, 10, 100 and 1,000 subscribers follow a log to which events are recorded one by one. \"recorded to received\" is the time
from the receipt at whoever recorded to the arrival at each subscriber, all by one clock; events/s are arrivals then. The
limit, of the same run: what PostgreSQL takes from NOTIFY to a listener; with SQLite, a call that does nothing.

The server's memory is looked at before and after --idle subscribers have begun to wait: on 10 connections; a fifth of them,
after they have read a log of 2,000 events; and two fifths of them, each on a connection of its own.

Then 256 writers write as fast as they can: with no subscriber, with 100 whose filter matches nothing, and with 100 that
get everything.";

/// Seconds of one case of --quick.
const QUICK_SECONDS: f64 = 0.5;

/// Arguments of `vidne bench follow`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct FollowArgs {
    /// Measure PostgreSQL too, on this server; its user must be allowed to create databases. Other users of the
    /// machine see arguments, so let it be a server for trying things out.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Leave SQLite out.
    #[arg(long, requires = "database_url")]
    no_sqlite: bool,
    /// Make the throw-away folders here; SQLite is measured on this disk.
    #[arg(long, value_name = "FOLDER", default_value = "/var/tmp")]
    folder: PathBuf,
    /// How long each case goes on, 0.01 to 600.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, value_parser = seconds)]
    seconds: f64,
    /// Events that are recorded in a second while subscribers wait for them, 0.1 to 10,000.
    #[arg(long, value_name = "EVENTS", default_value_t = 20.0, value_parser = rate)]
    rate: f64,
    /// Subscribers that wait while the server's memory is looked at.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(5..=10_000))]
    idle: u32,
    /// Look whether it works: half a second for each case at most.
    #[arg(long)]
    quick: bool,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
    /// Print Markdown, as in README's performance section.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

/// Runs `vidne bench follow`.
///
/// # Errors
///
/// If the measurement fails.
pub async fn run(args: FollowArgs) -> Result<(), CliError> {
    if cfg!(debug_assertions) {
        note("WARNING: this is a debug build: its figures tell nothing about vidne");
    }
    let stop = CancellationToken::new();
    on_signals(stop.clone())
        .map_err(|error| CliError::failed(format!("cannot listen for signals: {error}")))?;
    let time = if args.quick { args.seconds.min(QUICK_SECONDS) } else { args.seconds };
    let options = FollowOptions {
        sqlite: !args.no_sqlite,
        postgres: args.database_url.map(Secret::new),
        time: Duration::from_secs_f64(time),
        rate: args.rate,
        idle: args.idle as usize,
        folder: args.folder,
    };
    let progress = |what: &str| note(&format!("measuring {what}"));
    let report = follow(&options, &progress, &stop).await?;
    print(&report, args.json, args.markdown)
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.1..=10_000.0).contains(&rate) => Ok(rate),
        _ => Err("it is a number from 0.1 to 10,000".to_owned()),
    }
}
