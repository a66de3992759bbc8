//! `vidne tail`.

use clap::Args;

use crate::{
    client::{QueryItem, Resume},
    codec::proto::v1::{EndReason, QueryEventsRequest, QueryOrder, query_events_request::Start},
};

use super::{
    CliError,
    filter::FilterArgs,
    output::{escape::escape, stdout::note, style::Style},
    query::{decode, printer::Printer, start::StartArgs, view::ViewArgs},
    server::ServerArgs,
};

const EXAMPLES: &str = "\
New events as they are recorded, until Ctrl-C:
  vidne tail
  vidne tail --category security_administration
Some columns, times as on the clock on the wall:
  vidne tail --columns time,type,actor,ip --local-time
All there is, and then the new ones, for a program that must see each event once:
  vidne tail --from-start --json --token-file here | your-program
After the program or the machine stopped, go on where it was:
  vidne tail --json --token-file here --resume here | your-program

A broken connection is no end: tail connects again and goes on behind the last event it printed.";

/// Arguments of `vidne tail`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TailArgs {
    /// The log to follow. Default: `default`.
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Begin with the first event instead of the next one.
    #[arg(long, conflicts_with_all = ["after", "resume"])]
    from_start: bool,
    /// Stop after this many events.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    view: ViewArgs,
    #[command(flatten)]
    start: StartArgs,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs `vidne tail`.
///
/// # Errors
///
/// If the query is refused, or the output is closed.
pub async fn run(args: TailArgs) -> Result<(), CliError> {
    let client = args.server.client()?;
    let view = args.view.view()?;
    let start = match args.start.start()? {
        // A token file that does not exist yet is a beginning, too.
        None if args.from_start || args.start.is_given() => None,
        None => Some(Start::FromNow(true)),
        start => start,
    };
    let request = QueryEventsRequest {
        tenant_id: args.tenant.clone().unwrap_or_default(),
        filter: args.filter.filter(),
        order: QueryOrder::Ascending.into(),
        limit: args.limit.unwrap_or_default(),
        follow: true,
        start,
        show_personal: args.view.show_personal,
    };
    let mut stream = client.query(request, Resume::Always);
    let mut tail = Tail { printer: Printer::lines(view), connected: false };
    while let Some(message) = stream.next().await {
        let message = message?;
        if !tail.show(message.item)? {
            break;
        }
        args.start.keep(Some(&message.resume_token).filter(|t| !t.is_empty()).map(Vec::as_slice))?;
    }
    Ok(())
}

struct Tail {
    printer: Printer,
    /// Whether the server has answered since the last broken connection.
    connected: bool,
}

impl Tail {
    /// Prints what a message says; `false` if it was the last one.
    fn show(&mut self, item: QueryItem) -> Result<bool, CliError> {
        if !self.connected && !matches!(item, QueryItem::Reconnecting { .. }) {
            self.connected = true;
            self.say("connected");
        }
        match item {
            QueryItem::Events(events) => {
                for bytes in events {
                    self.printer.event(&decode(&bytes)?)?;
                }
                // Before the token is kept: an event must not be lost between the two.
                self.printer.flush()?;
            }
            QueryItem::CaughtUp { head_sequence } => {
                self.say(&format!("waiting for events after #{head_sequence} (Ctrl-C stops)"));
            }
            QueryItem::Reconnecting { error, pause } => {
                self.connected = false;
                let error = escape(&error.to_string()).into_owned();
                self.say(&format!("{error}; trying again in {:.1} s", pause.as_secs_f64()));
            }
            QueryItem::End(reason) => {
                if reason == EndReason::TenantClosed {
                    self.say("the tenant is closed: this was its last event");
                }
                self.printer.finish()?;
                return Ok(false);
            }
            QueryItem::Progress { .. } => {}
        }
        Ok(true)
    }

    fn say(&self, text: &str) {
        note(&Style::stderr().dim(&format!("tail: {text}")));
    }
}
