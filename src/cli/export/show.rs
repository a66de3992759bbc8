//! `vidne export get`, `list`, `delete` and `files`.

use clap::Args;
use indicatif::HumanBytes;

use crate::{
    client::Client,
    codec::proto::v1::{ExportJob, ListExportFilesRequest},
};

use super::{
    super::{
        CliError,
        error::can_ask,
        output::{
            consent,
            escape::escape,
            job, json,
            stdout::{Stdout, note},
            style::Style,
            table,
        },
        page,
    },
    Common,
    describe::{describe, destination, format},
    schedule, status,
};

/// Arguments of `vidne export get`.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    job: String,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `vidne export list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    common: Common,
}

/// Arguments of `vidne export delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    job: String,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `vidne export files`.
#[derive(Debug, Args)]
pub struct FilesArgs {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    job: String,
    /// At most this many.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    common: Common,
}

/// Shows a job.
///
/// # Errors
///
/// If there is none.
pub async fn get(args: GetArgs) -> Result<(), CliError> {
    let job = args.common.server.client()?.get_export_job(&args.common.tenant, &args.job).await?;
    print(&job, args.common.json)
}

/// Prints a job.
///
/// # Errors
///
/// If the output is closed.
pub fn print(job: &ExportJob, as_json: bool) -> Result<(), CliError> {
    let mut out = Stdout::new();
    if as_json {
        out.json(&job::job(job))?;
    } else {
        for line in table::pairs(&describe(job), Style::stdout()) {
            out.line(&line)?;
        }
    }
    Ok(out.flush()?)
}

/// All jobs of a tenant.
///
/// # Errors
///
/// If there is no such tenant.
pub async fn all_jobs(client: &Client, tenant: &str) -> Result<Vec<ExportJob>, CliError> {
    let call = |token: String| {
        let (client, tenant) = (client.clone(), tenant.to_owned());
        async move { client.list_export_jobs(&tenant, &token).await }
    };
    page::all(usize::MAX, call).await
}

/// Lists a tenant's jobs.
///
/// # Errors
///
/// If there is no such tenant.
pub async fn list(args: ListArgs) -> Result<(), CliError> {
    let jobs = all_jobs(&args.common.server.client()?, &args.common.tenant).await?;
    let mut out = Stdout::new();
    if args.common.json {
        for job in &jobs {
            out.json(&job::job(job))?;
        }
    } else {
        let header =
            ["JOB", "NAME", "FORMAT", "DESTINATION", "STATE", "SCHEDULE", "PUBLISHED TO", "LAST RUN"];
        let mut table = table::new(&header, table::width(), Style::stdout());
        for job in &jobs {
            table::row(
                &mut table,
                [
                    job.job_id.clone(),
                    job.name.clone(),
                    format(job),
                    destination(job),
                    status::state(job).to_owned(),
                    schedule::describe(job.schedule.as_ref()),
                    job.published_sequence.to_string(),
                    json::time(job.last_run_time.as_ref()),
                ],
            );
        }
        for line in table::lines(&table) {
            out.line(&line)?;
        }
    }
    Ok(out.flush()?)
}

/// Deletes a job.
///
/// # Errors
///
/// If there is none.
pub async fn delete(args: DeleteArgs) -> Result<(), CliError> {
    let client = args.common.server.client()?;
    if !args.yes {
        if !can_ask() {
            return Err(CliError::Usage("a deleted job cannot be brought back: say --yes".to_owned()));
        }
        if !consent::confirm(&format!("Delete export job {}? Its files stay.", escape(&args.job)))? {
            return Err(CliError::failed("nothing was changed"));
        }
    }
    client.delete_export_job(&args.common.tenant, &args.job).await?;
    note("deleted; its files stay where they are");
    Ok(())
}

/// Lists the files of a job.
///
/// # Errors
///
/// If there is no such job.
pub async fn files(args: FilesArgs) -> Result<(), CliError> {
    let client = args.common.server.client()?;
    let call = |page_token: String| {
        let client = client.clone();
        let (tenant_id, job_id) = (args.common.tenant.clone(), args.job.clone());
        let request = ListExportFilesRequest { tenant_id, job_id, page_size: 0, page_token };
        async move { client.list_export_files(request).await }
    };
    let files = page::all(args.limit, call).await?;
    let mut out = Stdout::new();
    if args.common.json {
        for file in &files {
            out.json(&job::file(file))?;
        }
    } else {
        let header = ["FILE", "NAME", "STATE", "FIRST", "LAST", "EVENTS", "SIZE", "PUBLISHED"];
        let mut table = table::new(&header, table::width(), Style::stdout());
        for file in &files {
            table::row(
                &mut table,
                [
                    file.file_number.to_string(),
                    in_folder(&file.directory, &file.name),
                    json::word(file.state().as_str_name(), "EXPORT_FILE_STATE_").to_lowercase(),
                    file.first_sequence.to_string(),
                    file.last_sequence.to_string(),
                    file.event_count.to_string(),
                    HumanBytes(file.size_bytes).to_string(),
                    json::time(file.published_time.as_ref()),
                ],
            );
        }
        for line in table::lines(&table) {
            out.line(&line)?;
        }
    }
    Ok(out.flush()?)
}

fn in_folder(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}
