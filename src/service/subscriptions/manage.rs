//! Creating, showing and deleting subscriptions.

use std::time::Duration;

use super::{Subscriptions, testimony};
use crate::{
    domain::{
        catalogue::EventType,
        filter::EventFilter,
        id::TenantId,
        subscription::{Subscription, check_name},
        violation::Violations,
    },
    service::ServiceError,
    store::{
        StoreError,
        contract::{self, Head, SubscriptionRef, SubscriptionStart},
    },
};

/// A subscription to be created.
#[derive(Clone, Debug)]
pub struct NewSubscription {
    /// Its log.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// Which events.
    pub filter: EventFilter,
    /// With national ids.
    pub show_personal: bool,
    /// Where it begins.
    pub start: Start,
}

/// Where a new subscription begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the first event of the log.
    #[default]
    Beginning,
    /// After this position, which the log must have reached.
    After(u64),
    /// With what is recorded from now on; not even with the event that tells of its creation.
    Now,
}

/// A subscription and how far behind it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionStatus {
    /// The subscription.
    pub subscription: Subscription,
    /// The position of the tenant's newest event.
    pub head: u64,
    /// The age of the oldest event after its position, whether it matches or not; `None` if there is none.
    pub lag: Option<Duration>,
}

impl Subscriptions {
    /// Creates a subscription; `SubscriptionCreated` goes to the tenant's log. `SubscriptionExists`;
    /// `TenantClosed`, since a closed log takes no event that tells of it.
    pub async fn create(
        &self,
        new: NewSubscription,
        caller: &str,
    ) -> Result<SubscriptionStatus, ServiceError> {
        check_name(&new.name, "subscription.name")?;
        let start = match new.start {
            Start::Beginning => SubscriptionStart::After(0),
            Start::After(position) => {
                self.check_start(&new.tenant, position).await?;
                SubscriptionStart::After(position)
            }
            Start::Now => SubscriptionStart::Head,
        };
        let testimony = testimony::created(&new.name, new.show_personal, caller);
        let parts = self.parts();
        let witness = parts.witness.event(EventType::SERVICE_SUBSCRIPTION_CREATED, &new.tenant, testimony)?;
        let new = contract::NewSubscription {
            at: SubscriptionRef { tenant: new.tenant, name: new.name },
            filter: new.filter,
            show_personal: new.show_personal,
            start,
            created: parts.clock.now(),
        };
        let created = self.store().create_subscription(new, witness).await?;
        let head = self.store().head(&created.tenant).await?;
        self.status(created, head).await
    }

    /// One subscription with its lag.
    pub async fn get(&self, tenant: &TenantId, name: &str) -> Result<SubscriptionStatus, ServiceError> {
        let of = named(tenant, name, "name")?;
        let found = self.store().subscription(&of).await?.ok_or(StoreError::SubscriptionNotFound)?;
        // Read after the position, so that the position is never beyond it.
        let head = self.store().head(tenant).await?;
        self.status(found, head).await
    }

    /// At most `limit` subscriptions by name, after `after`.
    pub async fn list(
        &self,
        tenant: &TenantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<SubscriptionStatus>, ServiceError> {
        let found = self.store().subscriptions(tenant, after, limit).await?;
        let head = self.store().head(tenant).await?;
        let mut all = Vec::with_capacity(found.len());
        for subscription in found {
            all.push(self.status(subscription, head).await?);
        }
        Ok(all)
    }

    /// Deletes a subscription with its position; its consumer's stream ends with `SubscriptionNotFound`.
    /// `SubscriptionDeleted` goes to the tenant's log, unless that is closed.
    pub async fn delete(&self, tenant: &TenantId, name: &str, caller: &str) -> Result<(), ServiceError> {
        let of = named(tenant, name, "name")?;
        let testimony = testimony::deleted(name, caller);
        let witness =
            self.parts().witness.event(EventType::SERVICE_SUBSCRIPTION_DELETED, tenant, testimony)?;
        self.store().delete_subscription(&of, witness).await?;
        self.deletions().send_modify(|count| *count = count.wrapping_add(1));
        Ok(())
    }

    /// A position that the log has not reached is a mistake: events recorded later would be left out silently.
    async fn check_start(&self, tenant: &TenantId, position: u64) -> Result<(), ServiceError> {
        let head = self.store().head(tenant).await?.sequence;
        if position <= head {
            return Ok(());
        }
        let message = format!("beyond the newest event, which is {head}; say from_now to begin there");
        Err(Violations::one("after_sequence", message).into())
    }

    async fn status(
        &self,
        subscription: Subscription,
        head: Head,
    ) -> Result<SubscriptionStatus, ServiceError> {
        let position = subscription.acknowledged_sequence;
        let head = head.sequence.max(position);
        let oldest = if position < head {
            self.store().event_at(&subscription.tenant, position + 1).await?
        } else {
            None
        };
        let now = self.parts().clock.now().micros();
        let age = |micros: i64| Duration::from_micros(u64::try_from(micros).unwrap_or_default());
        let lag = oldest.map(|event| age(now.saturating_sub(event.recorded.micros())));
        Ok(SubscriptionStatus { subscription, head, lag })
    }
}

/// The subscription of this name, which is checked.
pub(super) fn named(tenant: &TenantId, name: &str, field: &str) -> Result<SubscriptionRef, Violations> {
    check_name(name, field)?;
    Ok(SubscriptionRef { tenant: tenant.clone(), name: name.to_owned() })
}
