//! Export jobs over gRPC, into a folder of the server.

use prost_types::FieldMask;
use tonic::Code;
use vidne::codec::proto::v1::{self, run_export_job_response::Kind};

use super::{Server, event, expect, fields};

fn job(name: &str) -> v1::ExportJob {
    let directory = v1::FsDestination { directory: "siem".to_owned(), ..Default::default() };
    v1::ExportJob {
        name: name.to_owned(),
        format: Some(v1::ExportFormat {
            kind: Some(v1::export_format::Kind::JsonLines(v1::JsonLinesFormat {})),
        }),
        destination: Some(v1::Destination { kind: Some(v1::destination::Kind::Fs(directory)) }),
        ..Default::default()
    }
}

fn create(name: &str) -> v1::CreateExportJobRequest {
    v1::CreateExportJobRequest { job: Some(job(name)) }
}

/// Runs a job to its end; the result.
async fn run(server: &Server, job_id: &str) -> v1::ExportRunResult {
    let request = v1::RunExportJobRequest { job_id: job_id.to_owned(), ..Default::default() };
    let mut steps = server.exports().run_export_job(request).await.unwrap().into_inner();
    let mut last = None;
    while let Some(step) = steps.message().await.unwrap() {
        last = step.kind;
    }
    match last {
        Some(Kind::Result(result)) => result,
        other => panic!("the last step is no result: {other:?}"),
    }
}

#[tokio::test]
async fn a_job_is_created_run_listed_changed_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().to_str().unwrap().to_owned();
    let server = Server::with(&[("export.directory", &directory)]).await;
    let created = server.exports().create_export_job(create("siem")).await.unwrap().into_inner().job.unwrap();
    let status = server.exports().create_export_job(create("siem")).await.unwrap_err();
    expect(&status, Code::AlreadyExists, "EXPORT_JOB_EXISTS");

    server.record(event()).await.unwrap();
    let result = run(&server, "siem").await;
    // The job's own creation is an event too.
    assert_eq!((result.files, result.events), (1, 2));
    assert_eq!(run(&server, &created.job_id).await.files, 0);

    let request = v1::ListExportFilesRequest { job_id: "siem".to_owned(), ..Default::default() };
    let files = server.exports().list_export_files(request).await.unwrap().into_inner().files;
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert_eq!(file.state(), v1::ExportFileState::Published);
    let bytes = std::fs::read(folder.path().join("siem").join(&file.name)).unwrap();
    assert_eq!(bytes.len() as u64, file.size_bytes);

    let update = |revision| v1::UpdateExportJobRequest {
        job: Some(v1::ExportJob { job_id: created.job_id.clone(), ..job("renamed") }),
        update_mask: Some(FieldMask { paths: vec!["name".to_owned()] }),
        revision,
    };
    let updated = server.exports().update_export_job(update(1)).await.unwrap().into_inner().job.unwrap();
    assert_eq!((updated.name.as_str(), updated.revision), ("renamed", 2));
    let status = server.exports().update_export_job(update(1)).await.unwrap_err();
    expect(&status, Code::Aborted, "REVISION_MISMATCH");
    let status = server.exports().update_export_job(update(0)).await.unwrap_err();
    assert_eq!(fields(&expect(&status, Code::InvalidArgument, "INVALID_FIELDS")), ["revision"]);

    let request = v1::DeleteExportJobRequest { job_id: "renamed".to_owned(), ..Default::default() };
    server.exports().delete_export_job(request).await.unwrap();
    let jobs = server.exports().list_export_jobs(v1::ListExportJobsRequest::default()).await.unwrap();
    assert_eq!(jobs.into_inner().jobs, []);
}

#[tokio::test]
async fn a_destination_is_tested_and_its_steps_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().to_str().unwrap().to_owned();
    let server = Server::with(&[("export.directory", &directory)]).await;
    let target = v1::test_destination_request::Target::Destination(job("x").destination.unwrap());
    let request = v1::TestDestinationRequest { target: Some(target), ..Default::default() };
    let answer = server.exports().test_destination(request).await.unwrap().into_inner();
    assert!(answer.ok, "{answer:?}");
    let names: Vec<&str> = answer.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["directory", "write", "rename", "delete"]);
}

#[tokio::test]
async fn a_request_that_names_no_job_is_answered_with_the_field() {
    let server = Server::start().await;
    let status = server.exports().run_export_job(v1::RunExportJobRequest::default()).await.unwrap_err();
    assert_eq!(fields(&expect(&status, Code::InvalidArgument, "INVALID_FIELDS")), ["job_id"]);
    let status = server.exports().test_destination(v1::TestDestinationRequest::default()).await.unwrap_err();
    assert_eq!(fields(&expect(&status, Code::InvalidArgument, "INVALID_FIELDS")), ["target"]);
    let status = server.exports().create_export_job(v1::CreateExportJobRequest::default()).await.unwrap_err();
    assert_eq!(fields(&expect(&status, Code::InvalidArgument, "INVALID_FIELDS")), ["job"]);
}
