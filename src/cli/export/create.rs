//! `vidne export create`: test, pin, create, in one command.

use clap::Args;

use crate::codec::proto::v1::{
    Destination, ExportFormat, ExportJob, JsonLinesFormat, TestDestinationResponse, destination,
    export_format, test_destination_request::Target,
};

use super::{
    super::{
        CliError,
        filter::FilterArgs,
        output::{
            escape::escape,
            json,
            stdout::{Stdout, note},
            style::Style,
            table,
        },
    },
    Common,
    destination::DestinationArgs,
    run::follow,
    settings::SettingsArgs,
    show,
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
    #[command(flatten)]
    destination: DestinationArgs,
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
    let client = args.common.server.client()?;
    let format = args.settings.format.format()?;
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
    let json_lines = ExportFormat { kind: Some(export_format::Kind::JsonLines(JsonLinesFormat {})) };
    let job = ExportJob {
        tenant_id: args.common.tenant.clone(),
        name: args.name,
        filter: args.filter.filter(),
        format: Some(format.unwrap_or(json_lines)),
        destination: Some(destination),
        national_id: args.settings.national_id(),
        file_limits: args.settings.file_limits(),
        ..ExportJob::default()
    };
    let job = client.create_export_job(job).await?;
    let mut out = Stdout::new();
    if args.common.json {
        out.json(&json::job(&job))?;
    } else {
        for line in table::pairs(&show::describe(&job), Style::stdout()) {
            out.line(&line)?;
        }
    }
    out.flush()?;
    if args.run {
        return follow(&client, &job.tenant_id, &job.job_id, args.common.json).await;
    }
    if !args.common.json {
        note(
            &Style::stderr()
                .dim(&format!("created; `vidne export run {}` exports what there is", escape(&job.name))),
        );
    }
    Ok(())
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
