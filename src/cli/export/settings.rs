//! As what events are exported, from flags.

use clap::{Args, ValueEnum};

use super::format::FormatArgs;
use crate::codec::proto::v1::{
    ExportFormat, FileLimits, JsonLinesFormat, NationalIdMode, export_format::Kind,
};

/// What becomes of the acting user's national id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NationalId {
    /// It is left out.
    Omit,
    /// It is replaced by a text that is the same for the same id, of which nobody can make an id again.
    Hash,
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
            Some(NationalId::Hash) => NationalIdMode::Hash.into(),
            Some(NationalId::Full) => NationalIdMode::Full.into(),
            None => 0,
        }
    }

    /// Puts the limits that are given into a job's and leaves the others. Whether any is given.
    pub fn limit(&self, limits: &mut Option<FileLimits>) -> bool {
        let given = self.max_events.is_some() || self.max_bytes.is_some();
        if given {
            let limits = limits.get_or_insert_default();
            limits.max_events = self.max_events.or(limits.max_events);
            limits.max_bytes = self.max_bytes.or(limits.max_bytes);
        }
        given
    }
}

/// What is exported as if nothing is said.
pub fn json_lines() -> ExportFormat {
    ExportFormat { kind: Some(Kind::JsonLines(JsonLinesFormat {})) }
}
