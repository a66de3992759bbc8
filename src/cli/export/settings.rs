//! As what events are exported, from flags.

use clap::{Args, ValueEnum};

use super::format::FormatArgs;
use crate::codec::proto::v1::{FileLimits, NationalIdMode};

/// What becomes of the acting user's national id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NationalId {
    /// It is left out.
    Omit,
    /// It is written in full.
    Full,
}

/// As what.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "As what")]
pub struct SettingsArgs {
    /// The format.
    #[command(flatten)]
    pub format: FormatArgs,
    /// What becomes of the acting user's national id. Default: omit.
    #[arg(long, value_enum)]
    pub national_id: Option<NationalId>,
    /// Events per file. Default: 100000.
    #[arg(long, value_name = "NUMBER")]
    pub max_events: Option<u64>,
    /// Bytes per file. Default: 50000000.
    #[arg(long, value_name = "NUMBER")]
    pub max_bytes: Option<u64>,
}

impl SettingsArgs {
    /// The mode on the wire, 0 if none is given.
    pub fn national_id(&self) -> i32 {
        match self.national_id {
            Some(NationalId::Omit) => NationalIdMode::Omit.into(),
            Some(NationalId::Full) => NationalIdMode::Full.into(),
            None => 0,
        }
    }

    /// The limits on the wire, if any is given.
    pub fn file_limits(&self) -> Option<FileLimits> {
        let limits = FileLimits { max_events: self.max_events, max_bytes: self.max_bytes };
        (limits != FileLimits::default()).then_some(limits)
    }
}
