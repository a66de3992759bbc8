//! What every store promises. In these texts MUST and MUST NOT are meant literally; the conformance suite
//! (`tests/it/store/`) holds each of them on every store.
//!
//! Every method that changes something is one transaction: when it returns `Ok`, all of it is committed and on
//! disk; when it returns `Err`, none of it is there - except [`crate::store::StoreError::Unavailable`], after which the
//! outcome of a commit may be unknown and the caller looks again.

mod event;
mod export;
mod subscription;
mod tenant;

pub use event::{
    AppendOutcome, CountPage, CountRequest, EventStore, Head, NewEvent, Payload, ScanPage, ScanRequest,
    StoredEvent,
};
pub use export::{
    Due, DueJob, ExportStore, FileCut, JobGlance, JobUpdate, KEPT_RUNS, KeptJob, Lease, NewJob, RunOutcome,
};
pub use subscription::{
    Holding, NewSubscription, SubscriptionRef, SubscriptionStart, SubscriptionStore, Taken,
};
pub use tenant::{Installation, NewTenant, TenantStore, TenantUpdate};

/// What reading a log needs.
pub trait LogStore: EventStore + TenantStore {}

impl<T: EventStore + TenantStore> LogStore for T {}

/// All of it.
pub trait Store: LogStore + ExportStore + SubscriptionStore {}

impl<T: LogStore + ExportStore + SubscriptionStore> Store for T {}
