//! From the contract to the domain: strict, all violations at once.

use super::{
    delivery::{delivery_back, delivery_from_proto},
    format::format_from_proto,
    secrets::take_secrets,
};
use crate::{
    codec::{error::DecodeError, filter::filter_from_proto, proto::v1},
    domain::{
        export::{Destination, DestinationSecrets, Format, JobSettings, NationalIdMode, SftpDestination},
        id::{NAME_SHAPE, TenantId, is_name},
        validate::tenant_or_default,
        violation::Violations,
    },
    export::sftp::{Address, AddressError, HostKeyPin},
};

const MAX_EVENTS_DEFAULT: u64 = 100_000;
const MAX_EVENTS: u64 = 10_000_000;
const MAX_BYTES_DEFAULT: u64 = 50_000_000;
const MAX_BYTES: u64 = 5_000_000_000;
const DIRECTORY_BYTES: usize = 1_024;
const USER_NAME_BYTES: usize = 512;
const HOST_KEYS: usize = 16;
const HOST_KEY_BYTES: usize = 8 * 1024;
const SECRET_BYTES: usize = 32 * 1024;

/// Reads a job as a client sends it; output fields are ignored. `path` is its own path in the request, such
/// as `job`. All violations are reported at once.
pub fn job_from_proto(
    job: v1::ExportJob,
    path: &str,
) -> Result<(JobSettings, DestinationSecrets, TenantId), Violations> {
    let mut read = Read { path, wrong: Violations::new() };
    let tenant = tenant_or_default(&job.tenant_id).unwrap_or_else(|| {
        read.wrong("tenant_id", format!("not a tenant id; give {NAME_SHAPE}"));
        TenantId::default_tenant()
    });
    let (settings, secrets) = read.job(job);
    if let Destination::Sftp(sftp) = &settings.destination
        && !sftp.has_password
        && !sftp.has_private_key
    {
        read.wrong("destination.sftp.password", "missing; give a password, a private_key or both");
    }
    read.wrong.into_result((settings, secrets, tenant))
}

/// Reads a destination that is to be tested: as for a job, but it may be without secrets.
pub fn destination_from_proto(
    destination: v1::Destination,
    path: &str,
) -> Result<(Destination, DestinationSecrets), Violations> {
    let mut read = Read { path, wrong: Violations::new() };
    let result = read.destination("", Some(destination));
    read.wrong.into_result(result)
}

/// Reads what vidne itself wrote: unchecked, since the checks of today must not lock out yesterday's jobs.
pub(super) fn settings_back(job: v1::ExportJob) -> Result<JobSettings, DecodeError> {
    let has = match job.destination.as_ref().and_then(|d| d.kind.as_ref()) {
        Some(v1::destination::Kind::Sftp(sftp)) => (sftp.has_password, sftp.has_private_key),
        _ => (false, false),
    };
    let format = job.format.ok_or(DecodeError::Missing("format"))?;
    let destination = match job.destination.and_then(|d| d.kind).ok_or(DecodeError::Missing("destination"))? {
        v1::destination::Kind::Sftp(sftp) => Destination::Sftp(SftpDestination {
            address: sftp.address,
            user_name: sftp.user_name,
            directory: sftp.directory,
            host_keys: sftp.host_keys,
            has_password: has.0,
            has_private_key: has.1,
        }),
        v1::destination::Kind::Fs(fs) => Destination::Fs { directory: fs.directory },
    };
    let limits = job.file_limits.ok_or(DecodeError::Missing("file_limits"))?;
    let delivery = delivery_back(job.schedule, job.naming, job.compression, job.start, job.manifest)?;
    Ok(JobSettings {
        name: job.name,
        filter: filter_from_proto(job.filter.unwrap_or_default(), "filter")
            .map_err(|_| DecodeError::OutOfRange("filter"))?,
        format: format_from_proto(Some(format), "format").map_err(|_| DecodeError::OutOfRange("format"))?,
        destination,
        national_id: national_id_of(job.national_id).ok_or(DecodeError::OutOfRange("national_id"))?,
        max_events: limits.max_events.ok_or(DecodeError::Missing("file_limits.max_events"))?,
        max_bytes: limits.max_bytes.ok_or(DecodeError::Missing("file_limits.max_bytes"))?,
        delivery,
    })
}

fn national_id_of(number: i32) -> Option<NationalIdMode> {
    match v1::NationalIdMode::try_from(number).ok()? {
        v1::NationalIdMode::Unspecified | v1::NationalIdMode::Omit => Some(NationalIdMode::Omit),
        v1::NationalIdMode::Full => Some(NationalIdMode::Full),
        v1::NationalIdMode::Hash => Some(NationalIdMode::Hash),
    }
}

/// What is wrong with an address, without repeating it: it may hold what belongs in another field.
fn address_wrong(error: &AddressError) -> String {
    let hint = match error {
        AddressError::NoHost => "there is no host",
        AddressError::BadHost { hint, .. } => hint,
        AddressError::BadPort { .. } => "the port is a number from 1 to 65535",
        AddressError::BadBracket { .. } => "a bracket is missing",
    };
    format!("not an address; give host, host:port or [2001:db8::1]:port: {hint}")
}

struct Read<'a> {
    path: &'a str,
    wrong: Violations,
}

impl Read<'_> {
    fn wrong(&mut self, field: &str, description: impl Into<String>) {
        let separator = if field.is_empty() { "" } else { "." };
        self.wrong.add(format!("{}{separator}{field}", self.path), description);
    }

    fn job(&mut self, job: v1::ExportJob) -> (JobSettings, DestinationSecrets) {
        // Exhaustive on purpose: a new field of the contract must be read here before anything compiles.
        let v1::ExportJob {
            job_id: _,
            tenant_id: _,
            name,
            filter,
            format,
            destination,
            national_id,
            file_limits,
            revision: _,
            scanned_sequence: _,
            published_sequence: _,
            health: _,
            last_error: _,
            created_time: _,
            updated_time: _,
            last_run_time: _,
            schedule,
            naming,
            compression,
            start,
            manifest,
            paused: _,
            reexport_of: _,
            end_sequence: _,
            head_sequence: _,
            waiting_since_time: _,
            next_run_time: _,
            last_success_time: _,
            failing_since_time: _,
            failures: _,
            failure: _,
            declared: _,
        } = job;
        if !is_name(&name) {
            self.wrong("name", format!("not a job name; give {NAME_SHAPE}"));
        }
        let filter = filter_from_proto(filter.unwrap_or_default(), &format!("{}.filter", self.path));
        let filter = filter.unwrap_or_else(|wrong| {
            wrong.iter().for_each(|v| self.wrong.add(&v.field, &v.description));
            Default::default()
        });
        let format = self.format(format);
        let (destination, secrets) = self.destination("destination", destination);
        let national_id = national_id_of(national_id).unwrap_or_else(|| {
            self.wrong("national_id", "not a value of this enumeration; give OMIT, HASH or FULL");
            NationalIdMode::Omit
        });
        let v1::FileLimits { max_events, max_bytes } = file_limits.unwrap_or_default();
        let max_events = self.limit("file_limits.max_events", max_events, MAX_EVENTS_DEFAULT, MAX_EVENTS);
        let max_bytes = self.limit("file_limits.max_bytes", max_bytes, MAX_BYTES_DEFAULT, MAX_BYTES);
        let delivery =
            delivery_from_proto(schedule, naming, compression, start, manifest, self.path, &mut self.wrong);
        let settings =
            JobSettings { name, filter, format, destination, national_id, max_events, max_bytes, delivery };
        (settings, secrets)
    }

    fn limit(&mut self, field: &str, value: Option<u64>, default: u64, most: u64) -> u64 {
        let value = value.unwrap_or(default);
        if !(1..=most).contains(&value) {
            self.wrong(field, format!("out of range; give 1 to {most}, or nothing for {default}"));
        }
        value
    }

    fn format(&mut self, format: Option<v1::ExportFormat>) -> Format {
        format_from_proto(format, &format!("{}.format", self.path)).unwrap_or_else(|wrong| {
            wrong.iter().for_each(|v| self.wrong.add(&v.field, &v.description));
            Format::JsonLines
        })
    }

    fn destination(
        &mut self,
        field: &str,
        destination: Option<v1::Destination>,
    ) -> (Destination, DestinationSecrets) {
        let below = |name: &str| if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") };
        match destination.and_then(|destination| destination.kind) {
            Some(v1::destination::Kind::Sftp(sftp)) => self.sftp(&below("sftp"), sftp),
            Some(v1::destination::Kind::Fs(v1::FsDestination { directory })) => {
                self.fs_directory(&below("fs.directory"), &directory);
                (Destination::Fs { directory }, DestinationSecrets::default())
            }
            None => {
                self.wrong(field, "missing; give sftp or fs");
                (Destination::Fs { directory: String::new() }, DestinationSecrets::default())
            }
        }
    }

    fn sftp(&mut self, field: &str, mut sftp: v1::SftpDestination) -> (Destination, DestinationSecrets) {
        let secrets = take_secrets(&mut sftp);
        let v1::SftpDestination {
            address,
            user_name,
            directory,
            host_keys,
            password: _,
            private_key: _,
            private_key_passphrase: _,
            has_password: _,
            has_private_key: _,
        } = sftp;
        let at = |name: &str| format!("{field}.{name}");
        if let Err(error) = address.parse::<Address>() {
            self.wrong(&at("address"), address_wrong(&error));
        }
        self.line(&at("user_name"), &user_name, USER_NAME_BYTES);
        if user_name.is_empty() {
            self.wrong(&at("user_name"), "missing; give the name to log in with");
        }
        self.line(&at("directory"), &directory, DIRECTORY_BYTES);
        if host_keys.len() > HOST_KEYS {
            self.wrong(&at("host_keys"), format!("{} keys; at most {HOST_KEYS}", host_keys.len()));
        }
        for (i, key) in host_keys.iter().enumerate().take(HOST_KEYS) {
            let field = at(&format!("host_keys[{i}]"));
            self.line(&field, key, HOST_KEY_BYTES);
            if let Err(error) = key.parse::<HostKeyPin>() {
                self.wrong(&field, error.to_string());
            }
        }
        let DestinationSecrets { password, private_key, private_key_passphrase } = &secrets;
        let all = [
            ("password", password),
            ("private_key", private_key),
            ("private_key_passphrase", private_key_passphrase),
        ];
        for (name, secret) in all {
            if secret.as_ref().is_some_and(|secret| secret.expose().len() > SECRET_BYTES) {
                self.wrong(&at(name), format!("longer than {SECRET_BYTES} bytes"));
            }
        }
        let destination = SftpDestination {
            address,
            user_name,
            directory,
            host_keys,
            has_password: password.is_some(),
            has_private_key: private_key.is_some(),
        };
        (Destination::Sftp(destination), secrets)
    }

    fn line(&mut self, field: &str, text: &str, limit: usize) {
        if text.len() > limit {
            self.wrong(field, format!("{} bytes; at most {limit}", text.len()));
        }
        if text.contains(char::is_control) {
            self.wrong(field, "contains a control character; give one line of printable text");
        }
    }

    fn fs_directory(&mut self, field: &str, directory: &str) {
        self.line(field, directory, DIRECTORY_BYTES);
        if directory.is_empty() || directory.split('/').any(|part| matches!(part, "" | "." | "..")) {
            let message = "not a folder below the server's export.directory; give one such as siem/xflow, \
                           without a leading slash and without . or ..";
            self.wrong(field, message);
        }
    }
}
