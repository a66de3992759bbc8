//! A run of an export job: told to the client, and counted whether it listens or not.

use tokio::sync::mpsc;
use tonic::Status;

use super::status::status;
use crate::{
    codec::{
        job::file_to_proto,
        proto::v1::{self, run_export_job_response::Kind},
    },
    metrics::Metrics,
    service::{ServiceError, exports::RunEvent},
};

/// Passes the steps of a run on until it is over, also after the client has gone away: the run goes on anyway,
/// and what it did is counted.
pub async fn follow_run(
    mut steps: mpsc::Receiver<Result<RunEvent, ServiceError>>,
    client: mpsc::Sender<Result<v1::RunExportJobResponse, Status>>,
    metrics: Metrics,
) {
    let mut listens = true;
    let mut ended = false;
    while let Some(step) = steps.recv().await {
        match &step {
            Ok(RunEvent::File(_)) => {}
            Ok(RunEvent::Result(run)) => {
                metrics.export_run(true, run.files, run.events, run.bytes);
                ended = true;
            }
            Err(_) => {
                metrics.export_run(false, 0, 0, 0);
                ended = true;
            }
        }
        let answer = step.map(response).map_err(status);
        if listens {
            listens = client.send(answer).await.is_ok();
        }
    }
    if !ended {
        // The client was too slow to hear the end.
        metrics.export_run(false, 0, 0, 0);
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
