//! `vidne record`.

mod event;
mod file;
mod lines;
mod receipt;
mod report;
mod spool;
mod target;

use clap::Args;

use crate::codec::wire_input::input_to_proto;

use super::{
    CliError,
    output::{stdout::Stdout, style::Style},
    server::ServerArgs,
    types,
};
use event::EventArgs;
use spool::SpoolArgs;

const EXAMPLES: &str = "\
One event (only --type is required):
  vidne record --type record_read --actor-id 4711 --actor-name 'Jens Hansen' --ip 192.0.2.7 \\
      --target task:8812 --target form:BL-88:Udbetaling --description 'har læst blanketten'
  vidne record --type AddToGroup --actor-id admin \\
      --target principal=user:jh --target group=group:clerks
  vidne record --custom-type invoice.approved --label unit=finance --detail:json amount=125.5

Many, one JSON object per line (the form that `vidne query --json` prints):
  vidne record --file events.jsonl
  other-program | vidne record --file -

  vidne record --file events.jsonl --spool /var/lib/app     # lines are kept there while the server is away
  vidne record --flush --spool /var/lib/app                 # sends what is kept there, and nothing else

Retrying is safe: an event id is chosen before the first attempt, so that within one run, and from a spool,
nothing is recorded twice. Lines that carry an event_id of their own are safe across runs too: the same file
can be sent again at any time, and each line is recorded once.

With --spool the exit code is 0 only if everything is recorded and the spool is empty; it is 1, and the
message says how many, if events wait in it.";

/// Arguments of `vidne record`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RecordArgs {
    /// Read events from a file of JSON Lines; `-` is standard input. Lines that are wrong are reported by number, and
    /// the others are recorded.
    #[arg(long, value_name = "PATH", conflicts_with = "one_event")]
    file: Option<String>,
    /// The log to record in; for --file, where a line names none. Default: `default`.
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Print each receipt as a JSON object on a line of its own.
    #[arg(long)]
    json: bool,
    /// List the event types and do nothing else.
    #[arg(long, conflicts_with_all = ["one_event", "file"])]
    list_types: bool,
    #[command(flatten)]
    spool: SpoolArgs,
    #[command(flatten)]
    event: EventArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs `vidne record`.
///
/// # Errors
///
/// If anything was not recorded that should have been.
pub async fn run(args: RecordArgs) -> Result<(), CliError> {
    if args.list_types {
        return types::print(&args.server, args.json).await;
    }
    let client = args.server.client()?;
    let tenant = args.tenant.unwrap_or_default();
    if let Some(path) = &args.file {
        return file::run(&client, path, &tenant, &args.spool, args.json).await;
    }
    if let Some(spool) = args.spool.to_flush() {
        return spool::flush(&client, spool, &args.spool, args.json).await;
    }
    let mut input = args.event.input().map_err(CliError::Usage)?;
    input.tenant_id = tenant;
    let receipt = client.record(input_to_proto(&input)).await?;
    let mut out = Stdout::new();
    if args.json {
        out.json(&receipt::json(&receipt, None))?;
    } else {
        out.line(&receipt::line(&receipt, Style::stdout()))?;
    }
    out.flush()?;
    Ok(())
}
