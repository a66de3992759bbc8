//! Named subscriptions: consumers whose position the server keeps.
//!
//! `manage` creates, shows and deletes them; `consume` begins a stream, which runs as a task of its own: `session`
//! is that task, `window` what it has delivered and not heard of again, `writes` what it is to write to the store
//! `keeper` how, and `patience` how
//! long it waits for a consumer that says nothing.

mod consume;
mod keeper;
mod manage;
mod patience;
mod session;
mod testimony;
mod window;
mod writes;

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{query::Queries, witness::Witness};
use crate::{domain::time::Clock, store::Store};

pub use consume::{ConsumeStart, Consuming, Delivery, Said};
pub use manage::{NewSubscription, Start, SubscriptionStatus};

/// How consuming is bounded and timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionOptions {
    /// How long a consumer that vanished holds its subscription.
    pub lease: Duration,
    /// Events that one consumer may have without having acknowledged them.
    pub max_unacknowledged: usize,
    /// How long a consumer may keep events without acknowledging any, or leave them unread.
    pub stall_timeout: Duration,
    /// A stream that is held back says at this interval that it is alive.
    pub progress_interval: Duration,
}

impl Default for SubscriptionOptions {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            max_unacknowledged: 10_000,
            stall_timeout: Duration::from_secs(600),
            progress_interval: Duration::from_secs(10),
        }
    }
}

/// Everything that subscriptions need.
pub struct SubscriptionParts {
    /// Keeps them.
    pub store: Arc<dyn Store>,
    /// Reads the events.
    pub queries: Queries,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// Tells of changes.
    pub witness: Witness,
    /// Bounds and times.
    pub options: SubscriptionOptions,
    /// Consumers' tasks are in here; they end by themselves after `shutdown`.
    pub tasks: TaskTracker,
    /// Ends streams with `ShuttingDown`.
    pub shutdown: CancellationToken,
}

/// Manages and consumes subscriptions. Cheap to clone.
#[derive(Clone)]
pub struct Subscriptions(Arc<Inner>);

struct Inner {
    parts: SubscriptionParts,
    /// Counts subscriptions that this server has deleted, so that their consumers hear of it at once.
    deletions: watch::Sender<u64>,
}

impl Subscriptions {
    /// With these parts.
    pub fn new(parts: SubscriptionParts) -> Self {
        Self(Arc::new(Inner { parts, deletions: watch::Sender::new(0) }))
    }

    fn parts(&self) -> &SubscriptionParts {
        &self.0.parts
    }

    fn deletions(&self) -> &watch::Sender<u64> {
        &self.0.deletions
    }

    fn store(&self) -> &Arc<dyn Store> {
        &self.0.parts.store
    }
}
