//! `vidne.v1.ExportService`.

use std::pin::Pin;

use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{
    caller::{caller, tenant},
    export_preview::read_preview,
    page::Page,
    proto::export_service_server::ExportService,
    run::follow_run,
    status::{invalid, status},
    tenant::read_revision,
};
use crate::{
    codec::{
        job::{
            apply_update, destination_from_proto, file_to_proto, job_from_proto, job_to_proto, run_to_proto,
        },
        proto::v1::{self, test_destination_request::Target as WireTarget},
    },
    domain::{
        export::{ExportJob, Trigger},
        id::TenantId,
        violation::Violations,
    },
    metrics::Metrics,
    service::{
        exports::{Exports, NewAs, Preview, TestTarget, TestedDestination},
        token::Tokens,
    },
};

/// Steps of a run that may wait for the client.
const WAITING_STEPS: usize = 16;

/// Manages, runs and tests export jobs.
pub struct ExportApi {
    /// The use cases.
    pub exports: Exports,
    /// For pages.
    pub tokens: Tokens,
    /// Counts.
    pub metrics: Metrics,
}

#[tonic::async_trait]
impl ExportService for ExportApi {
    async fn create_export_job(
        &self,
        request: Request<v1::CreateExportJobRequest>,
    ) -> Result<Response<v1::CreateExportJobResponse>, Status> {
        let caller = caller(request.metadata());
        let v1::CreateExportJobRequest { job } = request.into_inner();
        let job = required(job)?;
        let as_what = NewAs { paused: job.paused, declared: false };
        let (settings, secrets, tenant) = job_from_proto(job, "job").map_err(invalid)?;
        let job = self.exports.create(tenant, settings, secrets, as_what, &caller.name).await;
        Ok(Response::new(v1::CreateExportJobResponse { job: Some(self.job(job.map_err(status)?).await?) }))
    }

    async fn get_export_job(
        &self,
        request: Request<v1::GetExportJobRequest>,
    ) -> Result<Response<v1::GetExportJobResponse>, Status> {
        let v1::GetExportJobRequest { tenant_id, job_id } = request.into_inner();
        let (tenant, key) = named(&tenant_id, job_id)?;
        let job = self.exports.get(&tenant, &key).await.map_err(status)?;
        Ok(Response::new(v1::GetExportJobResponse { job: Some(self.job(job).await?) }))
    }

    async fn list_export_jobs(
        &self,
        request: Request<v1::ListExportJobsRequest>,
    ) -> Result<Response<v1::ListExportJobsResponse>, Status> {
        let v1::ListExportJobsRequest { tenant_id, page_size, page_token } = request.into_inner();
        let tenant = tenant(&tenant_id, "tenant_id").map_err(invalid)?;
        let list = format!("export_jobs/{tenant}");
        let page = Page::read(&self.tokens, list, page_size, &page_token).map_err(status)?;
        let found = self.exports.list(&tenant, page.after.as_deref(), page.wanted()).await;
        let mut found = found.map_err(status)?;
        let next_page_token = page.cut(&mut found, |job| job.id.clone());
        let mut jobs = Vec::with_capacity(found.len());
        for job in found {
            jobs.push(self.job(job).await?);
        }
        Ok(Response::new(v1::ListExportJobsResponse { jobs, next_page_token }))
    }

    async fn update_export_job(
        &self,
        request: Request<v1::UpdateExportJobRequest>,
    ) -> Result<Response<v1::UpdateExportJobResponse>, Status> {
        let caller = caller(request.metadata());
        let v1::UpdateExportJobRequest { job, update_mask, revision } = request.into_inner();
        let job = required(job)?;
        let tenant = tenant(&job.tenant_id, "job.tenant_id").map_err(invalid)?;
        let key = given(job.job_id.clone(), "job.job_id")?;
        let revision = read_revision(revision, job.revision).map_err(invalid)?;
        let paths = update_mask.map(|mask| mask.paths).unwrap_or_default();
        let job = self
            .exports
            .update(
                &tenant,
                &key,
                revision,
                |settings, secrets| apply_update(settings, secrets, job, &paths),
                &caller.name,
            )
            .await
            .map_err(status)?;
        Ok(Response::new(v1::UpdateExportJobResponse { job: Some(self.job(job).await?) }))
    }

    async fn delete_export_job(
        &self,
        request: Request<v1::DeleteExportJobRequest>,
    ) -> Result<Response<v1::DeleteExportJobResponse>, Status> {
        let caller = caller(request.metadata());
        let v1::DeleteExportJobRequest { tenant_id, job_id } = request.into_inner();
        let (tenant, key) = named(&tenant_id, job_id)?;
        self.exports.delete(&tenant, &key, &caller.name).await.map_err(status)?;
        Ok(Response::new(v1::DeleteExportJobResponse {}))
    }

    async fn pause_export_job(
        &self,
        request: Request<v1::PauseExportJobRequest>,
    ) -> Result<Response<v1::PauseExportJobResponse>, Status> {
        let caller = caller(request.metadata());
        let v1::PauseExportJobRequest { tenant_id, job_id } = request.into_inner();
        let (tenant, key) = named(&tenant_id, job_id)?;
        let job = self.exports.pause(&tenant, &key, true, &caller.name).await.map_err(status)?;
        Ok(Response::new(v1::PauseExportJobResponse { job: Some(self.job(job).await?) }))
    }

    async fn resume_export_job(
        &self,
        request: Request<v1::ResumeExportJobRequest>,
    ) -> Result<Response<v1::ResumeExportJobResponse>, Status> {
        let caller = caller(request.metadata());
        let v1::ResumeExportJobRequest { tenant_id, job_id } = request.into_inner();
        let (tenant, key) = named(&tenant_id, job_id)?;
        let job = self.exports.pause(&tenant, &key, false, &caller.name).await.map_err(status)?;
        Ok(Response::new(v1::ResumeExportJobResponse { job: Some(self.job(job).await?) }))
    }

    async fn re_export(
        &self,
        request: Request<v1::ReExportRequest>,
    ) -> Result<Response<v1::ReExportResponse>, Status> {
        let caller = caller(request.metadata());
        let v1::ReExportRequest { tenant_id, job_id, first_sequence, last_sequence } = request.into_inner();
        let (tenant, key) = named(&tenant_id, job_id)?;
        let job = self.exports.export_again(&tenant, &key, first_sequence, last_sequence, &caller.name).await;
        Ok(Response::new(v1::ReExportResponse { job: Some(self.job(job.map_err(status)?).await?) }))
    }

    async fn preview_export(
        &self,
        request: Request<v1::PreviewExportRequest>,
    ) -> Result<Response<v1::PreviewExportResponse>, Status> {
        let (tenant, target, max_events) = read_preview(request.into_inner()).map_err(invalid)?;
        let Preview { content, events, scanned, name } =
            self.exports.preview(&tenant, target, max_events).await.map_err(status)?;
        let answer =
            v1::PreviewExportResponse { content, event_count: events, scanned_sequence: scanned, name };
        Ok(Response::new(answer))
    }

    async fn list_export_runs(
        &self,
        request: Request<v1::ListExportRunsRequest>,
    ) -> Result<Response<v1::ListExportRunsResponse>, Status> {
        let v1::ListExportRunsRequest { tenant_id, job_id, page_size, page_token } = request.into_inner();
        let (tenant, key) = named(&tenant_id, job_id)?;
        let job = self.exports.get(&tenant, &key).await.map_err(status)?.id;
        let list = format!("export_runs/{job}");
        let page = Page::read(&self.tokens, list, page_size, &page_token).map_err(status)?;
        let before = page.after.as_deref().and_then(|number| number.parse().ok());
        let found = self.exports.runs(&tenant, &job, before, page.wanted()).await;
        let mut found = found.map_err(status)?;
        let next_page_token = page.cut(&mut found, |run| run.number.to_string());
        let runs = found.iter().map(run_to_proto).collect();
        Ok(Response::new(v1::ListExportRunsResponse { runs, next_page_token }))
    }

    type RunExportJobStream = Pin<Box<dyn Stream<Item = Result<v1::RunExportJobResponse, Status>> + Send>>;

    async fn run_export_job(
        &self,
        request: Request<v1::RunExportJobRequest>,
    ) -> Result<Response<Self::RunExportJobStream>, Status> {
        let v1::RunExportJobRequest { tenant_id, job_id } = request.into_inner();
        let (tenant, key) = named(&tenant_id, job_id)?;
        let steps = self.exports.run(&tenant, &key, Trigger::Request).await.map_err(status)?;
        let (answers, heard) = mpsc::channel(WAITING_STEPS);
        tokio::spawn(follow_run(steps, answers));
        let open = self.metrics.open_stream();
        let stream = ReceiverStream::new(heard).map(move |step| {
            let _ = &open;
            step
        });
        Ok(Response::new(Box::pin(stream)))
    }

    async fn list_export_files(
        &self,
        request: Request<v1::ListExportFilesRequest>,
    ) -> Result<Response<v1::ListExportFilesResponse>, Status> {
        let v1::ListExportFilesRequest { tenant_id, job_id, page_size, page_token } = request.into_inner();
        let (tenant, key) = named(&tenant_id, job_id)?;
        let job = self.exports.get(&tenant, &key).await.map_err(status)?.id;
        let list = format!("export_files/{job}");
        let page = Page::read(&self.tokens, list, page_size, &page_token).map_err(status)?;
        let before = page.after.as_deref().and_then(|number| number.parse().ok());
        let found = self.exports.files(&tenant, &job, before, page.wanted()).await;
        let mut found = found.map_err(status)?;
        let next_page_token = page.cut(&mut found, |file| file.number.to_string());
        let files = found.iter().map(file_to_proto).collect();
        Ok(Response::new(v1::ListExportFilesResponse { files, next_page_token }))
    }

    async fn test_destination(
        &self,
        request: Request<v1::TestDestinationRequest>,
    ) -> Result<Response<v1::TestDestinationResponse>, Status> {
        let caller = caller(request.metadata());
        let v1::TestDestinationRequest { tenant_id, target, accept_host_key } = request.into_inner();
        let tenant = tenant(&tenant_id, "tenant_id").map_err(invalid)?;
        let target = match target {
            Some(WireTarget::JobId(key)) => TestTarget::Job(given(key, "job_id")?),
            Some(WireTarget::Destination(destination)) => {
                let (destination, secrets) =
                    destination_from_proto(destination, "destination").map_err(invalid)?;
                TestTarget::Destination(destination, secrets)
            }
            None => return Err(invalid(Violations::one("target", "give a job_id or a destination"))),
        };
        let accepted = Some(accept_host_key.as_str()).filter(|key| !key.is_empty());
        let tested = self.exports.test_destination(&tenant, target, accepted, &caller.name).await;
        Ok(Response::new(tested_to_proto(tested.map_err(status)?)))
    }
}

impl ExportApi {
    /// A job as it is answered, with how far it is behind.
    async fn job(&self, job: ExportJob) -> Result<v1::ExportJob, Status> {
        let lag = self.exports.lag(&job).await.map_err(status)?;
        Ok(job_to_proto(&job, &lag))
    }
}

fn required(job: Option<v1::ExportJob>) -> Result<v1::ExportJob, Status> {
    job.ok_or_else(|| invalid(Violations::one("job", "required")))
}

fn named(tenant_id: &str, job_id: String) -> Result<(TenantId, String), Status> {
    let tenant = tenant(tenant_id, "tenant_id").map_err(invalid)?;
    Ok((tenant, given(job_id, "job_id")?))
}

fn given(key: String, field: &str) -> Result<String, Status> {
    if key.is_empty() {
        return Err(invalid(Violations::one(field, "required; give the job's id or its name")));
    }
    Ok(key)
}

fn tested_to_proto(tested: TestedDestination) -> v1::TestDestinationResponse {
    let ok = tested.report.ok();
    let trusted = tested.report.host_key_trusted;
    let host_key = tested.report.host_key.map(|key| v1::HostKey {
        algorithm: key.algorithm,
        fingerprint: key.fingerprint,
        trusted,
    });
    let steps = tested.report.steps.into_iter().map(|step| v1::TestStep {
        name: step.name.to_owned(),
        ok: step.failure.is_none(),
        message: step.failure.or(step.note).unwrap_or_default(),
    });
    v1::TestDestinationResponse { host_key, steps: steps.collect(), ok }
}
