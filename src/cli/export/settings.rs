//! As what events are exported, from flags.

use clap::{Args, ValueEnum};

use crate::codec::proto::v1::{
    CsvFormat, CsvPreset, ExportFormat, FileLimits, JsonLinesFormat, NationalIdMode, export_format::Kind,
};

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatName {
    /// One JSON object per line: nothing is lost.
    #[value(alias = "jsonl")]
    JsonLines,
    /// XFlow's ten columns in their order.
    Csv,
}

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
    /// Format of the files. Default: json-lines.
    #[arg(long, value_enum)]
    pub format: Option<FormatName>,
    /// CSV: begin each file with the column names.
    #[arg(long, requires = "format")]
    pub csv_header: bool,
    /// CSV: write cells that begin with = + - @ as they are. Without it, an apostrophe keeps spreadsheets from running
    /// them.
    #[arg(long, requires = "format")]
    pub csv_no_formula_guard: bool,
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
    /// The format on the wire, if one is given.
    pub fn format(&self) -> Option<ExportFormat> {
        let kind = match self.format? {
            FormatName::JsonLines => Kind::JsonLines(JsonLinesFormat {}),
            FormatName::Csv => Kind::Csv(CsvFormat {
                preset: CsvPreset::Xflow.into(),
                header: self.csv_header,
                formula_guard: Some(!self.csv_no_formula_guard),
            }),
        };
        Some(ExportFormat { kind: Some(kind) })
    }

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
