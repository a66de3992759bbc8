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
        output::{escape::escape, json, progress, stdout::Stdout, style::Style},
    },
    Common,
};

/// Arguments of `vidne export run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    job: String,
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
    follow(&client, &args.common.tenant, &args.job, args.common.json).await
}

/// Runs a job and prints how it goes.
///
/// # Errors
///
/// If the run fails.
pub async fn follow(client: &Client, tenant: &str, job: &str, as_json: bool) -> Result<(), CliError> {
    let mut out = Stdout::new();
    let style = Style::stdout();
    let spinner = progress::spinner("exporting");
    let mut run = client.run_export_job(tenant, job).await?;
    let mut finished = false;
    while let Some(step) = run.next().await? {
        let line = match step.kind {
            Some(Kind::File(file)) if as_json => json!({ "file": json::file(&file) }).to_string(),
            Some(Kind::File(file)) => {
                spinner.set_message(format!("{} {}", doing(file.state()), escape(&file.name)));
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
