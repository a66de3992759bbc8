//! `vidne export runs`.

use clap::Args;
use indicatif::HumanBytes;

use super::{
    super::{
        CliError,
        output::{job, json, stdout::Stdout, style::Style, table},
        page,
    },
    Common, words,
};
use crate::codec::proto::v1::{ExportRun, ListExportRunsRequest};

const ERROR_CHARACTERS: usize = 100;

/// Arguments of `vidne export runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    job: String,
    /// At most this many.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    common: Common,
}

/// Lists the runs of a job, newest first.
///
/// # Errors
///
/// If there is no such job.
pub async fn run(args: RunsArgs) -> Result<(), CliError> {
    let client = args.common.server.client()?;
    let call = |page_token: String| {
        let client = client.clone();
        let (tenant_id, job_id) = (args.common.tenant.clone(), args.job.clone());
        let request = ListExportRunsRequest { tenant_id, job_id, page_size: 0, page_token };
        async move { client.list_export_runs(request).await }
    };
    let runs = page::all(args.limit, call).await?;
    let mut out = Stdout::new();
    if args.common.json {
        for run in &runs {
            out.json(&job::run(run))?;
        }
    } else {
        let header = ["RUN", "STARTED", "TOOK", "STARTED BY", "STATE", "FILES", "EVENTS", "SIZE", "ERROR"];
        let mut table = table::new(&header, table::width(), Style::stdout());
        for run in &runs {
            table::row(&mut table, cells(run));
        }
        for line in table::lines(&table) {
            out.line(&line)?;
        }
    }
    Ok(out.flush()?)
}

fn cells(run: &ExportRun) -> [String; 9] {
    [
        run.run_number.to_string(),
        json::time(run.started_time.as_ref()),
        took(run),
        json::word(run.trigger().as_str_name(), "EXPORT_TRIGGER_").to_lowercase(),
        json::word(run.state().as_str_name(), "EXPORT_RUN_STATE_").to_lowercase(),
        run.files.to_string(),
        run.events.to_string(),
        HumanBytes(run.bytes).to_string(),
        words::cut(&run.error, ERROR_CHARACTERS),
    ]
}

/// Milliseconds up to a second, whole seconds above.
fn took(run: &ExportRun) -> String {
    let (Some(started), Some(ended)) = (&run.started_time, &run.ended_time) else { return String::new() };
    let millis =
        (ended.seconds - started.seconds) * 1_000 + i64::from(ended.nanos - started.nanos) / 1_000_000;
    if millis < 1_000 { format!("{}ms", millis.max(0)) } else { words::exact(millis / 1_000) }
}
