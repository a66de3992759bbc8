//! Recording events.

use std::sync::Arc;

use super::{
    ServiceError,
    journal::{Admission, Journal, Pending},
    prepare::prepare,
};
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
        StoreError,
        contract::{AppendOutcome, NewEvent},
    },
    vault::Vault,
};

/// Records events.
#[derive(Clone)]
pub struct Recorder {
    journal: Journal,
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

/// What became of one event.
pub type Recorded = Result<Receipt, ServiceError>;

/// Events on their way to the log; [`Recording::results`] waits for what becomes of them.
#[must_use]
pub struct Recording {
    /// In the order of the request: the events that are on their way, and why the others are not.
    sent: Vec<Result<(EventId, TenantId), ServiceError>>,
    pending: Pending,
}

impl Recorder {
    /// Everything that recording needs.
    pub fn new(journal: Journal, vault: Vault, clock: Arc<dyn Clock>, limits: Arc<Limits>) -> Self {
        Self { journal, vault, clock, limits }
    }

    /// Records one event. `path` in violations is `event`.
    pub async fn record(&self, input: EventInput, caller: &Caller) -> Recorded {
        let sent = self.send(vec![("event".to_owned(), input)], caller, Admission::Now).await?;
        sent.results().await.pop().unwrap_or(Err(ServiceError::ShuttingDown))
    }

    /// Records events in their order, one result each; valid ones are stored even when others are refused.
    /// Fails as a whole if there are too many, or if there is no room for them now (`Overloaded`).
    pub async fn record_batch(
        &self,
        inputs: Vec<EventInput>,
        caller: &Caller,
    ) -> Result<Vec<Recorded>, ServiceError> {
        Ok(self.begin(inputs, caller, Admission::Now).await?.results().await)
    }

    /// Puts events into the journal's queue and returns; later events of the same tenant stand behind them.
    /// With [`Admission::Wait`] it waits until there is room.
    pub async fn begin(
        &self,
        inputs: Vec<EventInput>,
        caller: &Caller,
        admission: Admission,
    ) -> Result<Recording, ServiceError> {
        let limit = self.limits.request_events;
        if inputs.len() > limit {
            return Err(ServiceError::TooManyEvents { actual: inputs.len(), limit });
        }
        let named = |(i, input)| (format!("events[{i}]"), input);
        self.send(inputs.into_iter().enumerate().map(named).collect(), caller, admission).await
    }

    async fn send(
        &self,
        inputs: Vec<(String, EventInput)>,
        caller: &Caller,
        admission: Admission,
    ) -> Result<Recording, ServiceError> {
        let call = CallContext {
            received: self.clock.now(),
            recorded_by: caller.name.clone(),
            trace: caller.trace.clone(),
        };
        let mut sent = Vec::with_capacity(inputs.len());
        let mut events = Vec::with_capacity(inputs.len());
        for (path, input) in inputs {
            match self.prepare(&path, input, &call) {
                Ok(event) => {
                    sent.push(Ok((event.id, event.tenant.clone())));
                    events.push(event);
                }
                Err(error) => sent.push(Err(error)),
            }
        }
        Ok(Recording { sent, pending: self.journal.enqueue(events, admission).await? })
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

impl Recording {
    /// One result for each event of the request, in its order, once all are decided.
    pub async fn results(self) -> Vec<Recorded> {
        let mut outcomes = self.pending.outcomes().await.into_iter();
        let answer = |sent: Result<(EventId, TenantId), ServiceError>| {
            let (event_id, tenant) = sent?;
            let outcome = outcomes.next().unwrap_or(Err(ServiceError::ShuttingDown))?;
            Ok(Receipt { event_id, tenant, disposition: disposition(outcome)? })
        };
        self.sent.into_iter().map(answer).collect()
    }
}
