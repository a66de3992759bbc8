//! What can go wrong in a store.

use std::{error::Error, time::Duration};

/// A store's refusal or failure. Messages hold no event content and no credentials.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such tenant.
    #[error("there is no such tenant")]
    TenantNotFound,
    /// The tenant id is or was in use.
    #[error("the tenant id is or was in use")]
    TenantExists,
    /// The tenant is closed to writing.
    #[error("the tenant is closed to writing")]
    TenantClosed,
    /// There is no such export job.
    #[error("there is no such export job")]
    JobNotFound,
    /// Another job of the tenant has this name.
    #[error("another export job of the tenant has this name")]
    JobExists,
    /// The job is declared in the configuration, which would make it anew.
    #[error(
        "the export job is declared in the server's configuration, which would make it anew at the next start and \
         export its events once more; take it out there and restart: it is paused then and no longer declared, and \
         can be deleted"
    )]
    JobDeclared,
    /// Somebody else holds the job's lease.
    #[error("the export job is being run by somebody else")]
    JobBusy,
    /// The lease ran out and somebody else took it; whatever was to be written was not.
    #[error("the export job's lease was lost")]
    LeaseLost,
    /// There is no such subscription.
    #[error("there is no such subscription")]
    SubscriptionNotFound,
    /// Another subscription of the tenant has this name.
    #[error("another subscription of the tenant has this name")]
    SubscriptionExists,
    /// Another consumer holds the subscription.
    #[error("the subscription is held by another consumer; its lease ends in {:.1} s unless it is renewed", left.as_secs_f64())]
    SubscriptionBusy {
        /// Until its lease ends.
        left: Duration,
    },
    /// The consumer does not hold the subscription any more; whatever was to be written was not.
    #[error("the subscription was taken over by another consumer")]
    SubscriptionLost,
    /// The row has moved on since it was read.
    #[error("the revision has moved on; it is {current} now")]
    RevisionMismatch {
        /// What it is now.
        current: u64,
    },
    /// The database cannot be reached, or gave up for a reason that passes; try again.
    #[error("the database cannot be reached at the moment")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Somebody else holds what is needed, such as a tenant's head, for too long; try again.
    #[error("the database is busy with the same rows at the moment")]
    Busy(#[source] Box<dyn Error + Send + Sync>),
    /// This is not a database that this server can use; says why and the way out.
    #[error("{0}")]
    Incompatible(String),
    /// What was read back makes no sense; says what.
    #[error("the stored data is damaged: {0}")]
    Damaged(String),
    /// Anything else that the database said.
    #[error("the database failed")]
    Database(#[source] Box<dyn Error + Send + Sync>),
}
