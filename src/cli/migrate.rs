//! `vidne migrate`.

use clap::Args;

use crate::app;

use super::{
    CliError,
    output::stdout::Stdout,
    settings::{ConfigFile, DataArgs},
};

const EXAMPLES: &str = "\
Before a new version of the server runs on a database server:
  VIDNE_DATABASE_URL=postgres://vidne:secret@db:5432/vidne vidne migrate

MariaDB and MySQL alike, with mysql://vidne:secret@db:3306/vidne; if it is interrupted there, run it again.
Safe while servers run, and when two run at once: the second one finds nothing left to do.";

/// Arguments of `vidne migrate`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct MigrateArgs {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    data: DataArgs,
}

/// Runs `vidne migrate`.
///
/// # Errors
///
/// If the database cannot be reached, or is not vidne's.
pub async fn run(args: MigrateArgs) -> Result<(), CliError> {
    let settings = args.file.settings(args.data.flags())?;
    let applied = app::migrate(&settings).await?;
    let mut out = Stdout::new();
    match applied.as_slice() {
        [] => out.line("the database is up to date")?,
        applied => out.line(&format!("migrated: {}", applied.join(", ")))?,
    }
    Ok(out.flush()?)
}
