//! `vidne health`.

use clap::Args;
use serde_json::json;

use crate::client::Serving;

use super::{
    CliError,
    output::{stdout::Stdout, style::Style},
    server::ServerArgs,
};

const EXAMPLES: &str = "\
Exit code 0 if it serves, 1 if it does not or cannot be reached; fit for a container's health check:
  vidne health --server http://127.0.0.1:50051 --timeout 3
  vidne health --service vidne.v1.AuditService";

/// Arguments of `vidne health`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct HealthArgs {
    /// Ask for one service, such as vidne.v1.AuditService, instead of all.
    #[arg(long, value_name = "NAME", default_value = "")]
    service: String,
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
/// If the server does not serve.
pub async fn run(args: HealthArgs) -> Result<(), CliError> {
    let client = args.server.client()?;
    let serving = client.check_health(&args.service).await?;
    let (word, style) = (status(serving), Style::stdout());
    let mut out = Stdout::new();
    if args.json {
        out.json(&json!({ "server": client.endpoint(), "status": word }))?;
    } else {
        let shown = if serving == Serving::Yes { style.green(word) } else { style.red(word) };
        out.line(&format!("{}: {shown}", client.endpoint()))?;
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

fn status(serving: Serving) -> &'static str {
    match serving {
        Serving::Yes => "SERVING",
        Serving::No => "NOT_SERVING",
        Serving::Unknown => "UNKNOWN",
    }
}
