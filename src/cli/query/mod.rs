//! `vidne query`: prints events, or counts them.
//!
//! `view` are the flags for how events are shown, `printer` shows them: as `rows` of `column`s, as lines (`render`), as
//! JSON or as `csv`; `zone` writes times. `counting` is `--count` and `--histogram`, which `histogram` draws. `tail`
//! uses all but the counting.

mod column;
mod counting;
mod csv;
mod histogram;
pub mod printer;
pub mod render;
mod rows;
pub mod start;
pub mod view;
mod zone;

use clap::{Args, ValueEnum};

use crate::{
    client::{EventStream, QueryItem, Resume},
    codec::{
        proto::v1::{EndReason, QueryEventsRequest, QueryOrder},
        wire::decode_recorded,
    },
    domain::event::RecordedEvent,
};

use super::{
    CliError,
    filter::FilterArgs,
    output::{stdout::note, style::Style},
    server::ServerArgs,
};
use counting::{CountArgs, Wanted};
use printer::Printer;
use start::StartArgs;
use view::ViewArgs;

const EXAMPLES: &str = "\
Who read this form?
  vidne query --type record_read --target-type form --target-id BL-88
What did Jens do yesterday, from this network?
  vidne query --actor-id 4711 --ip 192.0.2.0/24 --since 2026-11-21 --until 2026-11-22
The last ten changes of users and permissions:
  vidne query --category security_administration --order descending --limit 10
How many, and when? Counting is done by the server, up to its newest event:
  vidne query --category data_access --since 7d --count
  vidne query --since 1d --histogram --bucket 1h --local-time
  vidne query --outcome failure --histogram --by actor --top 10
Some columns, in Danish time; the same for a spreadsheet:
  vidne query --columns sequence,time,actor,outcome,ip --time-zone Europe/Copenhagen
  vidne query --since 30d --csv --columns time,actor_id,actor_name,target_id > october.csv
For programs, one JSON object per line:
  vidne query --since 1h --json | jq -r '.actor.name'
In pieces: --token-file keeps where it stopped, --resume goes on there.
  vidne query --json --limit 10000 --token-file here
  vidne query --json --limit 10000 --token-file here --resume here";

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// Oldest first.
    #[default]
    #[value(alias = "asc")]
    Ascending,
    /// Newest first.
    #[value(alias = "desc")]
    Descending,
}

/// Arguments of `vidne query`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct QueryArgs {
    /// The log to read. Default: `default`.
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Oldest or newest first.
    #[arg(long, value_enum, default_value_t)]
    order: Order,
    /// Stop after this many events.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    view: ViewArgs,
    #[command(flatten)]
    counting: CountArgs,
    #[command(flatten)]
    start: StartArgs,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs `vidne query`.
///
/// # Errors
///
/// If the query is refused, the connection is lost for good, or the output is closed.
pub async fn run(args: QueryArgs) -> Result<(), CliError> {
    let client = args.server.client()?;
    if args.counting.is_given() {
        let wanted = Wanted {
            tenant_id: args.tenant.unwrap_or_default(),
            filter: args.filter.filter(),
            json: args.view.json,
            zone: args.view.zone()?,
        };
        return args.counting.run(&client, wanted).await;
    }
    let view = args.view.view()?;
    let request = QueryEventsRequest {
        tenant_id: args.tenant.unwrap_or_default(),
        filter: args.filter.filter(),
        order: match args.order {
            Order::Ascending => QueryOrder::Ascending,
            Order::Descending => QueryOrder::Descending,
        }
        .into(),
        limit: args.limit.unwrap_or_default(),
        follow: false,
        start: args.start.start()?,
        show_personal: args.view.show_personal,
    };
    let mut stream = client.query(request, Resume::Attempts(client.options().max_retries));
    let mut printer = Printer::pages(view);
    let result = print_all(&mut stream, &mut printer).await;
    // What was printed counts, also if the rest is lost.
    args.start.keep(stream.resume_token())?;
    let end = result?;
    printer.finish()?;
    if printer.is_text() {
        let more = if end == EndReason::Limit { "; there may be more: raise --limit" } else { "" };
        note(&Style::stderr().dim(&match printer.count() {
            0 => "no events match".to_owned(),
            1 => format!("1 event{more}"),
            n => format!("{n} events{more}"),
        }));
    }
    Ok(())
}

async fn print_all(stream: &mut EventStream, printer: &mut Printer) -> Result<EndReason, CliError> {
    while let Some(message) = stream.next().await {
        match message?.item {
            QueryItem::Events(events) => {
                for bytes in events {
                    printer.event(&decode(&bytes)?)?;
                }
                printer.flush()?;
            }
            QueryItem::Reconnecting { error, pause } => note(&format!(
                "{}; trying again in {:.1} s",
                super::output::escape::escape(&error.to_string()),
                pause.as_secs_f64()
            )),
            QueryItem::End(reason) => return Ok(reason),
            QueryItem::Progress { .. } | QueryItem::CaughtUp { .. } => {}
        }
    }
    Ok(EndReason::Exhausted)
}

/// An event of the wire.
///
/// # Errors
///
/// If it is none that this version knows.
pub fn decode(bytes: &[u8]) -> Result<RecordedEvent, CliError> {
    decode_recorded(bytes).map_err(|error| {
        CliError::failed_hint(
            format!("the server sent an event that this program cannot read: {error}"),
            "it may be of a newer version: use its `vidne`",
        )
    })
}
