//! `vidne subscription`: `manage` creates, shows and deletes, `consume` prints events.

mod consume;
mod manage;
mod show;

use clap::{Args, Subcommand};

use super::{CliError, server::ServerArgs};

const EXAMPLES: &str = "\
For consumers that do not want to keep a token: the server keeps their position, and delivers at least once.
  vidne subscription create siem --category security_administration
  vidne subscription consume siem --json | your-program
  vidne subscription list                how far each is, and who consumes it

One consumer at a time. A second one waits and takes over when the first is gone.";

/// Arguments of `vidne subscription`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub struct SubscriptionArgs {
    #[command(subcommand)]
    command: SubscriptionCommand,
}

#[derive(Debug, Subcommand)]
enum SubscriptionCommand {
    /// Create a subscription: which events, and from where on.
    Create(Box<manage::CreateArgs>),
    /// List a tenant's subscriptions with their lag.
    List(manage::ListArgs),
    /// Show a subscription: its position, its lag, its consumer.
    Show(manage::OneArgs),
    /// Delete a subscription with its position.
    Delete(manage::DeleteArgs),
    /// Print a subscription's events and acknowledge them.
    Consume(consume::ConsumeArgs),
}

/// Which log, and which server.
#[derive(Debug, Args)]
struct Common {
    /// The log. Default: `default`.
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

impl Common {
    fn tenant(&self) -> &str {
        self.tenant.as_deref().unwrap_or_default()
    }
}

/// Runs `vidne subscription`.
///
/// # Errors
///
/// If the server refuses, or the output is closed.
pub async fn run(args: SubscriptionArgs) -> Result<(), CliError> {
    match args.command {
        SubscriptionCommand::Create(args) => manage::create(*args).await,
        SubscriptionCommand::List(args) => manage::list(args).await,
        SubscriptionCommand::Show(args) => manage::show(args).await,
        SubscriptionCommand::Delete(args) => manage::delete(args).await,
        SubscriptionCommand::Consume(args) => consume::run(args).await,
    }
}
