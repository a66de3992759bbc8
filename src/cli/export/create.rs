//! `vidne export create`: test, pin, create, in one command.

use clap::Args;

use crate::codec::proto::v1::{
    Destination, ExportJob, ExportStart, TestDestinationResponse, destination,
    test_destination_request::Target,
};

use super::{
    super::{
        CliError,
        filter::FilterArgs,
        output::{escape::escape, stdout::note, style::Style},
    },
    Common,
    destination::DestinationArgs,
    naming::NamingArgs,
    run::follow,
    schedule::ScheduleArgs,
    settings::{SettingsArgs, json_lines},
    show,
    start::start,
    test::{Test, describe, failure},
};

/// Arguments of `vidne export create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// A name for people, unique among the tenant's jobs: 1 to 63 of a-z, 0-9, _ and -.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Create it although the destination does not work (yet). Its host key must be given by --host-key then, or pinned
    /// later by `vidne export test`.
    #[arg(long)]
    untested: bool,
    /// Run it at once.
    #[arg(long)]
    run: bool,
    /// It does not run by itself until `vidne export resume`.
    #[arg(long, conflicts_with = "run")]
    paused: bool,
    /// With which event it begins: beginning, now, a time such as 2026-11-22T09:30:00Z (the first event recorded then or
    /// later), or a position such as 4711. Default: beginning.
    #[arg(long, value_name = "WHERE", value_parser = start)]
    start: Option<ExportStart>,
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

/// Runs `vidne export create`.
///
/// # Errors
///
/// If the destination does not work, or the server refuses.
pub async fn run(args: CreateArgs) -> Result<(), CliError> {
    // What is wrong with the flags is said before anybody is asked or called.
    let mut job = args.job()?;
    let client = args.common.server.client()?;
    let mut destination = args.destination.destination()?;
    if args.untested {
        pin(&mut destination, args.destination.accept_host_key.as_deref());
    } else {
        let pinned = !args.destination.host_keys.is_empty();
        let test = Test { client: &client, tenant: &args.common.tenant, pinned, quiet: args.common.json };
        let target = Target::Destination(destination.clone());
        let answer = test.with_consent(target, args.destination.accept_host_key.as_deref()).await?;
        if !answer.ok {
            return Err(not_created(&answer));
        }
        if !pinned {
            pin(&mut destination, answer.host_key.as_ref().map(|key| key.fingerprint.as_str()));
        }
    }
    job.destination = Some(destination);
    let job = client.create_export_job(job).await?;
    show::print(&job, args.common.json)?;
    if args.run {
        return follow(&client, &job.tenant_id, &job.job_id, args.common.json, None).await;
    }
    if !args.common.json {
        let name = escape(&job.name);
        note(&Style::stderr().dim(&match job.paused {
            true => format!("created; `vidne export resume {name}` lets it run by itself"),
            false => format!("created; `vidne export run {name}` exports what there is now"),
        }));
    }
    Ok(())
}

impl CreateArgs {
    /// The job without its destination.
    fn job(&self) -> Result<ExportJob, CliError> {
        let mut job = ExportJob {
            tenant_id: self.common.tenant.clone(),
            name: self.name.clone(),
            filter: self.filter.filter(),
            format: Some(self.settings.format.format()?.unwrap_or_else(json_lines)),
            national_id: self.settings.national_id(),
            start: self.start,
            paused: self.paused,
            ..ExportJob::default()
        };
        self.settings.limit(&mut job.file_limits);
        self.schedule.apply(&mut job.schedule)?;
        self.schedule.beat(&mut job);
        self.naming.apply(&mut job)?;
        Ok(job)
    }
}

/// Trusts exactly the key that was agreed to.
fn pin(destination: &mut Destination, fingerprint: Option<&str>) {
    if let (Some(destination::Kind::Sftp(sftp)), Some(fingerprint)) = (&mut destination.kind, fingerprint)
        && !sftp.host_keys.iter().any(|key| key == fingerprint)
    {
        sftp.host_keys.push(fingerprint.to_owned());
    }
}

fn not_created(answer: &TestDestinationResponse) -> CliError {
    for line in describe(answer, Style::stderr()) {
        note(&line);
    }
    CliError::failed_hint(
        format!("{}; no job was created", failure(answer)),
        "put it right and try again, or create the job all the same with --untested",
    )
}
