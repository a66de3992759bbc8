//! `vidne migrate`.

use super::CliError;

/// Arguments of `vidne migrate`.
#[derive(Debug, clap::Args)]
pub struct MigrateArgs {}

/// Runs `vidne migrate`.
pub async fn run(_args: MigrateArgs) -> Result<(), CliError> {
    Err(CliError::failed("`vidne migrate` is not built in"))
}
