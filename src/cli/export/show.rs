//! `vidne export get`, `list`, `delete` and `files`.

use clap::Args;
use indicatif::HumanBytes;

use crate::codec::{
    job::format_from_proto,
    proto::v1::{
        ExportHealth, ExportJob, ListExportFilesRequest, NationalIdMode, SecretSource, destination,
        secret_source,
    },
};

use super::{
    super::{
        CliError,
        error::can_ask,
        output::{
            consent,
            escape::escape,
            json,
            stdout::{Stdout, note},
            style::Style,
            table,
        },
        page,
    },
    Common,
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
    let mut out = Stdout::new();
    if args.common.json {
        out.json(&json::job(&job))?;
    } else {
        for line in table::pairs(&describe(&job), Style::stdout()) {
            out.line(&line)?;
        }
    }
    Ok(out.flush()?)
}

/// Lists a tenant's jobs.
///
/// # Errors
///
/// If there is no such tenant.
pub async fn list(args: ListArgs) -> Result<(), CliError> {
    let client = args.common.server.client()?;
    let call = |token: String| {
        let (client, tenant) = (client.clone(), args.common.tenant.clone());
        async move { client.list_export_jobs(&tenant, &token).await }
    };
    let jobs = page::all(usize::MAX, call).await?;
    let mut out = Stdout::new();
    if args.common.json {
        for job in &jobs {
            out.json(&json::job(job))?;
        }
    } else {
        let header = ["JOB", "NAME", "FORMAT", "DESTINATION", "HEALTH", "PUBLISHED TO", "LAST RUN"];
        let mut table = table::new(&header, table::width(), Style::stdout());
        for job in &jobs {
            table::row(
                &mut table,
                [
                    job.job_id.clone(),
                    job.name.clone(),
                    format(job),
                    destination(job),
                    health(job),
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
            out.json(&json::file(file))?;
        }
    } else {
        let header = ["FILE", "NAME", "STATE", "FIRST", "LAST", "EVENTS", "SIZE", "PUBLISHED"];
        let mut table = table::new(&header, table::width(), Style::stdout());
        for file in &files {
            table::row(
                &mut table,
                [
                    file.file_number.to_string(),
                    file.name.clone(),
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

/// A job as name and value pairs.
pub fn describe(job: &ExportJob) -> Vec<(&'static str, String)> {
    let kind = job.destination.as_ref().and_then(|destination| destination.kind.as_ref());
    let host_keys = match kind {
        Some(destination::Kind::Sftp(sftp)) => sftp.host_keys.join(" "),
        _ => String::new(),
    };
    let filter = json::job(job).get("filter").map(ToString::to_string);
    vec![
        ("job", job.job_id.clone()),
        ("name", job.name.clone()),
        ("tenant", job.tenant_id.clone()),
        ("events", filter.unwrap_or_else(|| "all".to_owned())),
        ("format", format(job)),
        ("destination", destination(job)),
        ("host keys", host_keys),
        ("login by", kind.map(login).unwrap_or_default()),
        (
            "national id",
            if job.national_id() == NationalIdMode::Full { "in full" } else { "left out" }.to_owned(),
        ),
        ("health", health(job)),
        ("last error", job.last_error.clone()),
        ("last run", json::time(job.last_run_time.as_ref())),
        ("looked at up to", job.scanned_sequence.to_string()),
        ("published up to", job.published_sequence.to_string()),
        ("revision", job.revision.to_string()),
        ("created", json::time(job.created_time.as_ref())),
        ("changed", json::time(job.updated_time.as_ref())),
    ]
}

/// Which secrets there are, and where those are that are not kept.
fn login(kind: &destination::Kind) -> String {
    use destination::Kind;
    let secret = |name: &str, kept: bool, from: &Option<SecretSource>| {
        let source = from.as_ref().and_then(|from| from.kind.as_ref());
        match source {
            Some(secret_source::Kind::Env(variable)) => Some(format!("{name} in the server's {variable}")),
            Some(secret_source::Kind::File(file)) => Some(format!("{name} in the server's file {file}")),
            None => kept.then(|| name.to_owned()),
        }
    };
    let secrets = match kind {
        Kind::Sftp(sftp) => vec![
            secret("password", sftp.has_password, &sftp.password_from),
            secret("private key", sftp.has_private_key, &sftp.private_key_from),
            secret("passphrase", false, &sftp.private_key_passphrase_from),
        ],
        Kind::Fs(_) => Vec::new(),
        Kind::S3(s3) => vec![secret(&s3.access_key_id, s3.has_secret_access_key, &s3.secret_access_key_from)],
        Kind::Azblob(azblob) => {
            vec![secret(&azblob.account_name, azblob.has_account_key, &azblob.account_key_from)]
        }
        Kind::Gcs(gcs) => vec![secret("service account", gcs.has_credential, &gcs.credential_from)],
    };
    secrets.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

fn format(job: &ExportJob) -> String {
    // A newer server may know formats that this program does not.
    format_from_proto(job.format.clone(), "format")
        .map_or_else(|_| "?".to_owned(), |format| format.to_string())
}

fn destination(job: &ExportJob) -> String {
    match job.destination.as_ref().and_then(|destination| destination.kind.as_ref()) {
        Some(destination::Kind::Sftp(sftp)) => {
            format!("sftp://{}@{}/{}", sftp.user_name, sftp.address, sftp.directory)
        }
        Some(destination::Kind::Fs(fs)) => format!("fs:{}", fs.directory),
        Some(destination::Kind::S3(s3)) => {
            let at = if s3.endpoint.is_empty() { &s3.region } else { &s3.endpoint };
            format!("s3://{}/{} at {at}", s3.bucket, s3.directory)
        }
        Some(destination::Kind::Azblob(azblob)) => {
            format!("azblob://{}/{} at {}", azblob.container, azblob.directory, azblob.endpoint)
        }
        Some(destination::Kind::Gcs(gcs)) => format!("gcs://{}/{}", gcs.bucket, gcs.directory),
        None => "?".to_owned(),
    }
}

fn health(job: &ExportJob) -> String {
    match job.health() {
        ExportHealth::Unspecified => "not run yet",
        ExportHealth::Ok => "ok",
        ExportHealth::Failing => "failing",
    }
    .to_owned()
}
