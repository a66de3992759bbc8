//! `vidne demo`: the whole job on throw-away data.

pub mod sftp_server;

use crate::cli::CliError;

/// TODO
pub async fn run(_keep: bool, _style: crate::cli::Style) -> Result<(), CliError> {
    Ok(())
}
