//! `vidne config`.

use clap::{Args, Subcommand};

use crate::config::{DEFAULTS, Settings, show};

use super::{CliError, output::stdout::Stdout, settings::ConfigFile};

/// Arguments of `vidne config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check the configuration that `vidne serve` would run with, without starting anything.
    ///
    /// Exit code 0 if it is good, 78 if it is not.
    Check(ConfigFile),
    /// Print the value of every setting and where it comes from; secrets are masked.
    Show(ConfigFile),
    /// Print every setting with its default and what it means: the start of a configuration file.
    Default,
}

/// Runs `vidne config`.
///
/// # Errors
///
/// If the configuration is wrong.
pub async fn run(args: ConfigArgs) -> Result<(), CliError> {
    let mut out = Stdout::new();
    match args.command {
        ConfigCommand::Check(file) => {
            file.settings(Vec::new())?;
            out.line("the configuration is good")?;
        }
        ConfigCommand::Show(file) => {
            let values = file.values(Vec::new())?;
            out.line(show(&values).trim_end())?;
            out.flush()?;
            Settings::new(&values)?;
        }
        ConfigCommand::Default => out.line(DEFAULTS.trim_end())?,
    }
    Ok(out.flush()?)
}
