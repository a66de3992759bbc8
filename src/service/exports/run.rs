//! Running a job, and how it ended.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use tokio::sync::mpsc;

use super::{Exports, testimony};
use crate::{
    domain::{
        catalogue::EventType,
        export::{ExportFile, ExportJob, Health},
        id::TenantId,
    },
    export::{
        ExportError,
        run::{RunError, RunResult},
        secrets,
    },
    service::ServiceError,
    store::{
        StoreError,
        contract::{KeptJob, Lease, NewEvent, RunOutcome},
    },
};

/// Steps that may wait for whoever listens.
const WAITING_STEPS: usize = 16;
/// Longest wait for whoever listens; then the run goes on unheard.
const LISTENER_PATIENCE: Duration = Duration::from_secs(10);
/// How often it is tried to keep how a run ended, and the pause between.
const FINISH_TRIES: usize = 3;
const FINISH_PAUSE: Duration = Duration::from_millis(500);

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEvent {
    /// A file changed its state.
    File(ExportFile),
    /// The run is over; the last step.
    Result(RunResult),
}

type Steps = mpsc::Sender<Result<RunEvent, ServiceError>>;

impl Exports {
    /// Exports what is new now. Answers once the job's lease is taken (`JobBusy` if somebody else has it); then
    /// the run goes on by itself, whether anybody listens or not. The last step is the result or an error; a
    /// listener who is slower than 10 s gets none.
    pub async fn run(
        &self,
        tenant: &TenantId,
        key: &str,
    ) -> Result<mpsc::Receiver<Result<RunEvent, ServiceError>>, ServiceError> {
        if self.parts().shutdown.is_cancelled() {
            return Err(ServiceError::ShuttingDown);
        }
        let found = self.kept(tenant, key).await?;
        let term = self.parts().runner.lease_term();
        let lease = self.store().lease_job(&found.job.id, &self.0.owner, term).await?;
        let (steps, listener) = mpsc::channel(WAITING_STEPS);
        let (exports, tenant) = (self.clone(), tenant.clone());
        self.parts().tasks.spawn(async move { exports.supervise(&tenant, found, &lease, steps).await });
        Ok(listener)
    }

    async fn supervise(&self, tenant: &TenantId, found: KeptJob, lease: &Lease, steps: Steps) {
        // Health is changed only under the lease, so this is how the run before ended. If the store does not
        // answer now, what was found a moment ago must do: the lease has to be given up in any case.
        let before = self.kept(tenant, &lease.job_id).await.unwrap_or(found);
        let work = AssertUnwindSafe(self.drive(tenant, lease, &steps)).catch_unwind();
        let result = work.await.unwrap_or_else(|_| {
            Err(RunError::Export(ExportError::destination("the run ended by a bug; the server's log has it")))
        });
        let result = self.scrub(&before, result);
        if let Err(error) = self.finish(&before.job, lease, &result).await {
            tracing::error!(export.job_id = %lease.job_id, %error, "how the run ended could not be kept");
        }
        tell(&steps, result.map(RunEvent::Result).map_err(ServiceError::from)).await;
    }

    /// The run itself, its steps passed on as they come.
    async fn drive(&self, tenant: &TenantId, lease: &Lease, steps: &Steps) -> Result<RunResult, RunError> {
        let (files, mut changed) = mpsc::channel(WAITING_STEPS);
        let run = self.parts().runner.run(tenant, lease, files, &self.parts().shutdown);
        let pass_on = async {
            let mut heard = true;
            while let Some(file) = changed.recv().await {
                if heard {
                    let step = steps.send_timeout(Ok(RunEvent::File(file)), LISTENER_PATIENCE);
                    heard = step.await.is_ok();
                }
            }
        };
        let (result, ()) = tokio::join!(run, pass_on);
        result
    }

    /// Logs why a run ended early, and takes secrets out of what the destination said.
    fn scrub(&self, before: &KeptJob, result: Result<RunResult, RunError>) -> Result<RunResult, RunError> {
        let Err(error) = result else { return result };
        let secrets = self.secrets(before).unwrap_or_default();
        let said = secrets::scrub(&chain(&error), &secrets);
        tracing::warn!(export.job_id = %before.job.id, error = said, "an export run did not end well");
        Err(match error {
            RunError::Export(error) => RunError::Export(error.scrubbed(&secrets)),
            other => other,
        })
    }

    /// Keeps how the run ended and gives the lease up. A change between working and failing is witnessed.
    async fn finish(
        &self,
        before: &ExportJob,
        lease: &Lease,
        result: &Result<RunResult, RunError>,
    ) -> Result<(), ServiceError> {
        let (health, last_error) = match result {
            Ok(_) => (Health::Ok, String::new()),
            // The lease is not ours any more, or there is nothing to keep it for.
            Err(RunError::Store(StoreError::LeaseLost | StoreError::JobNotFound)) => return Ok(()),
            // Being stopped is no failure.
            Err(RunError::Cancelled) => (before.health, before.last_error.clone()),
            Err(error) => (Health::Failing, error.to_string()),
        };
        let witness = self.change_of_health(before, health, &last_error)?;
        let outcome = RunOutcome { health, last_error, ended: self.parts().clock.now() };
        let mut tries = 1;
        loop {
            match self.store().finish_run(lease, outcome.clone(), witness.clone()).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Unavailable(_)) if tries < FINISH_TRIES => {
                    tries += 1;
                    tokio::time::sleep(FINISH_PAUSE).await;
                }
                // An earlier try went through although its answer was lost.
                Err(StoreError::LeaseLost) if tries > 1 => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn change_of_health(
        &self,
        before: &ExportJob,
        health: Health,
        why: &str,
    ) -> Result<Option<NewEvent>, ServiceError> {
        let (event_type, testimony) = match (before.health, health) {
            (Health::Ok | Health::Unknown, Health::Failing) => {
                (EventType::SERVICE_EXPORT_JOB_FAILED, testimony::failed(before, why))
            }
            (Health::Failing, Health::Ok) => {
                (EventType::SERVICE_EXPORT_JOB_RECOVERED, testimony::recovered(before))
            }
            _ => return Ok(None),
        };
        self.parts().witness.event(event_type, &before.tenant, testimony).map(Some)
    }
}

/// The last step; whoever does not listen any more does not get it.
async fn tell(steps: &Steps, last: Result<RunEvent, ServiceError>) {
    let _ = steps.send_timeout(last, LISTENER_PATIENCE).await;
}

/// An error with its causes, for the log.
fn chain(error: &RunError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}

impl From<RunError> for ServiceError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Export(error) => error.into(),
            RunError::Store(error) => error.into(),
            RunError::Decode(error) => error.into(),
            RunError::Secrets(error) => error.into(),
            RunError::Cancelled => Self::ShuttingDown,
        }
    }
}
