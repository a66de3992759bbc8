//! Subscriptions: their positions, and who holds them.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::NewEvent;
use crate::{
    domain::{filter::EventFilter, id::TenantId, subscription::Subscription, time::Timestamp},
    store::StoreError,
};

/// A subscription to be created.
#[derive(Clone, Debug)]
pub struct NewSubscription {
    /// Which.
    pub at: SubscriptionRef,
    /// Which events.
    pub filter: EventFilter,
    /// Deliver national ids too.
    pub show_personal: bool,
    /// Where it begins.
    pub start: SubscriptionStart,
    /// When.
    pub created: Timestamp,
}

/// Where a new subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionStart {
    /// After this position; 0: at the beginning of the log.
    After(u64),
    /// At the head, the witness of its creation included.
    Head,
}

/// The name of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionRef {
    /// Its log.
    pub tenant: TenantId,
    /// Its name within it.
    pub name: String,
}

/// The right to consume a subscription: the stream that took it, by a random id of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Which.
    pub of: SubscriptionRef,
    /// Who.
    pub holder: Uuid,
}

/// What a consumer has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Where it goes on: after this position.
    pub acknowledged_sequence: u64,
    /// Which events.
    pub filter: EventFilter,
    /// Deliver national ids too.
    pub show_personal: bool,
}

/// Keeps subscriptions. Leases run by the database's own time, so that the clocks of several servers do not
/// matter. A holding is lost once somebody else has taken the subscription, or it was given up; a write with a
/// lost one MUST fail with `SubscriptionLost` and change nothing, and with `SubscriptionNotFound` if the
/// subscription is gone. A lease that has ended but that nobody has taken is not lost.
///
/// Every method: `TenantNotFound`. Closed tenants have subscriptions too: only creating one is refused.
#[async_trait]
pub trait SubscriptionStore: Send + Sync + 'static {
    /// Creates a subscription; `SubscriptionExists` if the name is taken, `TenantClosed`. The witness MUST be
    /// appended in the same transaction.
    async fn create_subscription(
        &self,
        new: NewSubscription,
        witness: NewEvent,
    ) -> Result<Subscription, StoreError>;

    /// One subscription.
    async fn subscription(&self, of: &SubscriptionRef) -> Result<Option<Subscription>, StoreError>;

    /// At most `limit` subscriptions of a tenant in the order of their names, after `after`.
    async fn subscriptions(
        &self,
        tenant: &TenantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Subscription>, StoreError>;

    /// Deletes a subscription with its position, whoever holds it: its name is free again. A witness that its
    /// closed tenant takes no more is left out. `SubscriptionNotFound`.
    async fn delete_subscription(&self, of: &SubscriptionRef, witness: NewEvent) -> Result<(), StoreError>;

    /// Takes a subscription for `term`, if nobody else holds it in force; `SubscriptionBusy` else. Taking again
    /// what one holds renews it. `consumer` is what the holder calls itself.
    async fn take_subscription(
        &self,
        holding: &Holding,
        consumer: &str,
        term: Duration,
    ) -> Result<Taken, StoreError>;

    /// Makes the lease last for `term` from now.
    async fn renew_subscription(&self, holding: &Holding, term: Duration) -> Result<(), StoreError>;

    /// Everything up to `sequence` is dealt with. A position lower than the one kept MUST change nothing.
    async fn acknowledge(&self, holding: &Holding, sequence: u64, now: Timestamp) -> Result<(), StoreError>;

    /// Gives the subscription up: it can be taken at once. What is lost already, or gone, is fine.
    async fn release_subscription(&self, holding: &Holding) -> Result<(), StoreError>;
}
