//! From the domain to the contract. Secrets never come this way.

use super::{destination::destination_to_proto, format::format_to_proto};
use crate::{
    codec::{filter::filter_to_proto, proto::v1, wire::timestamp},
    domain::export::{ExportFile, ExportJob, FileState, Health, JobSettings, NationalIdMode},
};

/// A job as it is returned, without its secrets.
pub fn job_to_proto(job: &ExportJob) -> v1::ExportJob {
    v1::ExportJob {
        job_id: job.id.clone(),
        tenant_id: job.tenant.to_string(),
        revision: job.revision,
        scanned_sequence: job.scanned_sequence,
        published_sequence: job.published_sequence,
        health: health(job.health).into(),
        last_error: job.last_error.clone(),
        created_time: Some(timestamp(job.created)),
        updated_time: Some(timestamp(job.updated)),
        last_run_time: job.last_run.map(timestamp),
        ..settings_to_proto(&job.settings)
    }
}

/// One file of a job.
pub fn file_to_proto(file: &ExportFile) -> v1::ExportFile {
    let uploaded = file.state != FileState::Cut;
    v1::ExportFile {
        job_id: file.job_id.clone(),
        file_number: file.number,
        name: file.name.clone(),
        state: state(file.state).into(),
        first_sequence: file.first_sequence,
        last_sequence: file.last_sequence,
        event_count: file.event_count,
        size_bytes: file.size_bytes,
        sha256: if uploaded { file.sha256.to_vec() } else { Vec::new() },
        job_revision: file.job_revision,
        created_time: Some(timestamp(file.created)),
        published_time: file.published.map(timestamp),
    }
}

pub(super) fn settings_to_proto(settings: &JobSettings) -> v1::ExportJob {
    let JobSettings { name, filter, format, destination, national_id, max_events, max_bytes } = settings;
    v1::ExportJob {
        name: name.clone(),
        filter: Some(filter_to_proto(filter)),
        format: Some(format_to_proto(format)),
        destination: Some(destination_to_proto(destination)),
        national_id: national_id_to_proto(*national_id).into(),
        file_limits: Some(v1::FileLimits { max_events: Some(*max_events), max_bytes: Some(*max_bytes) }),
        ..v1::ExportJob::default()
    }
}

fn national_id_to_proto(mode: NationalIdMode) -> v1::NationalIdMode {
    match mode {
        NationalIdMode::Omit => v1::NationalIdMode::Omit,
        NationalIdMode::Full => v1::NationalIdMode::Full,
    }
}

fn health(health: Health) -> v1::ExportHealth {
    match health {
        Health::Unknown => v1::ExportHealth::Unspecified,
        Health::Ok => v1::ExportHealth::Ok,
        Health::Failing => v1::ExportHealth::Failing,
    }
}

fn state(state: FileState) -> v1::ExportFileState {
    match state {
        FileState::Cut => v1::ExportFileState::Cut,
        FileState::Uploaded => v1::ExportFileState::Uploaded,
        FileState::Published => v1::ExportFileState::Published,
    }
}
