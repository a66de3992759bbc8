//! Running jobs whose time has come.

use std::collections::{HashMap, HashSet};

use super::Exports;
use crate::{
    domain::{
        catalogue::{Category, EventType},
        export::{ExportJob, Trigger},
        filter::EventFilter,
        id::TenantId,
    },
    service::ServiceError,
    store::{
        StoreError,
        contract::{CountRequest, Due, DueJob},
    },
};

/// Jobs that are looked at in one go: for many of them it only turns out then that not enough waits.
const JOBS: usize = 1_000;
/// Positions whose bytes are added up in one go.
const SUM_POSITIONS: u64 = 100_000;

/// How many bytes wait for jobs that begin with a number of bytes, as far as they were added up.
#[derive(Debug, Default)]
pub struct WaitingBytes(HashMap<String, Sum>);

#[derive(Clone, Copy, Debug)]
struct Sum {
    after: u64,
    through: u64,
    bytes: u64,
}

impl Exports {
    /// Starts at most `room` runs of jobs whose time has come, none for vidne's own events alone but for a heartbeat that is
    /// due. A job that finds nothing to do waits for its next time. Says how many it started.
    pub async fn start_due(&self, room: usize, waiting: &mut WaitingBytes) -> Result<usize, ServiceError> {
        let mut started = 0;
        let due = self.store().due_jobs(self.parts().clock.now(), JOBS).await?;
        let ids: HashSet<&str> = due.iter().map(|job| job.id.as_str()).collect();
        waiting.0.retain(|id, _| ids.contains(id.as_str()));
        for job in due {
            if started >= room {
                break;
            }
            match self.start_if_needed(&job, waiting).await {
                Ok(true) => started += 1,
                // Somebody else was faster, or it was deleted.
                Ok(false) | Err(ServiceError::Store(StoreError::JobBusy | StoreError::JobNotFound)) => {}
                Err(ServiceError::ShuttingDown) => break,
                // One job's trouble is not the others'.
                Err(error) => {
                    tracing::warn!(export.job_id = %job.id, %error, "a due export job did not start")
                }
            }
        }
        Ok(started)
    }

    async fn start_if_needed(&self, due: &DueJob, waiting: &mut WaitingBytes) -> Result<bool, ServiceError> {
        let DueJob { tenant, id, due } = due;
        let trigger = match due {
            Due::Time(expected) => {
                let job = self.kept(tenant, id).await?.job;
                if self.has_work(&job).await? {
                    Trigger::Schedule
                } else {
                    let now = self.parts().clock.now();
                    let next = job.settings.delivery.schedule.next(now);
                    self.store().postpone_job(tenant, id, *expected, next).await?;
                    if !job.heartbeat_is_due(now) {
                        return Ok(false);
                    }
                    Trigger::Heartbeat
                }
            }
            Due::Abandoned => Trigger::Schedule,
            Due::Heartbeat => Trigger::Heartbeat,
            Due::Events => {
                let job = self.kept(tenant, id).await?.job;
                if !self.has_work(&job).await? || !self.enough_wait(&job).await? {
                    return Ok(false);
                }
                Trigger::Waiting
            }
            Due::Bytes { after, through, bytes } => {
                let sum =
                    waiting.0.entry(id.clone()).or_insert(Sum { after: *after, through: *after, bytes: 0 });
                if self.add_up(tenant, sum, *after, *through).await? < *bytes
                    || !self.has_work(&self.kept(tenant, id).await?.job).await?
                {
                    return Ok(false);
                }
                Trigger::Waiting
            }
        };
        // Nobody listens; the run goes on all the same.
        self.run(tenant, id, trigger).await.map(|_| true)
    }

    /// Whether a run would find something: a file that is not finished, or events that are not vidne's own. If only those
    /// wait, the ones that the job does not want wait no longer: heartbeats of other jobs would be ever more.
    async fn has_work(&self, job: &ExportJob) -> Result<bool, ServiceError> {
        if self.store().pending_file(&job.id).await?.is_some() {
            return Ok(true);
        }
        let head = self.store().head(&job.tenant).await?.sequence;
        let end = job.standing.reexport.as_ref().map_or(head, |again| again.end.min(head));
        if job.standing.reexport.is_some() {
            return Ok(job.scanned_sequence < end);
        }
        let others = EventFilter {
            categories: vec![Category::DataAccess, Category::SecurityAdministration, Category::Custom],
            ..EventFilter::default()
        };
        let work = self.first_match(&job.tenant, &others, job.scanned_sequence + 1, end).await?.is_some();
        if !work && job.scanned_sequence < end {
            let unwanted = self.parts().runner.unwanted(job, end).await?;
            self.store().pass_over(job, unwanted).await?;
        }
        Ok(work)
    }

    /// Whether as many events wait as the job begins with, heartbeats left out.
    async fn enough_wait(&self, job: &ExportJob) -> Result<bool, ServiceError> {
        let head = self.store().head(&job.tenant).await?.sequence;
        let filter =
            EventFilter { types: vec![EventType::SERVICE_EXPORT_JOB_HEARTBEAT], ..EventFilter::default() };
        let (mut scanned, mut heartbeats) = (job.scanned_sequence, 0);
        while scanned < head {
            let request =
                CountRequest { tenant: &job.tenant, from: scanned + 1, through: head, filter: &filter };
            let page = self.store().count(request).await?;
            heartbeats += page.count;
            scanned = page.scanned.max(scanned + 1);
        }
        let waiting = head.saturating_sub(job.scanned_sequence).saturating_sub(heartbeats);
        Ok(job.settings.delivery.schedule.waiting_events.is_some_and(|events| waiting >= events))
    }

    /// Adds what has come since the last time.
    async fn add_up(
        &self,
        tenant: &TenantId,
        sum: &mut Sum,
        after: u64,
        through: u64,
    ) -> Result<u64, ServiceError> {
        if sum.after != after {
            *sum = Sum { after, through: after, bytes: 0 };
        }
        while sum.through < through {
            let last = through.min(sum.through + SUM_POSITIONS);
            sum.bytes += self.store().stored_bytes(tenant, sum.through + 1, last).await?;
            sum.through = last;
        }
        Ok(sum.bytes)
    }
}
