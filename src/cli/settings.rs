//! The configuration of the commands that are the server's own.

use std::{error::Error, fmt::Write as _, path::PathBuf};

use clap::Args;

use crate::config::{ConfigError, Flag, Settings, Sources, Values};

use super::CliError;

/// Where the configuration comes from.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// Read settings from this TOML file; `vidne config default` prints one with every setting.
    #[arg(long, env = "VIDNE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Where the data is.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// Keep SQLite, key and lock in this folder [default: ./vidne-data].
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// Keep events in this database: postgres://user:password@host:5432/name, or mysql://user:password@host:3306/name
    /// for MariaDB and MySQL. Other users of the machine see arguments: better give VIDNE_DATABASE_URL if a password
    /// is in it.
    #[arg(long, value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
}

impl DataArgs {
    /// As flags.
    pub fn flags(&self) -> Vec<Flag> {
        let mut flags = Vec::new();
        push(&mut flags, "--data-dir", "data_dir", self.data_dir.as_ref());
        push(&mut flags, "--database-url", "database.url", self.database_url.as_ref());
        flags
    }
}

/// Adds a flag if it was given.
pub fn push(flags: &mut Vec<Flag>, name: &'static str, key: &'static str, value: Option<&impl ToString>) {
    if let Some(value) = value {
        flags.push(Flag { name, key, text: value.to_string() });
    }
}

impl ConfigFile {
    /// All values: defaults, the file, this process's environment, `flags`.
    pub fn values(&self, flags: Vec<Flag>) -> Result<Values, CliError> {
        let variables = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        Ok(Values::load(&Sources { file: self.config.clone(), variables, flags })?)
    }

    /// The settings, checked.
    pub fn settings(&self, flags: Vec<Flag>) -> Result<Settings, CliError> {
        Ok(Settings::new(&self.values(flags)?)?)
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        configuration(&error)
    }
}

/// An error that another configuration mends.
pub fn configuration(error: &dyn Error) -> CliError {
    CliError::Configuration {
        message: chain(error),
        hint: "`vidne config default` prints every setting with its default and what it means".to_owned(),
    }
}

/// An error with its causes.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}
