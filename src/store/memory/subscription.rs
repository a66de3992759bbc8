//! Subscriptions.

use std::{ops::Bound, time::Duration};

use async_trait::async_trait;

use super::{
    MemoryStore,
    state::{State, Subscribed},
};
use crate::{
    domain::{
        id::TenantId,
        subscription::{Consumer, Subscription},
        time::Timestamp,
    },
    store::{
        StoreError, SubscriptionStore,
        contract::{Holding, NewEvent, NewSubscription, SubscriptionRef, SubscriptionStart, Taken},
    },
};

#[async_trait]
impl SubscriptionStore for MemoryStore {
    async fn create_subscription(
        &self,
        new: NewSubscription,
        witness: NewEvent,
    ) -> Result<Subscription, StoreError> {
        self.change(|state| {
            if state.log(&new.at.tenant)?.tenant.closed {
                return Err(StoreError::TenantClosed);
            }
            let key = (new.at.tenant.clone(), new.at.name.clone());
            if state.subscriptions.contains_key(&key) {
                return Err(StoreError::SubscriptionExists);
            }
            state.witness(&witness, new.created)?;
            let acknowledged_sequence = match new.start {
                SubscriptionStart::After(position) => position,
                SubscriptionStart::Head => state.log(&new.at.tenant)?.tenant.head_sequence,
            };
            let subscription = Subscription {
                tenant: new.at.tenant,
                name: new.at.name,
                filter: new.filter,
                show_personal: new.show_personal,
                created: new.created,
                acknowledged_sequence,
                acknowledged: None,
                consumer: None,
            };
            state.subscriptions.insert(key, Subscribed { subscription: subscription.clone(), held: None });
            Ok(subscription)
        })
    }

    async fn subscription(&self, of: &SubscriptionRef) -> Result<Option<Subscription>, StoreError> {
        let now = self.clock.now();
        let state = self.state();
        state.log(&of.tenant)?;
        let found = state.subscriptions.get(&(of.tenant.clone(), of.name.clone()));
        Ok(found.map(|found| found.shown(now)))
    }

    async fn subscriptions(
        &self,
        tenant: &TenantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Subscription>, StoreError> {
        let now = self.clock.now();
        let state = self.state();
        state.log(tenant)?;
        let after = (tenant.clone(), after.unwrap_or_default().to_owned());
        let later = state.subscriptions.range((Bound::Excluded(after), Bound::Unbounded));
        let ours = later.take_while(|((of, _), _)| of == tenant);
        Ok(ours.take(limit).map(|(_, found)| found.shown(now)).collect())
    }

    async fn delete_subscription(&self, of: &SubscriptionRef, witness: NewEvent) -> Result<(), StoreError> {
        self.change(|state| {
            state.subscribed(of)?;
            state.subscriptions.remove(&(of.tenant.clone(), of.name.clone()));
            match state.witness(&witness, witness.occurred) {
                Err(StoreError::TenantClosed) => Ok(()),
                written => written,
            }
        })
    }

    async fn take_subscription(
        &self,
        holding: &Holding,
        consumer: &str,
        term: Duration,
    ) -> Result<Taken, StoreError> {
        let now = self.clock.now();
        self.change(|state| {
            let found = state.subscribed(&holding.of)?;
            if let Some((holder, until)) = found.held
                && holder != holding.holder
                && until > now
            {
                let left = Duration::from_micros((until.micros() - now.micros()).unsigned_abs());
                return Err(StoreError::SubscriptionBusy { left });
            }
            let until = later(now, term);
            found.held = Some((holding.holder, until));
            let subscription = &mut found.subscription;
            subscription.consumer = Some(Consumer { name: consumer.to_owned(), lease_until: until });
            Ok(Taken {
                acknowledged_sequence: subscription.acknowledged_sequence,
                filter: subscription.filter.clone(),
                show_personal: subscription.show_personal,
            })
        })
    }

    async fn renew_subscription(&self, holding: &Holding, term: Duration) -> Result<(), StoreError> {
        let until = later(self.clock.now(), term);
        self.change(|state| {
            let found = state.held_subscription(holding)?;
            found.held = Some((holding.holder, until));
            if let Some(consumer) = &mut found.subscription.consumer {
                consumer.lease_until = until;
            }
            Ok(())
        })
    }

    async fn acknowledge(&self, holding: &Holding, sequence: u64, now: Timestamp) -> Result<(), StoreError> {
        self.change(|state| {
            let subscription = &mut state.held_subscription(holding)?.subscription;
            if sequence > subscription.acknowledged_sequence {
                subscription.acknowledged_sequence = sequence;
                subscription.acknowledged = Some(now);
            }
            Ok(())
        })
    }

    async fn release_subscription(&self, holding: &Holding) -> Result<(), StoreError> {
        self.change(|state| {
            let found = match state.held_subscription(holding) {
                Err(StoreError::SubscriptionNotFound | StoreError::SubscriptionLost) => return Ok(()),
                found => found?,
            };
            found.held = None;
            found.subscription.consumer = None;
            Ok(())
        })
    }
}

impl State {
    fn subscribed(&mut self, of: &SubscriptionRef) -> Result<&mut Subscribed, StoreError> {
        self.log(&of.tenant)?;
        let found = self.subscriptions.get_mut(&(of.tenant.clone(), of.name.clone()));
        found.ok_or(StoreError::SubscriptionNotFound)
    }

    fn held_subscription(&mut self, holding: &Holding) -> Result<&mut Subscribed, StoreError> {
        let found = self.subscribed(&holding.of)?;
        let ours = found.held.is_some_and(|(holder, _)| holder == holding.holder);
        if ours { Ok(found) } else { Err(StoreError::SubscriptionLost) }
    }
}

impl Subscribed {
    /// The subscription, without a consumer whose lease has ended.
    fn shown(&self, now: Timestamp) -> Subscription {
        let mut subscription = self.subscription.clone();
        if self.held.is_none_or(|(_, until)| until <= now) {
            subscription.consumer = None;
        }
        subscription
    }
}

fn later(now: Timestamp, term: Duration) -> Timestamp {
    now.plus_micros(i64::try_from(term.as_micros()).unwrap_or(i64::MAX))
}
