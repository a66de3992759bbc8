//! `vidne export run`.

use clap::Args;
use indicatif::HumanBytes;
use serde_json::json;

use crate::{
    client::Client,
    codec::proto::v1::{ExportFile, ExportFileState, ExportRunResult, run_export_job_response::Kind},
};

use super::{
    super::{
        CliError,
        output::{escape::escape, job as job_json, progress, stdout::Stdout, style::Style},
    },
    Common,
};

/// Arguments of `vidne export run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    job: String,
    /// Show how much of what waits is exported, as a bar, if standard error is a terminal.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    common: Common,
}

/// Runs `vidne export run`.
///
/// # Errors
///
/// If the run fails.
pub async fn run(args: RunArgs) -> Result<(), CliError> {
    let client = args.common.server.client()?;
    let waiting = if args.follow {
        let job = client.get_export_job(&args.common.tenant, &args.job).await?;
        Some(Waiting { after: job.scanned_sequence, through: job.head_sequence })
    } else {
        None
    };
    follow(&client, &args.common.tenant, &args.job, args.common.json, waiting).await
}

/// The positions that wait when a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    after: u64,
    through: u64,
}

impl Waiting {
    /// How many positions are exported, of how many, when a file has come so far. More may have been recorded since.
    fn exported(self, file: &ExportFile) -> (u64, u64) {
        let through = match file.state() {
            ExportFileState::Published => file.last_sequence,
            _ => file.first_sequence.saturating_sub(1),
        };
        let all = self.through.max(file.last_sequence).saturating_sub(self.after);
        (through.saturating_sub(self.after), all)
    }
}

/// Runs a job and prints how it goes; with `waiting`, with a bar for how much of it.
///
/// # Errors
///
/// If the run fails.
pub async fn follow(
    client: &Client,
    tenant: &str,
    job: &str,
    as_json: bool,
    waiting: Option<Waiting>,
) -> Result<(), CliError> {
    let mut out = Stdout::new();
    let style = Style::stdout();
    let spinner = progress::spinner("exporting");
    let mut run = client.run_export_job(tenant, job).await?;
    let mut finished = false;
    while let Some(step) = run.next().await? {
        if let Some(Kind::File(file)) = &step.kind {
            let doing = format!("{} {}", doing(file.state()), escape(&file.name));
            match waiting.map(|waiting| waiting.exported(file)) {
                Some((exported, all)) => progress::exported(&spinner, exported, all, &doing),
                None => spinner.set_message(doing),
            }
        }
        let line = match step.kind {
            Some(Kind::File(file)) if as_json => json!({ "file": job_json::file(&file) }).to_string(),
            Some(Kind::File(file)) => {
                if file.state() != ExportFileState::Published {
                    continue;
                }
                published(&file, style)
            }
            Some(Kind::Result(result)) => {
                finished = true;
                if as_json { json!({ "result": result_json(&result) }).to_string() } else { summary(&result) }
            }
            None => continue,
        };
        if as_json {
            out.json_bytes(format!("{line}\n").as_bytes())?;
        } else {
            spinner.suspend(|| out.line(&line))?;
        }
        spinner.suspend(|| out.flush())?;
    }
    spinner.finish_and_clear();
    if finished {
        Ok(())
    } else {
        Err(CliError::failed_hint(
            "the run's last word is missing",
            "`vidne export get` shows how the run went; another run goes on where this one stopped",
        ))
    }
}

fn doing(state: ExportFileState) -> &'static str {
    match state {
        ExportFileState::Unspecified => "exporting",
        ExportFileState::Cut => "writing",
        ExportFileState::Uploaded => "publishing",
        ExportFileState::Published => "published",
    }
}

fn published(file: &ExportFile, style: Style) -> String {
    format!(
        "{}  {}, events {} to {} ({})",
        style.green(&escape(&file.name)),
        HumanBytes(file.size_bytes),
        file.first_sequence,
        file.last_sequence,
        file.event_count,
    )
}

fn summary(result: &ExportRunResult) -> String {
    match result.files {
        0 => "Nothing is new: no file was written.".to_owned(),
        files => {
            let plural = if files == 1 { "" } else { "s" };
            format!("{files} file{plural}, {} events, {}.", result.events, HumanBytes(result.bytes))
        }
    }
}

fn result_json(result: &ExportRunResult) -> serde_json::Value {
    json!({
        "files": result.files,
        "events": result.events,
        "bytes": result.bytes,
        "scanned_sequence": result.scanned_sequence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_counts_what_is_published_of_what_waited() {
        let waiting = Waiting { after: 100, through: 300 };
        let file = |first_sequence, last_sequence, state: ExportFileState| ExportFile {
            first_sequence,
            last_sequence,
            state: state.into(),
            ..ExportFile::default()
        };
        assert_eq!(waiting.exported(&file(101, 200, ExportFileState::Cut)), (0, 200));
        assert_eq!(waiting.exported(&file(101, 200, ExportFileState::Published)), (100, 200));
        assert_eq!(waiting.exported(&file(201, 300, ExportFileState::Uploaded)), (100, 200));
        // Recorded while it ran.
        assert_eq!(waiting.exported(&file(301, 310, ExportFileState::Published)), (210, 210));
    }
}
