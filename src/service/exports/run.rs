//! Running a job, and how it ended.

use std::{panic::AssertUnwindSafe, sync::atomic::Ordering, time::Duration};

use futures::FutureExt;
use tokio::sync::mpsc;
use tracing::Instrument;

use super::{Exports, testimony};
use crate::{
    domain::{
        catalogue::EventType,
        export::{ExportFile, ExportJob, ExportRun, Failure, FileState, Health, RunState, Trigger},
        id::TenantId,
        time::Timestamp,
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

pub(super) type Steps = mpsc::Sender<Result<RunEvent, ServiceError>>;

impl Exports {
    /// Exports what is new now. Answers once the job's lease is taken (`JobBusy` if somebody else has it); then
    /// the run goes on by itself, whether anybody listens or not. The last step is the result or an error; a
    /// listener who is slower than 10 s gets none.
    ///
    /// Dropping the call's future ends nothing: a lease that is just being taken would stay with nobody who gives it up,
    /// and the job would stand still until it is over.
    pub async fn run(
        &self,
        tenant: &TenantId,
        key: &str,
        trigger: Trigger,
    ) -> Result<mpsc::Receiver<Result<RunEvent, ServiceError>>, ServiceError> {
        if self.parts().shutdown.is_cancelled() {
            return Err(ServiceError::ShuttingDown);
        }
        let (exports, tenant, key) = (self.clone(), tenant.clone(), key.to_owned());
        let begin = async move { exports.begin(&tenant, &key, trigger).await };
        let begun = self.parts().tasks.spawn(begin.in_current_span());
        begun.await.unwrap_or(Err(ServiceError::Panicked))
    }

    async fn begin(
        &self,
        tenant: &TenantId,
        key: &str,
        trigger: Trigger,
    ) -> Result<mpsc::Receiver<Result<RunEvent, ServiceError>>, ServiceError> {
        let found = self.kept(tenant, key).await?;
        let term = self.parts().runner.lease_term();
        let lease = self.store().lease_job(&found.job.id, &self.0.owner, term).await?;
        let (steps, listener) = mpsc::channel(WAITING_STEPS);
        let (exports, tenant) = (self.clone(), tenant.clone());
        let begun = Begun {
            lease,
            trigger,
            started: self.parts().clock.now(),
            done: RunResult::default(),
            not_needed: false,
        };
        self.0.running.fetch_add(1, Ordering::Relaxed);
        self.parts().tasks.spawn(async move {
            exports.supervise(&tenant, found, begun, steps).await;
            exports.0.running.fetch_sub(1, Ordering::Relaxed);
        });
        Ok(listener)
    }

    async fn supervise(&self, tenant: &TenantId, found: KeptJob, mut begun: Begun, steps: Steps) {
        // Health is changed only under the lease, so this is how the run before ended. If the store does not
        // answer now, what was found a moment ago must do: the lease has to be given up in any case.
        let before = self.kept(tenant, &begun.lease.job_id).await.unwrap_or(found);
        let work = AssertUnwindSafe(self.work(tenant, &mut begun, &steps)).catch_unwind();
        let result = work.await.unwrap_or_else(|_| {
            Err(RunError::Export(ExportError::destination("the run ended by a bug; the server's log has it")))
        });
        let result = self.scrub(&before, result);
        if let Err(error) = self.finish(&before.job, &begun, &result).await {
            tracing::error!(export.job_id = %before.job.id, %error, "how the run ended could not be kept");
        }
        let RunResult { files, events, bytes, .. } = begun.done;
        self.parts().metrics.export_run(result.is_ok(), files, events, bytes);
        tell(&steps, result.map(RunEvent::Result).map_err(ServiceError::from)).await;
    }

    /// The run itself; its steps are counted, and passed on as they come.
    pub(super) async fn drive(
        &self,
        tenant: &TenantId,
        begun: &mut Begun,
        steps: &Steps,
    ) -> Result<RunResult, RunError> {
        let (files, mut changed) = mpsc::channel(WAITING_STEPS);
        let run = self.parts().runner.run(tenant, &begun.lease, files, &self.parts().shutdown);
        let done = &mut begun.done;
        let pass_on = async {
            let mut heard = true;
            while let Some(file) = changed.recv().await {
                if file.state == FileState::Published {
                    done.files += 1;
                    done.events += file.event_count;
                    done.bytes += file.size_bytes;
                }
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
        begun: &Begun,
        result: &Result<RunResult, RunError>,
    ) -> Result<(), ServiceError> {
        let lease = &begun.lease;
        let (state, failure, last_error) = match result {
            // Nothing was asked of the destination, so this says nothing about it.
            Ok(_) if begun.not_needed => (RunState::Stopped, None, String::new()),
            Ok(_) => (RunState::Ok, None, String::new()),
            // The lease is not ours any more, or there is nothing to keep it for.
            Err(RunError::Store(StoreError::LeaseLost | StoreError::JobNotFound)) => return Ok(()),
            // Being stopped is no failure.
            Err(RunError::Cancelled) => (RunState::Stopped, None, String::new()),
            Err(error) => (RunState::Failed, Some(failure(error)), error.to_string()),
        };
        let witnesses = match begun.not_needed {
            true => Vec::new(),
            false => self.change_of_health(before, result, &last_error)?,
        };
        let ended = self.parts().clock.now();
        let outcome = RunOutcome {
            state,
            failure,
            ended,
            next_run: match (begun.trigger, failure) {
                // A heartbeat is beside the schedule.
                (Trigger::Heartbeat, None) => before.standing.next_run,
                _ => self.next_run(before, result, failure, ended),
            },
            kept: begun.kept(state, failure, &last_error, ended),
            silent_since: begun.not_needed.then_some(ended),
            last_error,
        };
        let mut tries = 1;
        loop {
            match self.store().finish_run(lease, outcome.clone(), witnesses.clone()).await {
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

    /// What is told of: that the job begins to fail or works again, and a host key that is not the pinned one.
    fn change_of_health(
        &self,
        before: &ExportJob,
        result: &Result<RunResult, RunError>,
        why: &str,
    ) -> Result<Vec<NewEvent>, ServiceError> {
        let mut told = Vec::new();
        match (before.health, result) {
            (_, Err(RunError::Cancelled)) => {}
            (Health::Ok | Health::Unknown, Err(_)) => {
                told.push((EventType::SERVICE_EXPORT_JOB_FAILED, testimony::failed(before, why)));
            }
            (Health::Failing, Ok(_)) => {
                told.push((EventType::SERVICE_EXPORT_JOB_RECOVERED, testimony::recovered(before)));
            }
            _ => {}
        }
        if let Err(RunError::Export(ExportError::HostKey { presented, pinned: true, .. })) = result
            && before.standing.failure != Some(Failure::HostKey)
        {
            let testimony = testimony::host_key_changed(before, &presented.fingerprint);
            told.push((EventType::SERVICE_HOST_KEY_CHANGED, testimony));
        }
        let witness = &self.parts().witness;
        told.into_iter().map(|(event_type, said)| witness.event(event_type, &before.tenant, said)).collect()
    }
}

/// A run that has its lease.
pub(super) struct Begun {
    pub(super) lease: Lease,
    pub(super) trigger: Trigger,
    started: Timestamp,
    /// What it has published so far.
    pub(super) done: RunResult,
    /// It was for a heartbeat that turned out not to be needed.
    pub(super) not_needed: bool,
}

impl Begun {
    /// What is kept of it: nothing if it found nothing to do by itself.
    fn kept(
        &self,
        state: RunState,
        failure: Option<Failure>,
        error: &str,
        ended: Timestamp,
    ) -> Option<ExportRun> {
        let RunResult { files, events, bytes, .. } = self.done;
        let did_something = files > 0 || state == RunState::Failed || self.trigger == Trigger::Request;
        did_something.then(|| ExportRun {
            number: self.lease.fence,
            trigger: self.trigger,
            state,
            started: self.started,
            ended,
            files,
            events,
            bytes,
            failure,
            error: error.to_owned(),
        })
    }
}

fn failure(error: &RunError) -> Failure {
    match error {
        RunError::Export(error) => error.failure(),
        // A new secret has to be set, or the right key given to the server.
        RunError::Secrets(_) => Failure::Login,
        RunError::Store(_) | RunError::Decode(_) | RunError::Cancelled => Failure::Internal,
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
