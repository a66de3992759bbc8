//! `vidne export pause`, `resume` and `again`.

use clap::Args;

use super::{
    super::{
        CliError,
        output::{stdout::note, style::Style},
    },
    Common, show,
};
use crate::codec::proto::v1::ReExportRequest;

/// Arguments of `vidne export pause` and `resume`.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    job: String,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `vidne export again`.
#[derive(Debug, Args)]
pub struct AgainArgs {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    job: String,
    /// The first position. Default: 1.
    #[arg(long, value_name = "SEQUENCE", value_parser = clap::value_parser!(u64).range(1..))]
    first: Option<u64>,
    /// The last position. Default: the last one that the job has published.
    #[arg(long, value_name = "SEQUENCE", value_parser = clap::value_parser!(u64).range(1..))]
    last: Option<u64>,
    #[command(flatten)]
    common: Common,
}

/// Stops a job from running by itself.
///
/// # Errors
///
/// If there is none.
pub async fn pause(args: JobArgs) -> Result<(), CliError> {
    let job = args.common.server.client()?.pause_export_job(&args.common.tenant, &args.job).await?;
    show::print(&job, args.common.json)
}

/// Lets a job run by itself again.
///
/// # Errors
///
/// If there is none.
pub async fn resume(args: JobArgs) -> Result<(), CliError> {
    let job = args.common.server.client()?.resume_export_job(&args.common.tenant, &args.job).await?;
    show::print(&job, args.common.json)
}

/// Exports a past range once more.
///
/// # Errors
///
/// If there is no such job, or it has not published the range.
pub async fn again(args: AgainArgs) -> Result<(), CliError> {
    let request = ReExportRequest {
        tenant_id: args.common.tenant.clone(),
        job_id: args.job,
        first_sequence: args.first.unwrap_or_default(),
        last_sequence: args.last.unwrap_or_default(),
    };
    let job = args.common.server.client()?.re_export(request).await?;
    show::print(&job, args.common.json)?;
    if !args.common.json {
        note(&Style::stderr().dim("it runs by itself, now, and may be deleted once it is done"));
    }
    Ok(())
}
