//! `vidne.v1.ExportService`.

use std::pin::Pin;

use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{
    caller::{caller, tenant},
    page::Page,
    proto::export_service_server::ExportService,
    run::follow_run,
    status::{invalid, status},
    tenant::read_revision,
};
use crate::{
    codec::{
        job::{apply_update, destination_from_proto, file_to_proto, job_from_proto, job_to_proto},
        proto::v1::{self, test_destination_request::Target as WireTarget},
    },
    domain::{id::TenantId, violation::Violations},
    metrics::Metrics,
    service::{
        exports::{Exports, TestTarget, TestedDestination},
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
        let (settings, secrets, tenant) = job_from_proto(required(job)?, "job").map_err(invalid)?;
        let job = self.exports.create(tenant, settings, secrets, &caller.name).await.map_err(status)?;
        Ok(Response::new(v1::CreateExportJobResponse { job: Some(job_to_proto(&job)) }))
    }

    async fn get_export_job(
        &self,
        request: Request<v1::GetExportJobRequest>,
    ) -> Result<Response<v1::GetExportJobResponse>, Status> {
        let v1::GetExportJobRequest { tenant_id, job_id } = request.into_inner();
        let (tenant, key) = named(&tenant_id, job_id)?;
        let job = self.exports.get(&tenant, &key).await.map_err(status)?;
        Ok(Response::new(v1::GetExportJobResponse { job: Some(job_to_proto(&job)) }))
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
        let jobs = found.iter().map(job_to_proto).collect();
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
        Ok(Response::new(v1::UpdateExportJobResponse { job: Some(job_to_proto(&job)) }))
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

    type RunExportJobStream = Pin<Box<dyn Stream<Item = Result<v1::RunExportJobResponse, Status>> + Send>>;

    async fn run_export_job(
        &self,
        request: Request<v1::RunExportJobRequest>,
    ) -> Result<Response<Self::RunExportJobStream>, Status> {
        let v1::RunExportJobRequest { tenant_id, job_id } = request.into_inner();
        let (tenant, key) = named(&tenant_id, job_id)?;
        let steps = self.exports.run(&tenant, &key).await.map_err(status)?;
        let (answers, heard) = mpsc::channel(WAITING_STEPS);
        tokio::spawn(follow_run(steps, answers, self.metrics.clone()));
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
        message: step.failure.unwrap_or_default(),
    });
    v1::TestDestinationResponse { host_key, steps: steps.collect(), ok }
}
