//! From the domain to the contract. Secrets never come this way.

use super::{delivery::delivery_to_proto, destination::destination_to_proto, format::format_to_proto};
use crate::{
    codec::{filter::filter_to_proto, proto::v1, wire::timestamp},
    domain::export::{
        ExportFile, ExportJob, ExportRun, Failure, FileState, Health, JobSettings, Lag, ManifestState,
        NationalIdMode, RunState, Standing, Trigger,
    },
};

/// A job as it is returned, without its secrets.
pub fn job_to_proto(job: &ExportJob, lag: &Lag) -> v1::ExportJob {
    let Standing {
        paused,
        declared,
        reexport,
        next_run,
        last_success,
        failing_since,
        failures,
        failure: trouble,
        silent_since: _,
    } = &job.standing;
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
        paused: *paused,
        reexport_of: reexport.as_ref().map(|again| again.of.clone()).unwrap_or_default(),
        end_sequence: reexport.as_ref().map(|again| again.end).unwrap_or_default(),
        head_sequence: lag.head_sequence,
        waiting_since_time: lag.waiting_since.map(timestamp),
        next_run_time: next_run.filter(|_| !paused).map(timestamp),
        last_success_time: last_success.map(timestamp),
        failing_since_time: failing_since.map(timestamp),
        failures: *failures,
        failure: failure(*trouble).into(),
        declared: *declared,
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
        directory: file.directory.clone(),
        first_recorded_time: file.first_recorded.map(timestamp),
        last_recorded_time: file.last_recorded.map(timestamp),
        manifest_published: file.manifest == ManifestState::Published,
    }
}

/// One run of a job.
pub fn run_to_proto(run: &ExportRun) -> v1::ExportRun {
    v1::ExportRun {
        run_number: run.number,
        trigger: trigger(run.trigger).into(),
        state: run_state(run.state).into(),
        started_time: Some(timestamp(run.started)),
        ended_time: Some(timestamp(run.ended)),
        files: run.files,
        events: run.events,
        bytes: run.bytes,
        failure: failure(run.failure).into(),
        error: run.error.clone(),
    }
}

fn trigger(trigger: Trigger) -> v1::ExportTrigger {
    match trigger {
        Trigger::Request => v1::ExportTrigger::Request,
        Trigger::Schedule => v1::ExportTrigger::Schedule,
        Trigger::Waiting => v1::ExportTrigger::Waiting,
        Trigger::Heartbeat => v1::ExportTrigger::Heartbeat,
    }
}

fn run_state(state: RunState) -> v1::ExportRunState {
    match state {
        RunState::Ok => v1::ExportRunState::Ok,
        RunState::Failed => v1::ExportRunState::Failed,
        RunState::Stopped => v1::ExportRunState::Stopped,
    }
}

fn failure(failure: Option<Failure>) -> v1::ExportFailure {
    match failure {
        None => v1::ExportFailure::Unspecified,
        Some(Failure::Login) => v1::ExportFailure::Login,
        Some(Failure::HostKey) => v1::ExportFailure::HostKey,
        Some(Failure::Destination) => v1::ExportFailure::Destination,
        Some(Failure::Unavailable) => v1::ExportFailure::Unavailable,
        Some(Failure::Internal) => v1::ExportFailure::Internal,
    }
}

pub(super) fn settings_to_proto(settings: &JobSettings) -> v1::ExportJob {
    let JobSettings { name, filter, format, destination, national_id, max_events, max_bytes, delivery } =
        settings;
    let mut job = v1::ExportJob {
        name: name.clone(),
        filter: Some(filter_to_proto(filter)),
        format: Some(format_to_proto(format)),
        destination: Some(destination_to_proto(destination)),
        national_id: national_id_to_proto(*national_id).into(),
        file_limits: Some(v1::FileLimits { max_events: Some(*max_events), max_bytes: Some(*max_bytes) }),
        ..v1::ExportJob::default()
    };
    delivery_to_proto(delivery, &mut job);
    job
}

fn national_id_to_proto(mode: NationalIdMode) -> v1::NationalIdMode {
    match mode {
        NationalIdMode::Omit => v1::NationalIdMode::Omit,
        NationalIdMode::Full => v1::NationalIdMode::Full,
        NationalIdMode::Hash => v1::NationalIdMode::Hash,
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
