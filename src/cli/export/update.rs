//! `vidne export update`.

use clap::Args;

use crate::codec::proto::v1::{Destination, ExportJob, destination::Kind};

use super::{
    super::{CliError, filter::FilterArgs},
    Common,
    destination::DestinationArgs,
    naming::NamingArgs,
    schedule::ScheduleArgs,
    settings::SettingsArgs,
    show,
};

/// How often `--retry` starts over.
const RETRIES: u32 = 10;

/// Arguments of `vidne export update`.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// The job's id or name.
    #[arg(value_name = "JOB")]
    job: String,
    /// A new name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Export all events, whatever the job's filter was.
    #[arg(long)]
    all_events: bool,
    /// If somebody else changes it at the same moment, read it again and try again.
    #[arg(long)]
    retry: bool,
    #[command(flatten)]
    destination: DestinationArgs,
    #[command(flatten)]
    schedule: ScheduleArgs,
    #[command(flatten)]
    naming: NamingArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    common: Common,
}

/// Runs `vidne export update`.
///
/// # Errors
///
/// If nothing is to be changed, or the server refuses.
pub async fn run(args: UpdateArgs) -> Result<(), CliError> {
    let given = args.given()?;
    let client = args.common.server.client()?;
    let mut left = if args.retry { RETRIES } else { 0 };
    let job = loop {
        let old = client.get_export_job(&args.common.tenant, &args.job).await?;
        let mut new = ExportJob {
            tenant_id: old.tenant_id,
            job_id: old.job_id,
            revision: old.revision,
            schedule: old.schedule,
            naming: old.naming,
            file_limits: old.file_limits,
            ..given.job.clone()
        };
        args.apply(&mut new)?;
        let paths = args.fit(&given, old.destination.as_ref(), &mut new);
        match client.update_export_job(new, paths).await {
            Err(error) if left > 0 && error.reason().as_deref() == Some("REVISION_MISMATCH") => left -= 1,
            answer => break answer?,
        }
    };
    show::print(&job, args.common.json)
}

/// What is given.
struct Given {
    /// The new values.
    job: ExportJob,
    /// The paths of those below `destination`.
    destination: Vec<&'static str>,
    /// The other paths.
    others: Vec<&'static str>,
}

impl UpdateArgs {
    /// Fits the new destination to the one that the job has. The paths of all that is given.
    fn fit(&self, given: &Given, old: Option<&Destination>, new: &mut ExportJob) -> Vec<String> {
        let is_folder = old.is_some_and(|old| matches!(old.kind, Some(Kind::Fs(_))));
        let folder = if is_folder { self.destination.folder_changes(&given.destination) } else { None };
        let below = match folder {
            Some((folder, paths)) => {
                new.destination = Some(folder);
                paths
            }
            None => given.destination.clone(),
        };
        given.others.iter().copied().chain(below).map(str::to_owned).collect()
    }

    /// Puts what is given into those fields of a job that are made of several flags, so that the others of them keep
    /// their values. The paths of what is given.
    fn apply(&self, job: &mut ExportJob) -> Result<Vec<&'static str>, CliError> {
        let mut paths = self.naming.apply(job)?;
        if self.schedule.apply(&mut job.schedule)? {
            paths.push("schedule");
        }
        if self.schedule.beat(job) {
            paths.push("heartbeat_interval");
        }
        if self.settings.limit(&mut job.file_limits) {
            paths.push("file_limits");
        }
        Ok(paths)
    }

    /// The new values and their paths.
    fn given(&self) -> Result<Given, CliError> {
        if self.destination.accept_host_key.is_some() {
            return Err(CliError::Usage(
                "a key is pinned by --host-key here, or by `vidne export test JOB --accept-host-key`"
                    .to_owned(),
            ));
        }
        let filter = self.filter.filter();
        if self.all_events && filter.is_some() {
            return Err(CliError::Usage("--all-events leaves no room for a filter".to_owned()));
        }
        let (destination, below) = self.destination.changes()?;
        let format = self.settings.format.format()?;
        let named = [
            (self.name.is_some(), "name"),
            (filter.is_some() || self.all_events, "filter"),
            (format.is_some(), "format"),
            (self.settings.national_id.is_some(), "national_id"),
        ];
        let mut others: Vec<_> =
            named.into_iter().filter_map(|(given, path)| given.then_some(path)).collect();
        let mut job = ExportJob::default();
        others.extend(self.apply(&mut job)?);
        if others.is_empty() && below.is_empty() {
            return Err(CliError::Usage("nothing is to be changed".to_owned()));
        }
        let job = ExportJob {
            name: self.name.clone().unwrap_or_default(),
            filter,
            format,
            destination,
            national_id: self.settings.national_id(),
            ..job
        };
        Ok(Given { job, destination: below, others })
    }
}
