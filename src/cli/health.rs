//! `vidne health`.

use clap::Args;
use serde_json::json;

use crate::{
    client::{Client, Serving},
    codec::proto::v1::{Disposition, Event, EventType, GetEventRequest, get_event_request::Key},
};

use super::{
    CliError,
    output::{stdout::Stdout, style::Style},
    server::ServerArgs,
};

const EXAMPLES: &str = "\
Exit code 0 if it serves, 1 if it does not or cannot be reached; fit for a container's health check:
  vidne health --server http://127.0.0.1:50051 --timeout 3
  vidne health --service vidne.v1.AuditService
The whole way there and back; the event stays in the log:
  vidne health --record";

/// What the event of `--record` is called.
const RECORDED_TYPE: &str = "vidne.health";

/// Arguments of `vidne health`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct HealthArgs {
    /// Ask for one service, such as vidne.v1.AuditService, instead of all.
    #[arg(long, value_name = "NAME", default_value = "")]
    service: String,
    /// Also record an event of the custom type vidne.health and read it back. It stays in the log.
    #[arg(long)]
    record: bool,
    /// With --record: the tenant in whose log.
    #[arg(long, value_name = "ID", requires = "record")]
    tenant: Option<String>,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs `vidne health`.
///
/// # Errors
///
/// If the server does not serve, or, with `--record`, if the event is not recorded or does not come back as it was sent.
pub async fn run(args: HealthArgs) -> Result<(), CliError> {
    let client = args.server.client()?;
    let serving = client.check_health(&args.service).await?;
    let recorded = match (args.record, serving) {
        (true, Serving::Yes) => Some(record(&client, args.tenant.unwrap_or_default()).await?),
        _ => None,
    };
    let (word, style) = (status(serving), Style::stdout());
    let mut out = Stdout::new();
    if args.json {
        let mut object = json!({ "server": client.endpoint(), "status": word });
        if let Some(event) = &recorded {
            object["event"] = json!({ "event_id": event.event_id, "sequence": event.sequence });
        }
        out.json(&object)?;
    } else {
        let shown = if serving == Serving::Yes { style.green(word) } else { style.red(word) };
        out.line(&format!("{}: {shown}", client.endpoint()))?;
        if let Some(Event { event_id, sequence, .. }) = &recorded {
            out.line(&format!("recorded event {event_id} as {sequence}, and read it back"))?;
        }
    }
    out.flush()?;
    match serving {
        Serving::Yes => Ok(()),
        Serving::No => Err(CliError::Reported),
        Serving::Unknown => Err(CliError::failed_hint(
            "the server does not know this service",
            "names are full, such as vidne.v1.AuditService; without --service all are meant",
        )),
    }
}

/// Records an event and reads it back: it, as it is stored.
async fn record(client: &Client, tenant_id: String) -> Result<Event, CliError> {
    let description = "recorded by `vidne health --record`";
    let event = Event {
        tenant_id: tenant_id.clone(),
        r#type: EventType::Custom.into(),
        custom_type: RECORDED_TYPE.to_owned(),
        description: description.to_owned(),
        ..Event::default()
    };
    let receipt = client.record(event).await?;
    if receipt.disposition() == Disposition::NotRecorded {
        return Err(CliError::failed_hint(
            "the event was not recorded: the tenant has custom events switched off",
            "name another one with --tenant, or leave --record away",
        ));
    }
    let key = Some(Key::EventId(receipt.event_id.clone()));
    let stored = client.get_event(GetEventRequest { tenant_id, key, show_personal: false }).await?;
    let same = stored.sequence == receipt.sequence && stored.description == description;
    if same {
        Ok(stored)
    } else {
        Err(CliError::failed("the event that was recorded came back as another one"))
    }
}

fn status(serving: Serving) -> &'static str {
    match serving {
        Serving::Yes => "SERVING",
        Serving::No => "NOT_SERVING",
        Serving::Unknown => "UNKNOWN",
    }
}
