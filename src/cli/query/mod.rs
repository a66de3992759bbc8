//! `vidne query`.

pub mod render;
mod rows;
pub mod start;

use clap::{Args, ValueEnum};

use crate::{
    client::{EventStream, QueryItem, Resume},
    codec::{
        json::write_line,
        proto::v1::{EndReason, QueryEventsRequest, QueryOrder},
        wire::decode_recorded,
    },
    domain::event::RecordedEvent,
};

use super::{
    CliError,
    filter::FilterArgs,
    output::{
        stdout::{Stdout, note},
        style::Style,
    },
    server::ServerArgs,
};
use rows::Rows;
use start::StartArgs;

const EXAMPLES: &str = "\
Who read this form?
  vidne query --type record_read --target-type form --target-id BL-88
What did Jens do yesterday, from this network?
  vidne query --actor-id 4711 --ip 192.0.2.0/24 --since 2026-11-21 --until 2026-11-22
The last ten changes of users and permissions:
  vidne query --category security_administration --order descending --limit 10
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
    /// Print one JSON object per line, the documented form of an event.
    #[arg(long)]
    json: bool,
    /// Print national ids too. Only with --json are they all shown.
    #[arg(long)]
    show_personal: bool,
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
        show_personal: args.show_personal,
    };
    let mut stream = client.query(request, Resume::Attempts(client.options().max_retries));
    let mut printer = Printer::new(args.json, args.show_personal);
    let result = print_all(&mut stream, &mut printer).await;
    // What was printed counts, also if the rest is lost.
    args.start.keep(stream.resume_token())?;
    let end = result?;
    printer.finish(end)?;
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

/// Prints events as they come, as rows or as JSON.
struct Printer {
    out: Stdout,
    /// `None`: JSON.
    rows: Option<Rows>,
    show_personal: bool,
    line: Vec<u8>,
    count: u64,
}

impl Printer {
    fn new(json: bool, show_personal: bool) -> Self {
        let rows = (!json).then(|| Rows::new(super::output::table::width(), Style::stdout(), show_personal));
        Self { out: Stdout::new(), rows, show_personal, line: Vec::new(), count: 0 }
    }

    fn event(&mut self, event: &RecordedEvent) -> Result<(), CliError> {
        self.count += 1;
        match &mut self.rows {
            Some(rows) => rows.push(event, &mut self.out)?,
            None => {
                self.line.clear();
                write_line(event, self.show_personal, &mut self.line);
                self.out.json_bytes(&self.line)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), CliError> {
        // Rows wait for their page, so that columns fit their contents.
        if self.rows.is_none() {
            self.out.flush()?;
        }
        Ok(())
    }

    fn finish(mut self, end: EndReason) -> Result<(), CliError> {
        if let Some(rows) = &mut self.rows {
            rows.flush(&mut self.out)?;
            self.out.flush()?;
            let more = if end == EndReason::Limit { "; there may be more: raise --limit" } else { "" };
            note(&Style::stderr().dim(&match self.count {
                0 => "no events match".to_owned(),
                1 => format!("1 event{more}"),
                n => format!("{n} events{more}"),
            }));
        }
        self.out.flush()?;
        Ok(())
    }
}
