//! A run of an export job, told to the client.

use tokio::sync::mpsc;
use tonic::Status;

use super::status::status;
use crate::{
    codec::{
        job::file_to_proto,
        proto::v1::{self, run_export_job_response::Kind},
    },
    service::{ServiceError, exports::RunEvent},
};

/// Passes the steps of a run on until it is over or the client has gone away; the run goes on anyway.
pub async fn follow_run(
    mut steps: mpsc::Receiver<Result<RunEvent, ServiceError>>,
    client: mpsc::Sender<Result<v1::RunExportJobResponse, Status>>,
) {
    while let Some(step) = steps.recv().await {
        if client.send(step.map(response).map_err(status)).await.is_err() {
            return;
        }
    }
}

fn response(step: RunEvent) -> v1::RunExportJobResponse {
    let kind = match step {
        RunEvent::File(file) => Kind::File(file_to_proto(&file)),
        RunEvent::Result(run) => Kind::Result(v1::ExportRunResult {
            files: run.files,
            events: run.events,
            bytes: run.bytes,
            scanned_sequence: run.scanned_sequence,
        }),
    };
    v1::RunExportJobResponse { kind: Some(kind) }
}
