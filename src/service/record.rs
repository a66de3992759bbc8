//! Recording events.

use std::sync::Arc;

use super::{ServiceError, prepare::prepare};
use crate::{
    codec::fingerprint,
    domain::{
        id::{EventId, TenantId},
        input::EventInput,
        limits::Limits,
        receipt::{Disposition, Receipt},
        time::Clock,
        validate::{CallContext, validate},
    },
    store::{
        Store, StoreError,
        contract::{AppendOutcome, NewEvent},
    },
    vault::Vault,
};

/// Records events.
#[derive(Clone)]
pub struct Recorder {
    store: Arc<dyn Store>,
    vault: Vault,
    clock: Arc<dyn Clock>,
    limits: Arc<Limits>,
}

/// Who calls, and within which trace.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The credential; `anonymous` while none are configured.
    pub name: String,
    /// The W3C traceparent of the call's metadata; empty if there is none.
    pub trace: String,
}

impl Recorder {
    /// Everything that recording needs.
    pub fn new(store: Arc<dyn Store>, vault: Vault, clock: Arc<dyn Clock>, limits: Arc<Limits>) -> Self {
        Self { store, vault, clock, limits }
    }

    /// Records one event. `path` in violations is `event`.
    pub async fn record(&self, input: EventInput, caller: Caller) -> Result<Receipt, ServiceError> {
        let mut results = self.run(vec![("event".to_owned(), input)], caller).await?;
        results.pop().unwrap_or(Err(ServiceError::ShuttingDown))
    }

    /// Records events in their order, one result each; valid ones are stored even when others are refused.
    /// Fails as a whole if there are too many, or if the store fails (then nothing is stored).
    pub async fn record_batch(
        &self,
        inputs: Vec<EventInput>,
        caller: Caller,
    ) -> Result<Vec<Result<Receipt, ServiceError>>, ServiceError> {
        let limit = self.limits.request_events;
        if inputs.len() > limit {
            return Err(ServiceError::TooManyEvents { actual: inputs.len(), limit });
        }
        let paths =
            inputs.into_iter().enumerate().map(|(i, input)| (format!("events[{i}]"), input)).collect();
        self.run(paths, caller).await
    }

    /// Runs in a task of its own: a client that gives up does not stop what was begun.
    async fn run(
        &self,
        inputs: Vec<(String, EventInput)>,
        caller: Caller,
    ) -> Result<Vec<Result<Receipt, ServiceError>>, ServiceError> {
        let recorder = self.clone();
        let task = tokio::spawn(async move { recorder.run_to_end(inputs, caller).await });
        // A task ends early only when the runtime goes down.
        task.await.unwrap_or(Err(ServiceError::ShuttingDown))
    }

    async fn run_to_end(
        &self,
        inputs: Vec<(String, EventInput)>,
        caller: Caller,
    ) -> Result<Vec<Result<Receipt, ServiceError>>, ServiceError> {
        let call = CallContext { received: self.clock.now(), recorded_by: caller.name, trace: caller.trace };
        let mut results = Vec::with_capacity(inputs.len());
        let mut events = Vec::with_capacity(inputs.len());
        for (path, input) in inputs {
            match self.prepare(&path, input, &call) {
                Ok(event) => {
                    results.push(Ok((event.id, event.tenant.clone())));
                    events.push(event);
                }
                Err(error) => results.push(Err(error)),
            }
        }
        let mut outcomes = match events.is_empty() {
            true => Vec::new(),
            false => self.store.append(events, self.clock.now()).await?,
        }
        .into_iter();
        let answer = |result: Result<(EventId, TenantId), ServiceError>| {
            let (event_id, tenant) = result?;
            let outcome = outcomes.next().ok_or_else(missing_outcome)?;
            Ok(Receipt { event_id, tenant, disposition: disposition(outcome)? })
        };
        Ok(results.into_iter().map(answer).collect())
    }

    fn prepare(&self, path: &str, input: EventInput, call: &CallContext) -> Result<NewEvent, ServiceError> {
        let normalised = fingerprint::normalised(&input);
        let event = validate(input, path, &self.limits, call)?;
        let switch = event.event_type.category();
        prepare(event, &normalised, Some(switch), &self.limits, &self.vault)
    }
}

fn disposition(outcome: AppendOutcome) -> Result<Disposition, ServiceError> {
    match outcome {
        AppendOutcome::Recorded(stamp) => Ok(Disposition::Recorded(stamp)),
        AppendOutcome::Duplicate(stamp) => Ok(Disposition::Duplicate(stamp)),
        AppendOutcome::NotRecorded => Ok(Disposition::NotRecorded),
        AppendOutcome::IdReused => Err(ServiceError::EventIdReused),
        AppendOutcome::TenantClosed => Err(StoreError::TenantClosed.into()),
        AppendOutcome::TenantNotFound => Err(StoreError::TenantNotFound.into()),
    }
}

fn missing_outcome() -> ServiceError {
    StoreError::Damaged("an append answered fewer outcomes than it was given events".to_owned()).into()
}
