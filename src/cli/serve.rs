//! `vidne serve`.

use super::CliError;

/// Arguments of `vidne serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {}

/// Runs `vidne serve`.
pub async fn run(_args: ServeArgs) -> Result<(), CliError> {
    Err(CliError::failed("`vidne serve` is not built in"))
}
