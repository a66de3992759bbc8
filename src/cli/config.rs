//! `vidne config`.

use super::CliError;

/// Arguments of `vidne config`.
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {}

/// Runs `vidne config`.
pub async fn run(_args: ConfigArgs) -> Result<(), CliError> {
    Err(CliError::failed("`vidne config` is not built in"))
}
