//! Validated configuration: from defaults, a file, environment variables and flags to [`Settings`].

mod declared;
mod env;
mod error;
mod read;
mod sections;
mod settings;
mod show;
mod source;
mod units;

pub use error::ConfigError;
pub use sections::{
    DatabaseSettings, ExportSettings, KeySettings, LogFormat, LogSettings, ServerSettings, ShutdownSettings,
    TelemetrySettings,
};
pub use settings::Settings;
pub use show::show;
pub use source::{Flag, Sources, Values};

/// The commented reference of every key with its default, as TOML.
pub const DEFAULTS: &str = include_str!("default.toml");
