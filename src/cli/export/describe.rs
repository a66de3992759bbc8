//! A job in words.

use crate::codec::{
    job::format_from_proto,
    proto::v1::{
        Compression, ExportFailure, ExportJob, NationalIdMode, SecretSource, destination, secret_source,
    },
};

use super::{
    super::output::{job, json},
    schedule, start, status,
};

/// A job as name and value pairs.
pub fn describe(job: &ExportJob) -> Vec<(&'static str, String)> {
    let kind = job.destination.as_ref().and_then(|destination| destination.kind.as_ref());
    let host_keys = match kind {
        Some(destination::Kind::Sftp(sftp)) => sftp.host_keys.join(" "),
        _ => String::new(),
    };
    let file_mode = match kind {
        Some(destination::Kind::Sftp(sftp)) => sftp.file_mode.clone(),
        Some(destination::Kind::Fs(fs)) => fs.file_mode.clone(),
        _ => String::new(),
    };
    let filter = job::job(job).get("filter").map(ToString::to_string);
    vec![
        ("job", job.job_id.clone()),
        ("name", job.name.clone()),
        ("tenant", job.tenant_id.clone()),
        ("events", filter.unwrap_or_else(|| "all".to_owned())),
        ("format", format(job)),
        ("destination", destination(job)),
        ("host keys", host_keys),
        ("file mode", file_mode),
        ("login by", kind.map(login).unwrap_or_default()),
        ("national id", national_id(job).to_owned()),
        ("schedule", schedule::describe(job.schedule.as_ref())),
        ("heartbeat", schedule::describe_heartbeat(job)),
        ("begins with", start::describe(job.start.as_ref())),
        ("files", naming(job)),
        ("manifests", manifests(job)),
        ("again of", job.reexport_of.clone()),
        ("ends at", if job.end_sequence == 0 { String::new() } else { job.end_sequence.to_string() }),
        ("state", state(job)),
        ("last error", job.last_error.clone()),
        ("failing since", json::time(job.failing_since_time.as_ref())),
        ("last run", json::time(job.last_run_time.as_ref())),
        ("last success", json::time(job.last_success_time.as_ref())),
        ("next run", if job.paused { String::new() } else { json::time(job.next_run_time.as_ref()) }),
        ("looked at up to", job.scanned_sequence.to_string()),
        ("published up to", job.published_sequence.to_string()),
        ("waiting", format!("{} events", status::lag_events(job))),
        ("waiting since", json::time(job.waiting_since_time.as_ref())),
        ("revision", job.revision.to_string()),
        ("created", json::time(job.created_time.as_ref())),
        ("changed", json::time(job.updated_time.as_ref())),
        ("declared", if job.declared { "in the server's configuration".to_owned() } else { String::new() }),
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

/// The format with its options.
pub fn format(job: &ExportJob) -> String {
    // A newer server may know formats that this program does not.
    format_from_proto(job.format.clone(), "format")
        .map_or_else(|_| "?".to_owned(), |format| format.to_string())
}

/// Where files go.
pub fn destination(job: &ExportJob) -> String {
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

fn national_id(job: &ExportJob) -> &'static str {
    match job.national_id() {
        NationalIdMode::Unspecified | NationalIdMode::Omit => "left out",
        NationalIdMode::Hash => "hashed",
        NationalIdMode::Full => "in full",
    }
}

fn naming(job: &ExportJob) -> String {
    let naming = job.naming.clone().unwrap_or_default();
    let folder = if naming.directory.is_empty() { "" } else { "/" };
    let ending = if job.compression() == Compression::Gzip { ", packed with gzip" } else { "" };
    format!("{}{folder}{}{ending}", naming.directory, naming.name)
}

fn manifests(job: &ExportJob) -> String {
    match &job.manifest {
        Some(manifest) if manifest.off => "none".to_owned(),
        Some(manifest) => format!("in {}", manifest.directory),
        None => String::new(),
    }
}

fn state(job: &ExportJob) -> String {
    let failures = match job.failures {
        0 => String::new(),
        1 => ", 1 failure".to_owned(),
        failures => format!(", {failures} failures in a row"),
    };
    let trouble = match job.failure() {
        ExportFailure::Login | ExportFailure::HostKey | ExportFailure::Destination => ", needs a person",
        ExportFailure::Unspecified | ExportFailure::Unavailable | ExportFailure::Internal => "",
    };
    format!("{}{failures}{trouble}", status::state(job))
}
