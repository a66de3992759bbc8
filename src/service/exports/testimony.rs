//! What vidne's own events say about export jobs. Never a secret, never a value of a filter: it may be a
//! national id.

use std::time::Duration;

use crate::{
    domain::{
        event::{Change, Outcome, Target, TargetRole, TargetType},
        export::{
            AzblobDestination, Compression, Delivery, Destination, DestinationSecrets, ExportJob, FileMode,
            GcsDestination, JobSettings, NationalIdMode, ReExport, S3Destination, SecretSource,
            SftpDestination,
        },
        schedule,
    },
    service::witness::Testimony,
};

pub(super) fn created(id: &str, settings: &JobSettings, caller: &str) -> Testimony {
    let name = &settings.name;
    Testimony {
        changes: changes(None, settings),
        ..about(id, name, format!("Export job {name} created"), caller)
    }
}

pub(super) fn updated(
    job: &ExportJob,
    settings: &JobSettings,
    old_secrets: &DestinationSecrets,
    secrets: &DestinationSecrets,
    declared: bool,
    caller: &str,
) -> Testimony {
    let mut changes = changes(Some(&job.settings), settings);
    if job.standing.declared != declared {
        let (old_value, new_value) = (job.standing.declared.to_string(), declared.to_string());
        changes.push(Change { field: "declared".to_owned(), old_value, new_value });
    }
    let store_key = match settings.destination {
        Destination::S3(_) => "s3.secret_access_key",
        Destination::Azblob(_) => "azblob.account_key",
        Destination::Gcs(_) => "gcs.credential",
        Destination::Sftp(_) | Destination::Fs { .. } => "",
    };
    for (field, old, new) in [
        ("sftp.password", &old_secrets.password, &secrets.password),
        ("sftp.private_key", &old_secrets.private_key, &secrets.private_key),
        ("sftp.private_key_passphrase", &old_secrets.private_key_passphrase, &secrets.private_key_passphrase),
        (store_key, &old_secrets.store_key, &secrets.store_key),
    ] {
        if old != new && !field.is_empty() {
            let field = format!("destination.{field}");
            changes.push(Change { field, ..Change::default() });
        }
    }
    let fields: Vec<&str> = changes.iter().map(|change| change.field.as_str()).collect();
    let name = &settings.name;
    let description = format!("Export job {name} changed: {}", fields.join(", "));
    Testimony { changes, ..about(&job.id, name, description, caller) }
}

pub(super) fn deleted(job: &ExportJob, caller: &str) -> Testimony {
    let name = &job.settings.name;
    about(&job.id, name, format!("Export job {name} deleted"), caller)
}

pub(super) fn host_key_accepted(job: &ExportJob, fingerprint: &str, caller: &str) -> Testimony {
    let name = &job.settings.name;
    let field = "destination.sftp.host_keys".to_owned();
    let change = Change { field, new_value: fingerprint.to_owned(), ..Change::default() };
    let description = format!("Host key {fingerprint} accepted for export job {name}");
    Testimony { changes: vec![change], ..about(&job.id, name, description, caller) }
}

pub(super) fn failed(job: &ExportJob, why: &str) -> Testimony {
    let name = &job.settings.name;
    let description = format!("Export job {name} failed: {why}");
    Testimony { outcome: Outcome::Failure, ..about(&job.id, name, description, "") }
}

pub(super) fn host_key_changed(job: &ExportJob, fingerprint: &str) -> Testimony {
    let name = &job.settings.name;
    let field = "destination.sftp.host_keys".to_owned();
    let change = Change { field, new_value: fingerprint.to_owned(), ..Change::default() };
    let description =
        format!("The server of export job {name} presented the host key {fingerprint}, which is not pinned");
    Testimony { changes: vec![change], outcome: Outcome::Failure, ..about(&job.id, name, description, "") }
}

pub(super) fn paused(job: &ExportJob, caller: &str) -> Testimony {
    let name = &job.settings.name;
    about(&job.id, name, format!("Export job {name} paused"), caller)
}

pub(super) fn resumed(job: &ExportJob, caller: &str) -> Testimony {
    let name = &job.settings.name;
    about(&job.id, name, format!("Export job {name} resumed"), caller)
}

pub(super) fn reexported(
    job: &ExportJob,
    again: &ReExport,
    id: &str,
    name: &str,
    first: u64,
    caller: &str,
) -> Testimony {
    let description = format!(
        "Export job {name} created: exports positions {first} to {} of {} once more",
        again.end, job.settings.name
    );
    Testimony { changes: changes(None, &job.settings), ..about(id, name, description, caller) }
}

pub(super) fn heartbeat(job: &ExportJob, interval: Duration, last: u64) -> Testimony {
    let name = &job.settings.name;
    let interval = schedule::in_words(interval);
    about(&job.id, name, format!("Export job {name}: no events for {interval}; last sequence {last}"), "")
}

pub(super) fn recovered(job: &ExportJob) -> Testimony {
    let name = &job.settings.name;
    about(&job.id, name, format!("Export job {name} works again"), "")
}

fn about(id: &str, name: &str, description: String, caller: &str) -> Testimony {
    let target = Target {
        role: TargetRole::Object,
        target_type: TargetType::ExportJob,
        id: id.to_owned(),
        name: name.to_owned(),
        ..Target::default()
    };
    Testimony { targets: vec![target], description, recorded_by: caller.to_owned(), ..Testimony::default() }
}

/// The fields that differ, in words; all of them for a new job.
fn changes(old: Option<&JobSettings>, new: &JobSettings) -> Vec<Change> {
    let before = old.map(in_words).unwrap_or_default();
    let after = in_words(new);
    let value_of = |list: &[(&'static str, String)], field: &str| {
        list.iter().find(|(name, _)| *name == field).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut fields: Vec<&'static str> = after.iter().chain(&before).map(|(field, _)| *field).collect();
    fields.sort_unstable();
    fields.dedup();
    let mut changes: Vec<Change> = fields
        .into_iter()
        .map(|field| Change {
            field: field.to_owned(),
            old_value: value_of(&before, field),
            new_value: value_of(&after, field),
        })
        .filter(|change| change.old_value != change.new_value)
        .collect();
    if old.is_some_and(|old| old.filter != new.filter) {
        changes.push(Change { field: "filter".to_owned(), ..Change::default() });
    }
    changes
}

fn in_words(settings: &JobSettings) -> Vec<(&'static str, String)> {
    // Exhaustive on purpose: a new setting must be told of.
    let JobSettings {
        name,
        filter: _,
        format,
        destination,
        national_id,
        max_events,
        max_bytes,
        delivery: Delivery { schedule, naming, compression, manifest, start: _, heartbeat },
    } = settings;
    let compression = match compression {
        Compression::None => "NONE",
        Compression::Gzip => "GZIP",
    };
    let mut words = vec![
        ("schedule", schedule.to_string()),
        ("naming.directory", naming.directory_template().to_owned()),
        ("naming.name", naming.name_template().to_owned()),
        ("compression", compression.to_owned()),
        ("manifest", manifest.directory().unwrap_or("off").to_owned()),
        ("heartbeat_interval", heartbeat.map_or_else(|| "off".to_owned(), schedule::in_words)),
        ("name", name.clone()),
        ("format", format.to_string()),
        ("national_id", national_id_in_words(*national_id).to_owned()),
        ("file_limits.max_events", max_events.to_string()),
        ("file_limits.max_bytes", max_bytes.to_string()),
    ];
    words.extend(place_in_words(destination));
    words
}

/// Exhaustive on purpose too. What is found elsewhere is told of by where.
fn place_in_words(destination: &Destination) -> Vec<(&'static str, String)> {
    match destination.clone() {
        Destination::Sftp(SftpDestination {
            address,
            user_name,
            directory,
            host_keys,
            has_password: _,
            has_private_key: _,
            password_from,
            private_key_from,
            private_key_passphrase_from,
            file_mode,
        }) => vec![
            ("destination.sftp.address", address),
            ("destination.sftp.user_name", user_name),
            ("destination.sftp.directory", directory),
            ("destination.sftp.host_keys", host_keys.join("; ")),
            ("destination.sftp.password_from", source(password_from)),
            ("destination.sftp.private_key_from", source(private_key_from)),
            ("destination.sftp.private_key_passphrase_from", source(private_key_passphrase_from)),
            ("destination.sftp.file_mode", mode(file_mode)),
        ],
        Destination::Fs { directory, file_mode } => {
            vec![("destination.fs.directory", directory), ("destination.fs.file_mode", mode(file_mode))]
        }
        Destination::S3(S3Destination {
            endpoint,
            region,
            bucket,
            directory,
            access_key_id,
            has_secret_access_key: _,
            secret_access_key_from,
            virtual_host_style,
        }) => vec![
            ("destination.s3.endpoint", endpoint),
            ("destination.s3.region", region),
            ("destination.s3.bucket", bucket),
            ("destination.s3.directory", directory),
            ("destination.s3.access_key_id", access_key_id),
            ("destination.s3.secret_access_key_from", source(secret_access_key_from)),
            ("destination.s3.virtual_host_style", virtual_host_style.to_string()),
        ],
        Destination::Azblob(AzblobDestination {
            endpoint,
            container,
            directory,
            account_name,
            has_account_key: _,
            account_key_from,
        }) => vec![
            ("destination.azblob.endpoint", endpoint),
            ("destination.azblob.container", container),
            ("destination.azblob.directory", directory),
            ("destination.azblob.account_name", account_name),
            ("destination.azblob.account_key_from", source(account_key_from)),
        ],
        Destination::Gcs(GcsDestination {
            endpoint,
            bucket,
            directory,
            has_credential: _,
            credential_from,
        }) => vec![
            ("destination.gcs.endpoint", endpoint),
            ("destination.gcs.bucket", bucket),
            ("destination.gcs.directory", directory),
            ("destination.gcs.credential_from", source(credential_from)),
        ],
    }
}

fn mode(mode: Option<FileMode>) -> String {
    mode.map(|mode| mode.to_string()).unwrap_or_default()
}

fn source(source: Option<SecretSource>) -> String {
    match source {
        None => String::new(),
        Some(SecretSource::Env(name)) => format!("environment variable {name}"),
        Some(SecretSource::File(path)) => format!("file {path}"),
    }
}

fn national_id_in_words(mode: NationalIdMode) -> &'static str {
    match mode {
        NationalIdMode::Omit => "OMIT",
        NationalIdMode::Full => "FULL",
        NationalIdMode::Hash => "HASH",
    }
}
