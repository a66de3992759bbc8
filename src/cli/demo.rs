//! `vidne demo`.

use clap::Args;

use crate::demo;

use super::{CliError, output::style::Style};

/// Arguments of `vidne demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Keep the servers running afterwards, until Ctrl-C, to try the other commands against them.
    #[arg(long)]
    keep: bool,
}

/// Runs `vidne demo`.
///
/// # Errors
///
/// If a step fails.
pub async fn run(args: DemoArgs) -> Result<(), CliError> {
    demo::run(args.keep, Style::stdout()).await
}
