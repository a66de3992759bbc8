//! What a preview is asked of.

use super::caller::tenant;
use crate::{
    codec::{
        job::job_from_proto,
        proto::v1::{self, preview_export_request::Target},
    },
    domain::{id::TenantId, violation::Violations},
    service::exports::PreviewTarget,
};

const EVENTS_DEFAULT: u32 = 10;
const EVENTS_MOST: u32 = 100;

/// The log, which job, and how many events.
pub fn read_preview(request: v1::PreviewExportRequest) -> Result<(TenantId, PreviewTarget, u32), Violations> {
    let v1::PreviewExportRequest { tenant_id, target, max_events } = request;
    let log = tenant(&tenant_id, "tenant_id")?;
    let max_events = if max_events == 0 { EVENTS_DEFAULT } else { max_events };
    if max_events > EVENTS_MOST {
        return Err(Violations::one("max_events", format!("{max_events}; at most {EVENTS_MOST}")));
    }
    let target = match target {
        Some(Target::JobId(key)) if key.is_empty() => {
            return Err(Violations::one("job_id", "required; give the job's id or its name"));
        }
        Some(Target::JobId(key)) => PreviewTarget::Job(key),
        Some(Target::Job(job)) => PreviewTarget::Settings(Box::new(job_from_proto(nowhere(job), "job")?.0)),
        None => return Err(Violations::one("target", "give a job_id or a job")),
    };
    Ok((log, target, max_events))
}

/// Nothing is sent, so that a job needs neither name nor destination; secrets that it has are dropped here.
fn nowhere(mut job: v1::ExportJob) -> v1::ExportJob {
    if job.name.is_empty() {
        job.name = "preview".to_owned();
    }
    let kind = v1::destination::Kind::Fs(v1::FsDestination {
        directory: "preview".to_owned(),
        ..Default::default()
    });
    job.destination = Some(v1::Destination { kind: Some(kind) });
    job
}
