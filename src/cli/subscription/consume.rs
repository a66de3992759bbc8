//! `vidne subscription consume`.

use clap::Args;

use crate::{
    client::{Consumer, ConsumerItem, ConsumerMessage, Resume},
    codec::{json::write_line, proto::v1::ConsumeStart, stored::sequence},
};

use super::super::{
    CliError,
    output::{
        escape::escape,
        stdout::{Stdout, note},
        style::Style,
        table,
    },
    query::{decode, render},
    server::ServerArgs,
};

const EXAMPLES: &str = "\
Events as they are recorded, from where the last run stopped, until Ctrl-C:
  vidne subscription consume siem --json | your-program
What there is, once (for a timer):
  vidne subscription consume siem --json --until-caught-up >> events.jsonl

Events are acknowledged after they were printed, so after a crash the last ones may come again: a program knows them
by their event_id. A broken connection is no end. While another consumer holds the subscription, this one waits.";

/// Arguments of `vidne subscription consume`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ConsumeArgs {
    /// The subscription's name.
    #[arg(value_name = "NAME")]
    name: String,
    /// The log. Default: `default`.
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// What `list` shows as the consumer. Default: the process id.
    #[arg(long = "as", value_name = "TEXT")]
    consumer: Option<String>,
    /// Stop when all there was is printed, instead of waiting for more.
    #[arg(long)]
    until_caught_up: bool,
    /// Stop after this many events.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Print one JSON object per line, the documented form of an event.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn run(args: ConsumeArgs) -> Result<(), CliError> {
    let client = args.server.client()?;
    let consumer = args.consumer.clone().unwrap_or_else(|| format!("vidne process {}", std::process::id()));
    let start = ConsumeStart {
        tenant_id: args.tenant.clone().unwrap_or_default(),
        name: args.name.clone(),
        consumer,
        max_unacknowledged: 0,
    };
    let mut consumer = client.consume(start, Resume::Always);
    let left = args.limit.unwrap_or(u64::MAX);
    let mut printer = Printer { args, out: Stdout::new(), line: Vec::new(), left };
    loop {
        let message = tokio::select! {
            message = consumer.next() => message,
            // What was printed is acknowledged before the end.
            _ = tokio::signal::ctrl_c() => break,
        };
        let Some(message) = message else { break };
        if !printer.take(message?, &mut consumer)? {
            break;
        }
    }
    consumer.finish().await?;
    Ok(())
}

struct Printer {
    args: ConsumeArgs,
    out: Stdout,
    line: Vec<u8>,
    /// Events still to be printed.
    left: u64,
}

impl Printer {
    /// Prints what a message says, then acknowledges it; `false` if it was the last one.
    fn take(&mut self, message: ConsumerMessage, consumer: &mut Consumer) -> Result<bool, CliError> {
        match message.item {
            ConsumerItem::Started { acknowledged_sequence, .. } => {
                self.say(&format!("connected; events after #{acknowledged_sequence}"));
            }
            ConsumerItem::Events(events) => {
                for event in events {
                    self.event(&event)?;
                    self.left -= 1;
                    if self.left == 0 {
                        self.out.flush()?;
                        let place = sequence(&event)
                            .map_err(|error| CliError::failed(format!("not an event: {error}")))?;
                        consumer.acknowledge(place);
                        return Ok(false);
                    }
                }
                // Before it is acknowledged: an event must not be lost between the two.
                self.out.flush()?;
                consumer.acknowledge(message.position);
            }
            ConsumerItem::CaughtUp { .. } if self.args.until_caught_up => return Ok(false),
            ConsumerItem::CaughtUp { head_sequence } => {
                self.say(&format!("waiting for events after #{head_sequence} (Ctrl-C stops)"));
            }
            ConsumerItem::Reconnecting { error, pause } => {
                let error = escape(&error.to_string()).into_owned();
                self.say(&format!("{error}; trying again in {:.1} s", pause.as_secs_f64()));
            }
            ConsumerItem::Progress { .. } | ConsumerItem::Acknowledged(_) => {}
        }
        Ok(true)
    }

    fn event(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        let event = decode(bytes)?;
        if self.args.json {
            self.line.clear();
            // The subscription decides whether there are national ids in it.
            write_line(&event, true, &mut self.line);
            self.out.json_bytes(&self.line)?;
        } else {
            self.out.line(&render::line(&event, table::width().into(), Style::stdout()))?;
        }
        Ok(())
    }

    fn say(&self, text: &str) {
        note(&Style::stderr().dim(&format!("consume: {text}")));
    }
}
