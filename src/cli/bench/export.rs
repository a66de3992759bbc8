//! `vidne bench export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    bench::{ExportOptions, ExportReport, Rate, export},
    cli::{
        CliError,
        output::{
            escape::escape,
            stdout::{Stdout, note},
            style::Style,
            table,
        },
    },
    codec::proto::v1::{
        CefFormat, CsvFormat, EcsFormat, ExportFormat, JsonLinesFormat, LeefFormat, OcsfFormat,
        Rfc5424Format, export_format::Kind,
    },
    shutdown::on_signals,
};

use super::render::{self, thousands};

const EXAMPLES: &str = "\
200 MB in each format, to an OpenSSH server that is started for it (OpenSSH's sshd, sftp and ssh-keygen are needed):
  vidne bench export

One format, 5 GB, for the server's memory:
  vidne bench export --format json-lines --bytes 5000000000

Every stage is measured alone in the same run: sftp put of the same bytes, the same with -f (on the server's disk before
it is done, as vidne's files are), reading of the rows by key, rendering to nothing by one core. CPU is what the whole
machine works for one event.";

/// As what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    JsonLines,
    Csv,
    Cef,
    Leef,
    Rfc5424,
    Ecs,
    Ocsf,
}

impl Format {
    fn kind(self) -> Kind {
        match self {
            Self::JsonLines => Kind::JsonLines(JsonLinesFormat::default()),
            Self::Csv => Kind::Csv(CsvFormat::default()),
            Self::Cef => Kind::Cef(CefFormat::default()),
            Self::Leef => Kind::Leef(LeefFormat::default()),
            Self::Rfc5424 => Kind::Rfc5424(Rfc5424Format::default()),
            Self::Ecs => Kind::Ecs(EcsFormat::default()),
            Self::Ocsf => Kind::Ocsf(OcsfFormat::default()),
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Arguments of `vidne bench export`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    /// A format. Repeatable; the first is compared with the stages. Default: all, JSON Lines first.
    #[arg(long = "format", value_enum)]
    formats: Vec<Format>,
    /// About how many bytes of JSON Lines the log gives.
    #[arg(long, value_name = "NUMBER", default_value_t = 200_000_000, value_parser = clap::value_parser!(u64).range(1_000_000..=100_000_000_000))]
    bytes: u64,
    /// Bytes of one file at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 50_000_000, value_parser = clap::value_parser!(u64).range(1_000_000..=5_000_000_000))]
    file_bytes: u64,
    /// Make the throw-away folder here: log and files are on this disk.
    #[arg(long, value_name = "FOLDER", default_value = "/var/tmp")]
    folder: PathBuf,
    /// Look whether it works: a million bytes.
    #[arg(long)]
    quick: bool,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
    /// Print Markdown, as in README's performance section.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

/// Runs `vidne bench export`.
///
/// # Errors
///
/// If the measurement fails.
pub async fn run(args: ExportArgs) -> Result<(), CliError> {
    if cfg!(debug_assertions) {
        note("WARNING: this is a debug build: its figures tell nothing about vidne");
    }
    let stop = CancellationToken::new();
    on_signals(stop.clone())
        .map_err(|error| CliError::failed(format!("cannot listen for signals: {error}")))?;
    let formats = if args.formats.is_empty() { Format::value_variants() } else { &args.formats };
    let format = |format: &Format| (format.name(), ExportFormat { kind: Some(format.kind()) });
    let options = ExportOptions {
        formats: formats.iter().map(format).collect(),
        bytes: if args.quick { 1_000_000 } else { args.bytes },
        file_bytes: args.file_bytes,
        folder: args.folder,
    };
    let report = export(&options, &|what| note(what), &stop).await?;
    let mut out = Stdout::new();
    if args.json {
        out.json(&json!(report))?;
    } else {
        let lines =
            if args.markdown { markdown(&report) } else { lines(&report, table::width(), Style::stdout()) };
        for line in lines {
            out.line(&line)?;
        }
    }
    Ok(out.flush()?)
}

fn cells(rate: &Rate) -> [String; 5] {
    let mb = format!("{:.1}", rate.mb_per_second);
    let cpu = rate.cpu_micros.map(|micros| format!("{micros:.1}")).unwrap_or_default();
    [rate.case.clone(), thousands(rate.events_per_second), mb, cpu, thousands(rate.events as f64)]
}

/// What bounds it, in words.
fn ceiling(report: &ExportReport) -> Option<String> {
    let at_most = thousands(report.ceiling?);
    Some(format!(
        "the stages of {} together leave these {} cores time for {at_most} events/s at most",
        report.exports.first()?.case,
        report.machine.cores
    ))
}

fn lines(report: &ExportReport, width: u16, style: Style) -> Vec<String> {
    let mut lines = vec![escape(&render::machine(&report.machine)).to_string(), String::new()];
    for (title, rates) in [("exported to OpenSSH", &report.exports), ("alone", &report.stages)] {
        let mut rows = table::new(&[title, "events/s", "MB/s", "CPU µs/event", "events"], width, style);
        for rate in rates {
            table::row(&mut rows, cells(rate));
        }
        lines.extend(table::lines(&rows));
    }
    lines.extend(ceiling(report));
    lines.extend(render::goals(&report.goals, style));
    lines
}

fn markdown(report: &ExportReport) -> Vec<String> {
    let mut lines = vec![format!("Measured on: {}.", render::machine(&report.machine)), String::new()];
    lines.push("| exported to OpenSSH | events/s | MB/s | CPU µs/event |".to_owned());
    lines.push("|---|---:|---:|---:|".to_owned());
    let exports = report.exports.iter().map(|rate| (rate, ""));
    let stages = report.stages.iter().map(|rate| (rate, "*"));
    for (rate, mark) in exports.chain(stages) {
        let [case, events, mb, cpu, _] = cells(rate);
        lines.push(format!("| {mark}{case}{mark} | {events} | {mb} | {cpu} |"));
    }
    lines.push(String::new());
    lines.extend(ceiling(report).map(|ceiling| format!("- {ceiling}")));
    for goal in &report.goals {
        let word = if goal.met { "met" } else { "**short**" };
        lines.push(format!("- {word}: {}", render::goal(goal)));
    }
    lines
}
