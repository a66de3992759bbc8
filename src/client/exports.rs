//! Export jobs: thin calls.

use prost_types::FieldMask;
use tonic::Streaming;

use crate::codec::proto::v1::{
    self, CreateExportJobRequest, DeleteExportJobRequest, ExportFile, ExportJob, GetExportJobRequest,
    ListExportFilesRequest, ListExportJobsRequest, ListExportRunsRequest, PauseExportJobRequest,
    PreviewExportRequest, PreviewExportResponse, ReExportRequest, ResumeExportJobRequest,
    RunExportJobRequest, RunExportJobResponse, TestDestinationRequest, TestDestinationResponse,
    UpdateExportJobRequest,
};

use super::{Client, error::ClientError};

const NO_JOB: ClientError = ClientError::Contract("an answer without a job");

/// A run of a job as it goes on.
#[derive(Debug)]
pub struct ExportRun {
    client: Client,
    steps: Streaming<RunExportJobResponse>,
}

impl ExportRun {
    /// The next step; `None` after the last. A run whose stream breaks may go on at the server.
    ///
    /// # Errors
    ///
    /// Why the run failed, or why nothing more is known of it.
    pub async fn next(&mut self) -> Result<Option<RunExportJobResponse>, ClientError> {
        self.steps.message().await.map_err(|status| self.client.error(status))
    }
}

impl Client {
    /// Creates an export job.
    ///
    /// # Errors
    ///
    /// `ALREADY_EXISTS` if the tenant has a job of this name, among others.
    pub async fn create_export_job(&self, job: ExportJob) -> Result<ExportJob, ClientError> {
        let mut exports = self.exports();
        let request = CreateExportJobRequest { job: Some(job) };
        let answer =
            self.once(request, async move |request| exports.create_export_job(request).await).await?;
        answer.job.ok_or(NO_JOB)
    }

    /// One job, by id or name.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` if there is none, among others.
    pub async fn get_export_job(&self, tenant_id: &str, job_id: &str) -> Result<ExportJob, ClientError> {
        let request = GetExportJobRequest { tenant_id: tenant_id.to_owned(), job_id: job_id.to_owned() };
        let call = || {
            let mut exports = self.exports();
            self.once(request.clone(), async move |request| exports.get_export_job(request).await)
        };
        self.repeatedly(call).await?.job.ok_or(NO_JOB)
    }

    /// One page of a tenant's jobs, and the token of the next one; empty after the last.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` if there is no such tenant, among others.
    pub async fn list_export_jobs(
        &self,
        tenant_id: &str,
        page_token: &str,
    ) -> Result<(Vec<ExportJob>, String), ClientError> {
        let (tenant_id, page_token) = (tenant_id.to_owned(), page_token.to_owned());
        let request = ListExportJobsRequest { tenant_id, page_size: 0, page_token };
        let call = || {
            let mut exports = self.exports();
            self.once(request.clone(), async move |request| exports.list_export_jobs(request).await)
        };
        let answer = self.repeatedly(call).await?;
        Ok((answer.jobs, answer.next_page_token))
    }

    /// Changes the fields of a job that `paths` name, if it is still at `job.revision`.
    ///
    /// # Errors
    ///
    /// `ABORTED` if the job was changed since, among others.
    pub async fn update_export_job(
        &self,
        job: ExportJob,
        paths: Vec<String>,
    ) -> Result<ExportJob, ClientError> {
        let mut exports = self.exports();
        let revision = job.revision;
        let update_mask = Some(FieldMask { paths });
        let request = UpdateExportJobRequest { job: Some(job), update_mask, revision };
        let answer =
            self.once(request, async move |request| exports.update_export_job(request).await).await?;
        answer.job.ok_or(NO_JOB)
    }

    /// Deletes a job; its files stay.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` if there is none, among others.
    pub async fn delete_export_job(&self, tenant_id: &str, job_id: &str) -> Result<(), ClientError> {
        let mut exports = self.exports();
        let request = DeleteExportJobRequest { tenant_id: tenant_id.to_owned(), job_id: job_id.to_owned() };
        self.once(request, async move |request| exports.delete_export_job(request).await).await?;
        Ok(())
    }

    /// Stops a job from running by itself; the job as it is then.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` if there is none, among others.
    pub async fn pause_export_job(&self, tenant_id: &str, job_id: &str) -> Result<ExportJob, ClientError> {
        let mut exports = self.exports();
        let request = PauseExportJobRequest { tenant_id: tenant_id.to_owned(), job_id: job_id.to_owned() };
        let answer = self.once(request, async move |request| exports.pause_export_job(request).await).await?;
        answer.job.ok_or(NO_JOB)
    }

    /// Lets a paused job run by itself again, or one that waits for a person try at once; the job as it is then.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` if there is none, among others.
    pub async fn resume_export_job(&self, tenant_id: &str, job_id: &str) -> Result<ExportJob, ClientError> {
        let mut exports = self.exports();
        let request = ResumeExportJobRequest { tenant_id: tenant_id.to_owned(), job_id: job_id.to_owned() };
        let answer =
            self.once(request, async move |request| exports.resume_export_job(request).await).await?;
        answer.job.ok_or(NO_JOB)
    }

    /// Exports a past range of a job once more: the job that does it. Not repeated by itself, since a second call
    /// would make a second job.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` if the job has not published the range, among others.
    pub async fn re_export(&self, request: ReExportRequest) -> Result<ExportJob, ClientError> {
        let mut exports = self.exports();
        let answer = self.once(request, async move |request| exports.re_export(request).await).await?;
        answer.job.ok_or(NO_JOB)
    }

    /// The next events of a job as they would be written; nothing is sent.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` if there is no such job, among others.
    pub async fn preview_export(
        &self,
        request: PreviewExportRequest,
    ) -> Result<PreviewExportResponse, ClientError> {
        let call = || {
            let mut exports = self.exports();
            self.once(request.clone(), async move |request| exports.preview_export(request).await)
        };
        self.repeatedly(call).await
    }

    /// One page of a job's runs, newest first, and the token of the next one; empty after the last.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` if there is no such job, among others.
    pub async fn list_export_runs(
        &self,
        request: ListExportRunsRequest,
    ) -> Result<(Vec<v1::ExportRun>, String), ClientError> {
        let call = || {
            let mut exports = self.exports();
            self.once(request.clone(), async move |request| exports.list_export_runs(request).await)
        };
        let answer = self.repeatedly(call).await?;
        Ok((answer.runs, answer.next_page_token))
    }

    /// Exports what is new.
    ///
    /// # Errors
    ///
    /// `ABORTED` if the job is running already, among others.
    pub async fn run_export_job(&self, tenant_id: &str, job_id: &str) -> Result<ExportRun, ClientError> {
        let request = RunExportJobRequest { tenant_id: tenant_id.to_owned(), job_id: job_id.to_owned() };
        let answer = self.exports().run_export_job(request).await.map_err(|status| self.error(status))?;
        Ok(ExportRun { client: self.clone(), steps: answer.into_inner() })
    }

    /// One page of a job's files, newest first, and the token of the next one; empty after the last.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` if there is no such job, among others.
    pub async fn list_export_files(
        &self,
        request: ListExportFilesRequest,
    ) -> Result<(Vec<ExportFile>, String), ClientError> {
        let call = || {
            let mut exports = self.exports();
            self.once(request.clone(), async move |request| exports.list_export_files(request).await)
        };
        let answer = self.repeatedly(call).await?;
        Ok((answer.files, answer.next_page_token))
    }

    /// Tries a destination. One that does not work is an answer, not an error.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` if there is no such job, among others.
    pub async fn test_destination(
        &self,
        request: TestDestinationRequest,
    ) -> Result<TestDestinationResponse, ClientError> {
        let mut exports = self.exports();
        self.once(request, async move |request| exports.test_destination(request).await).await
    }
}
