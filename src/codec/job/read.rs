//! From the contract to the domain: strict, all violations at once.

use super::{
    delivery::{delivery_back, delivery_from_proto},
    destination,
    format::format_from_proto,
    heartbeat::{heartbeat_back, heartbeat_from_proto},
};
use crate::{
    codec::{error::DecodeError, filter::filter_from_proto, proto::v1},
    domain::{
        export::{Destination, DestinationSecrets, Format, JobSettings, NationalIdMode},
        id::{NAME_SHAPE, TenantId, is_name},
        validate::tenant_or_default,
        violation::Violations,
    },
};

const MAX_EVENTS_DEFAULT: u64 = 100_000;
const MAX_EVENTS: u64 = 10_000_000;
const MAX_BYTES_DEFAULT: u64 = 50_000_000;
const MAX_BYTES: u64 = 5_000_000_000;

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
    let path = format!("{path}.destination");
    destination::require_secret(&path, &settings.destination, &mut read.wrong);
    read.wrong.into_result((settings, secrets, tenant))
}

/// Reads a destination that is to be tested: as for a job, but it may be without secrets.
pub fn destination_from_proto(
    destination: v1::Destination,
    path: &str,
) -> Result<(Destination, DestinationSecrets), Violations> {
    let mut wrong = Violations::new();
    let result = destination::read(path, Some(destination), &mut wrong);
    wrong.into_result(result)
}

/// Reads what vidne itself wrote: unchecked, since the checks of today must not lock out yesterday's jobs.
pub(super) fn settings_back(job: v1::ExportJob) -> Result<JobSettings, DecodeError> {
    let format = job.format.ok_or(DecodeError::Missing("format"))?;
    let kind = job.destination.and_then(|d| d.kind).ok_or(DecodeError::Missing("destination"))?;
    let destination = destination::destination_back(kind);
    let limits = job.file_limits.ok_or(DecodeError::Missing("file_limits"))?;
    let mut delivery = delivery_back(job.schedule, job.naming, job.compression, job.start, job.manifest)?;
    delivery.heartbeat = heartbeat_back(job.heartbeat_interval)?;
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
            heartbeat_interval,
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
        let path = format!("{}.destination", self.path);
        let (destination, secrets) = destination::read(&path, destination, &mut self.wrong);
        let national_id = national_id_of(national_id).unwrap_or_else(|| {
            self.wrong("national_id", "not a value of this enumeration; give OMIT, HASH or FULL");
            NationalIdMode::Omit
        });
        let v1::FileLimits { max_events, max_bytes } = file_limits.unwrap_or_default();
        let max_events = self.limit("file_limits.max_events", max_events, MAX_EVENTS_DEFAULT, MAX_EVENTS);
        let max_bytes = self.limit("file_limits.max_bytes", max_bytes, MAX_BYTES_DEFAULT, MAX_BYTES);
        let mut delivery =
            delivery_from_proto(schedule, naming, compression, start, manifest, self.path, &mut self.wrong);
        delivery.heartbeat = heartbeat_from_proto(heartbeat_interval).unwrap_or_else(|why| {
            self.wrong("heartbeat_interval", why);
            None
        });
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
}
