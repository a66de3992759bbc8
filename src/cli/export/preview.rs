//! `vidne export preview`: the lines of the next file, sent nowhere.

use clap::Args;
use serde_json::json;

use super::{
    super::{
        CliError,
        filter::FilterArgs,
        output::{
            escape::escape,
            stdout::{Stdout, note},
            style::Style,
        },
    },
    Common,
    naming::NamingArgs,
    settings::SettingsArgs,
    start::start,
};
use crate::codec::proto::v1::{
    ExportJob, ExportStart, PreviewExportRequest, PreviewExportResponse, preview_export_request::Target,
};

/// Arguments of `vidne export preview`.
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// The job's id or name; without it, a job as the flags describe it.
    #[arg(value_name = "JOB")]
    job: Option<String>,
    /// At most this many events. Default: 10.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100))]
    events: Option<u32>,
    /// Begin as for `vidne export create`. Default: beginning.
    #[arg(long, value_name = "WHERE", value_parser = start, conflicts_with = "job")]
    start: Option<ExportStart>,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    naming: NamingArgs,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    common: Common,
}

/// Runs `vidne export preview`.
///
/// # Errors
///
/// If there is no such job, or the server refuses.
pub async fn run(args: PreviewArgs) -> Result<(), CliError> {
    let (described, given) = args.described()?;
    let target = match args.job {
        Some(_) if given => {
            return Err(CliError::Usage(
                "a JOB has its own format, filter and names: leave out either it or the flags for them"
                    .to_owned(),
            ));
        }
        Some(job) => Target::JobId(job),
        None => Target::Job(described),
    };
    let request = PreviewExportRequest {
        tenant_id: args.common.tenant.clone(),
        target: Some(target),
        max_events: args.events.unwrap_or_default(),
    };
    let answer = args.common.server.client()?.preview_export(request).await?;
    if args.common.json { print_json(&answer) } else { print(&answer) }
}

impl PreviewArgs {
    /// The job that the flags describe, and whether any was given.
    fn described(&self) -> Result<(ExportJob, bool), CliError> {
        let format = self.settings.format.format()?;
        let mut job = ExportJob {
            tenant_id: self.common.tenant.clone(),
            filter: self.filter.filter(),
            national_id: self.settings.national_id(),
            ..ExportJob::default()
        };
        let limited = self.settings.limit(&mut job.file_limits);
        let named = !self.naming.apply(&mut job)?.is_empty();
        let given = format.is_some() || job.filter.is_some() || job.national_id != 0 || limited || named;
        job.format = Some(format.unwrap_or_else(super::settings::json_lines));
        job.start = self.start;
        Ok((job, given))
    }
}

fn print(answer: &PreviewExportResponse) -> Result<(), CliError> {
    let mut out = Stdout::new();
    if out.is_terminal() {
        for line in String::from_utf8_lossy(&answer.content).lines() {
            out.line(&escape(line))?;
        }
    } else {
        out.bytes(&answer.content)?;
    }
    out.flush()?;
    let style = Style::stderr();
    let searched = format!("looked at the events up to #{}", answer.scanned_sequence);
    note(&match answer.event_count {
        0 => style.dim(&format!("nothing to export: {searched}")),
        1 => style.dim(&format!("1 event for {}; {searched}", escape(&answer.name))),
        events => style.dim(&format!("{events} events for {}; {searched}", escape(&answer.name))),
    });
    Ok(())
}

fn print_json(answer: &PreviewExportResponse) -> Result<(), CliError> {
    let mut out = Stdout::new();
    out.json(&json!({
        "name": answer.name,
        "event_count": answer.event_count,
        "scanned_sequence": answer.scanned_sequence,
        "content": String::from_utf8_lossy(&answer.content),
    }))?;
    Ok(out.flush()?)
}
