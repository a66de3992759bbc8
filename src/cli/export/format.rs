//! The format of files, from flags.

use clap::{Args, ValueEnum};

use super::super::CliError;
use crate::codec::proto::v1::{
    CefFormat, CefVersion, CsvFormat, CsvPreset, EcsFormat, ExportFormat, JsonLinesFormat, LeefFormat,
    LeefVersion, OcsfFormat, OcsfVersion, Rfc5424Format, export_format::Kind,
};

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatName {
    /// One JSON object per line: nothing is lost.
    #[value(alias = "jsonl")]
    JsonLines,
    /// Comma-separated values: XFlow's ten columns, unless --csv-preset or --csv-columns says otherwise.
    Csv,
    /// ArcSight's Common Event Format.
    Cef,
    /// QRadar's Log Event Extended Format.
    Leef,
    /// Syslog messages with structured data.
    #[value(alias = "syslog")]
    Rfc5424,
    /// Elastic Common Schema 9, as JSON Lines.
    Ecs,
    /// Open Cybersecurity Schema Framework, as JSON Lines.
    Ocsf,
}

/// A set of CSV columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// XFlow's ten fields in their order.
    Xflow,
    /// FlexiCapture's eight attributes, with the numeric type.
    Flexicapture,
    /// Every column.
    All,
}

/// The format and its options. An option of another format than the chosen one is an error.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "As what")]
pub struct FormatArgs {
    /// Format of the files. Default: json-lines.
    #[arg(long, value_enum)]
    format: Option<FormatName>,
    /// CSV: which columns. Default: xflow.
    #[arg(long, value_enum, requires = "format")]
    csv_preset: Option<Preset>,
    /// CSV: these columns, in this order; the names are those that `--csv-preset all --csv-header` writes.
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        requires = "format",
        conflicts_with = "csv_preset"
    )]
    csv_columns: Vec<String>,
    /// CSV: begin each file with the column names.
    #[arg(long, requires = "format")]
    csv_header: bool,
    /// CSV: write cells that begin with = + - @ as they are. Without it, an apostrophe keeps spreadsheets from running
    /// them.
    #[arg(long, requires = "format")]
    csv_no_formula_guard: bool,
    /// CEF: what lines begin with, CEF:0 or CEF:1. Default: 0.
    #[arg(long, value_name = "VERSION", value_parser = ["0", "1"], requires = "format")]
    cef_version: Option<String>,
    /// LEEF: 1.0 (separated by tabs) or 2.0 (separated by ^). Default: 1.0.
    #[arg(long, value_name = "VERSION", value_parser = ["1.0", "2.0"], requires = "format")]
    leef_version: Option<String>,
    /// CEF, LEEF, RFC 5424: replace | = ] \ and " in values, for parsers that stumble over them.
    #[arg(long, requires = "format")]
    defensive: bool,
    /// RFC 5424: the HOSTNAME of each line. Default: `-`.
    #[arg(long, value_name = "NAME", requires = "format")]
    rfc5424_hostname: Option<String>,
    /// RFC 5424: your IANA private enterprise number. Default: 32473, the one for documentation.
    #[arg(long, value_name = "NUMBER", requires = "format")]
    rfc5424_enterprise_number: Option<u32>,
    /// RFC 5424: the longest line in bytes. Default: 8192.
    #[arg(long, value_name = "NUMBER", requires = "format")]
    rfc5424_max_line_bytes: Option<u32>,
    /// ECS: give created and deleted records the event.type creation and deletion rather than change.
    #[arg(long, requires = "format")]
    ecs_crud_types: bool,
    /// OCSF: the version of the schema that lines name. Default: 1.8.0.
    #[arg(long, value_name = "VERSION", value_parser = ["1.8.0", "1.5.0", "1.4.0"], requires = "format")]
    ocsf_version: Option<String>,
}

impl FormatArgs {
    /// The format on the wire, if one is given.
    ///
    /// # Errors
    ///
    /// If an option belongs to another format.
    pub fn format(&self) -> Result<Option<ExportFormat>, CliError> {
        let Some(name) = self.format else { return Ok(None) };
        self.check(name)?;
        let defensive = self.defensive;
        let kind = match name {
            FormatName::JsonLines => Kind::JsonLines(JsonLinesFormat {}),
            FormatName::Csv => Kind::Csv(CsvFormat {
                preset: self.csv_preset.map(preset).unwrap_or_default().into(),
                header: self.csv_header,
                formula_guard: Some(!self.csv_no_formula_guard),
                columns: self.csv_columns.clone(),
            }),
            FormatName::Cef => {
                let one = self.cef_version.as_deref() == Some("1");
                let version = if one { CefVersion::V1 } else { CefVersion::V0 };
                Kind::Cef(CefFormat { version: version.into(), defensive })
            }
            FormatName::Leef => {
                let two = self.leef_version.as_deref() == Some("2.0");
                let version = if two { LeefVersion::V2 } else { LeefVersion::V1 };
                Kind::Leef(LeefFormat { version: version.into(), defensive })
            }
            FormatName::Rfc5424 => Kind::Rfc5424(Rfc5424Format {
                hostname: self.rfc5424_hostname.clone().unwrap_or_default(),
                enterprise_number: self.rfc5424_enterprise_number,
                max_line_bytes: self.rfc5424_max_line_bytes,
                defensive,
            }),
            FormatName::Ecs => Kind::Ecs(EcsFormat { crud_types: self.ecs_crud_types }),
            FormatName::Ocsf => {
                let version = match self.ocsf_version.as_deref() {
                    Some("1.5.0") => OcsfVersion::V150,
                    Some("1.4.0") => OcsfVersion::V140,
                    _ => OcsfVersion::V180,
                };
                Kind::Ocsf(OcsfFormat { version: version.into() })
            }
        };
        Ok(Some(ExportFormat { kind: Some(kind) }))
    }

    fn check(&self, name: FormatName) -> Result<(), CliError> {
        use FormatName::{Cef, Csv, Ecs, Leef, Ocsf, Rfc5424};
        let options: [(bool, &str, &[FormatName]); 12] = [
            (self.csv_preset.is_some(), "--csv-preset", &[Csv]),
            (!self.csv_columns.is_empty(), "--csv-columns", &[Csv]),
            (self.csv_header, "--csv-header", &[Csv]),
            (self.csv_no_formula_guard, "--csv-no-formula-guard", &[Csv]),
            (self.cef_version.is_some(), "--cef-version", &[Cef]),
            (self.leef_version.is_some(), "--leef-version", &[Leef]),
            (self.defensive, "--defensive", &[Cef, Leef, Rfc5424]),
            (self.rfc5424_hostname.is_some(), "--rfc5424-hostname", &[Rfc5424]),
            (self.rfc5424_enterprise_number.is_some(), "--rfc5424-enterprise-number", &[Rfc5424]),
            (self.rfc5424_max_line_bytes.is_some(), "--rfc5424-max-line-bytes", &[Rfc5424]),
            (self.ecs_crud_types, "--ecs-crud-types", &[Ecs]),
            (self.ocsf_version.is_some(), "--ocsf-version", &[Ocsf]),
        ];
        match options.iter().find(|(given, _, of)| *given && !of.contains(&name)) {
            Some((_, option, _)) => {
                Err(CliError::Usage(format!("{option} is not an option of this --format; leave it out")))
            }
            None => Ok(()),
        }
    }
}

fn preset(preset: Preset) -> CsvPreset {
    match preset {
        Preset::Xflow => CsvPreset::Xflow,
        Preset::Flexicapture => CsvPreset::Flexicapture,
        Preset::All => CsvPreset::All,
    }
}
