//! Export jobs, their files and runs, as JSON. None of it holds a secret.

use serde_json::{Value as Json, json};

use super::{
    format::format,
    json::{filter, time, without_empty, word},
};
use crate::codec::{
    json::hex,
    proto::v1::{
        Compression, Destination, ExportFailure, ExportFile, ExportHealth, ExportJob, ExportManifest,
        ExportRun, ExportSchedule, ExportStart, NationalIdMode, SecretSource, destination, export_schedule,
        export_start, secret_source,
    },
};

/// An export job. It has no secrets.
pub fn job(job: &ExportJob) -> Json {
    let limits = job.file_limits.unwrap_or_default();
    let health = match job.health() {
        ExportHealth::Unspecified => "",
        health => word(health.as_str_name(), "EXPORT_HEALTH_"),
    };
    let compression = match job.compression() {
        Compression::Unspecified => Compression::None,
        compression => compression,
    };
    let national_id = match job.national_id() {
        NationalIdMode::Unspecified => NationalIdMode::Omit,
        mode => mode,
    };
    without_empty(json!({
        "job_id": job.job_id,
        "tenant_id": job.tenant_id,
        "name": job.name,
        "filter": job.filter.as_ref().map(filter),
        "format": job.format.as_ref().map(format),
        "destination": job.destination.as_ref().map(destination),
        "national_id": word(national_id.as_str_name(), "NATIONAL_ID_MODE_"),
        "file_limits": { "max_events": limits.max_events, "max_bytes": limits.max_bytes },
        "revision": job.revision,
        "scanned_sequence": job.scanned_sequence,
        "published_sequence": job.published_sequence,
        "health": health,
        "last_error": job.last_error,
        "created_time": time(job.created_time.as_ref()),
        "updated_time": time(job.updated_time.as_ref()),
        "last_run_time": time(job.last_run_time.as_ref()),
        "schedule": job.schedule.as_ref().map(schedule),
        "naming": job.naming.as_ref().map(|naming| json!({ "directory": naming.directory, "name": naming.name })),
        "compression": word(compression.as_str_name(), "COMPRESSION_"),
        "start": job.start.as_ref().map(start),
        "manifest": job.manifest.as_ref().map(manifest),
        "paused": job.paused,
        "reexport_of": job.reexport_of,
        "end_sequence": some(job.end_sequence),
        "head_sequence": job.head_sequence,
        "waiting_since_time": time(job.waiting_since_time.as_ref()),
        "next_run_time": time(job.next_run_time.as_ref()),
        "last_success_time": time(job.last_success_time.as_ref()),
        "failing_since_time": time(job.failing_since_time.as_ref()),
        "failures": job.failures,
        "failure": failure(job.failure()),
        "declared": job.declared,
        "heartbeat_interval_seconds": job.heartbeat_interval.map(|interval| interval.seconds),
    }))
}

/// A file of a job.
pub fn file(file: &ExportFile) -> Json {
    without_empty(json!({
        "job_id": file.job_id,
        "file_number": file.file_number,
        "directory": file.directory,
        "name": file.name,
        "state": word(file.state().as_str_name(), "EXPORT_FILE_STATE_"),
        "first_sequence": file.first_sequence,
        "last_sequence": file.last_sequence,
        "event_count": file.event_count,
        "size_bytes": file.size_bytes,
        "sha256": hex(&file.sha256),
        "job_revision": file.job_revision,
        "created_time": time(file.created_time.as_ref()),
        "published_time": time(file.published_time.as_ref()),
        "first_recorded_time": time(file.first_recorded_time.as_ref()),
        "last_recorded_time": time(file.last_recorded_time.as_ref()),
        "manifest_published": file.manifest_published,
    }))
}

/// A run of a job.
pub fn run(run: &ExportRun) -> Json {
    without_empty(json!({
        "run_number": run.run_number,
        "trigger": word(run.trigger().as_str_name(), "EXPORT_TRIGGER_"),
        "state": word(run.state().as_str_name(), "EXPORT_RUN_STATE_"),
        "started_time": time(run.started_time.as_ref()),
        "ended_time": time(run.ended_time.as_ref()),
        "files": run.files,
        "events": run.events,
        "bytes": run.bytes,
        "failure": failure(run.failure()),
        "error": run.error,
    }))
}

/// The kind of trouble; empty if there is none.
pub fn failure(failure: ExportFailure) -> &'static str {
    match failure {
        ExportFailure::Unspecified => "",
        failure => word(failure.as_str_name(), "EXPORT_FAILURE_"),
    }
}

fn schedule(schedule: &ExportSchedule) -> Json {
    use export_schedule::Kind;
    let mut shown = match &schedule.kind {
        Some(Kind::Interval(interval)) => json!({ "interval_seconds": interval.seconds }),
        Some(Kind::Cron(cron)) => json!({ "cron": cron.expression, "time_zone": cron.time_zone }),
        Some(Kind::Manual(manual)) => json!({ "manual": manual }),
        None => json!({}),
    };
    for (name, waiting) in
        [("waiting_events", schedule.waiting_events), ("waiting_bytes", schedule.waiting_bytes)]
    {
        if waiting > 0 {
            shown[name] = waiting.into();
        }
    }
    shown
}

fn start(start: &ExportStart) -> Json {
    match &start.kind {
        Some(export_start::Kind::Now(_)) => json!({ "now": true }),
        Some(export_start::Kind::Time(at)) => json!({ "time": time(Some(at)) }),
        Some(export_start::Kind::Sequence(sequence)) => json!({ "sequence": sequence }),
        Some(export_start::Kind::Beginning(_)) | None => json!({ "beginning": true }),
    }
}

fn manifest(manifest: &ExportManifest) -> Json {
    if manifest.off { json!({ "off": true }) } else { json!({ "directory": manifest.directory }) }
}

fn some(number: u64) -> Json {
    if number == 0 { Json::Null } else { number.into() }
}

fn destination(destination: &Destination) -> Json {
    match &destination.kind {
        Some(destination::Kind::Sftp(sftp)) => {
            let mut shown = json!({
                "address": sftp.address,
                "user_name": sftp.user_name,
                "directory": sftp.directory,
                "host_keys": sftp.host_keys,
                "has_password": sftp.has_password,
                "has_private_key": sftp.has_private_key,
            });
            for (key, from) in [
                ("password_from", &sftp.password_from),
                ("private_key_from", &sftp.private_key_from),
                ("private_key_passphrase_from", &sftp.private_key_passphrase_from),
            ] {
                if from.is_some() {
                    shown[key] = source(from);
                }
            }
            if !sftp.file_mode.is_empty() {
                shown["file_mode"] = sftp.file_mode.clone().into();
            }
            json!({ "sftp": shown })
        }
        Some(destination::Kind::Fs(fs)) => json!({ "fs": without_empty(json!({
            "directory": fs.directory,
            "file_mode": fs.file_mode,
        })) }),
        Some(destination::Kind::S3(s3)) => json!({ "s3": without_empty(json!({
            "endpoint": s3.endpoint,
            "region": s3.region,
            "bucket": s3.bucket,
            "directory": s3.directory,
            "access_key_id": s3.access_key_id,
            "has_secret_access_key": s3.has_secret_access_key,
            "secret_access_key_from": source(&s3.secret_access_key_from),
            "virtual_host_style": s3.virtual_host_style,
        })) }),
        Some(destination::Kind::Azblob(azblob)) => json!({ "azblob": without_empty(json!({
            "endpoint": azblob.endpoint,
            "container": azblob.container,
            "directory": azblob.directory,
            "account_name": azblob.account_name,
            "has_account_key": azblob.has_account_key,
            "account_key_from": source(&azblob.account_key_from),
        })) }),
        Some(destination::Kind::Gcs(gcs)) => json!({ "gcs": without_empty(json!({
            "endpoint": gcs.endpoint,
            "bucket": gcs.bucket,
            "directory": gcs.directory,
            "has_credential": gcs.has_credential,
            "credential_from": source(&gcs.credential_from),
        })) }),
        None => Json::Null,
    }
}

/// Where the server finds a secret.
fn source(from: &Option<SecretSource>) -> Json {
    match from.as_ref().and_then(|from| from.kind.as_ref()) {
        Some(secret_source::Kind::Env(name)) => json!({ "env": name }),
        Some(secret_source::Kind::File(path)) => json!({ "file": path }),
        None => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::proto::v1::SftpDestination;

    #[test]
    fn a_job_never_shows_a_secret() {
        let sftp = SftpDestination {
            address: "drop".into(),
            password: "hunter2".into(),
            private_key: "hunter3".into(),
            private_key_passphrase: "hunter4".into(),
            has_password: true,
            ..SftpDestination::default()
        };
        let destination = Destination { kind: Some(destination::Kind::Sftp(sftp)) };
        let text = job(&ExportJob { destination: Some(destination), ..ExportJob::default() }).to_string();
        assert!(text.contains("has_password") && !text.contains("hunter"), "{text}");
    }
}
