//! Subscriptions: made, read, deleted.

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};

use super::{
    append::{append, witnessed},
    convert,
    entity::subscriptions,
    error::{db_error, is_unique_violation},
    lease,
    log::{Heads, lock_heads, lock_logs},
    store::SqlStore,
    subscription_lease,
    tenant_key::TenantKey,
};
use crate::{
    codec::filter::{decode_filter, encode_filter},
    domain::{
        filter::EventFilter,
        id::TenantId,
        subscription::{Consumer, Subscription},
        time::Timestamp,
    },
    store::{
        StoreError, SubscriptionStore,
        contract::{
            AppendOutcome, Holding, NewEvent, NewSubscription, SubscriptionRef, SubscriptionStart, Taken,
        },
    },
};

#[async_trait]
impl SubscriptionStore for SqlStore {
    async fn create_subscription(
        &self,
        new: NewSubscription,
        witness: NewEvent,
    ) -> Result<Subscription, StoreError> {
        let keys = self.keys.keys(&self.read, [&new.at.tenant, &witness.tenant]).await?;
        let key = *keys.get(&new.at.tenant).ok_or(StoreError::TenantNotFound)?;
        let transaction = self.begin().await?;
        let logs = lock_logs(&transaction, &keys, Heads::WaitedFor).await?;
        let log = logs.get(&new.at.tenant).filter(|log| !log.closed).ok_or(StoreError::TenantClosed)?;
        let outcomes = append(&transaction, &keys, std::slice::from_ref(&witness), new.created).await?;
        witnessed(&outcomes)?;
        let position = match (new.start, outcomes.first()) {
            (SubscriptionStart::After(position), _) => position,
            (SubscriptionStart::Head, Some(AppendOutcome::Recorded(stamp)))
                if witness.tenant == new.at.tenant =>
            {
                stamp.sequence
            }
            (SubscriptionStart::Head, _) => log.head.sequence,
        };
        let row = subscriptions::ActiveModel {
            tenant_key: Set(key.get()),
            name: Set(new.at.name.clone()),
            filter: Set(encode_filter(&new.filter)),
            show_personal: Set(new.show_personal),
            created_time: Set(new.created.micros()),
            acknowledged_sequence: Set(convert::signed(position)),
            acknowledged_time: Set(None),
            holder: Set(None),
            consumer: Set(String::new()),
            lease_until: Set(None),
        };
        subscriptions::Entity::insert(row).exec_without_returning(&transaction).await.map_err(|error| {
            if is_unique_violation(&error) { StoreError::SubscriptionExists } else { db_error(error) }
        })?;
        self.finish(transaction, [&witness.tenant]).await?;
        Ok(Subscription {
            tenant: new.at.tenant,
            name: new.at.name,
            filter: new.filter,
            show_personal: new.show_personal,
            created: new.created,
            acknowledged_sequence: position,
            acknowledged: None,
            consumer: None,
        })
    }

    async fn subscription(&self, of: &SubscriptionRef) -> Result<Option<Subscription>, StoreError> {
        let key = self.key(&of.tenant).await?;
        let query = subscriptions::Entity::of(key).filter(subscriptions::Column::Name.eq(of.name.as_str()));
        Ok(read(&self.read, &of.tenant, query).await?.pop())
    }

    async fn subscriptions(
        &self,
        tenant: &TenantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Subscription>, StoreError> {
        let key = self.key(tenant).await?;
        // The column compares bytes on every database.
        let mut query =
            subscriptions::Entity::of(key).order_by_asc(subscriptions::Column::Name).limit(limit as u64);
        if let Some(after) = after {
            query = query.filter(subscriptions::Column::Name.gt(after));
        }
        read(&self.read, tenant, query).await
    }

    async fn delete_subscription(&self, of: &SubscriptionRef, witness: NewEvent) -> Result<(), StoreError> {
        let keys = self.keys.keys(&self.read, [&of.tenant, &witness.tenant]).await?;
        let key = *keys.get(&of.tenant).ok_or(StoreError::TenantNotFound)?;
        let transaction = self.begin().await?;
        // Heads before everything else, as everywhere.
        lock_heads(&transaction, &keys, Heads::WaitedFor).await?;
        let deleted = subscriptions::Entity::remove(key)
            .filter(subscriptions::Column::Name.eq(of.name.as_str()))
            .exec(&transaction)
            .await
            .map_err(db_error)?;
        if deleted.rows_affected == 0 {
            return Err(StoreError::SubscriptionNotFound);
        }
        let outcomes = append(&transaction, &keys, std::slice::from_ref(&witness), witness.occurred).await?;
        if outcomes != [AppendOutcome::TenantClosed] {
            witnessed(&outcomes)?;
        }
        self.finish(transaction, [&witness.tenant]).await
    }

    async fn take_subscription(
        &self,
        holding: &Holding,
        consumer: &str,
        term: Duration,
    ) -> Result<Taken, StoreError> {
        subscription_lease::take(self, holding, consumer, term).await
    }

    async fn renew_subscription(&self, holding: &Holding, term: Duration) -> Result<(), StoreError> {
        subscription_lease::renew(self, holding, term).await
    }

    async fn acknowledge(&self, holding: &Holding, sequence: u64, now: Timestamp) -> Result<(), StoreError> {
        subscription_lease::acknowledge(self, holding, sequence, now).await
    }

    async fn release_subscription(&self, holding: &Holding) -> Result<(), StoreError> {
        subscription_lease::release(self, holding).await
    }
}

/// The filter that a row keeps.
pub(super) fn filter(row: &subscriptions::Model) -> Result<EventFilter, StoreError> {
    decode_filter(&row.filter)
        .map_err(|cause| StoreError::Damaged(format!("the filter of subscription {}: {cause}", row.name)))
}

/// What `query` finds, with who holds it by the database's clock.
async fn read(
    db: &impl ConnectionTrait,
    tenant: &TenantId,
    query: sea_orm::Select<subscriptions::Entity>,
) -> Result<Vec<Subscription>, StoreError> {
    let rows = query.all(db).await.map_err(db_error)?;
    if rows.iter().all(|row| row.lease_until.is_none()) {
        return rows.into_iter().map(|row| subscription(tenant, row, 0)).collect();
    }
    // Asked for after the rows were read: a lease that has ended by then is not shown.
    let now = now(db).await?;
    rows.into_iter().map(|row| subscription(tenant, row, now)).collect()
}

/// The database's clock, in microseconds since the epoch.
pub(super) async fn now(db: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let backend = db.get_database_backend();
    let mut query = sea_orm::sea_query::Query::select();
    query.expr_as(Expr::cust(lease::now(backend)), "now");
    let row = db.query_one(&query).await.map_err(db_error)?;
    let row = row.ok_or_else(|| StoreError::Damaged("the database tells no time".to_owned()))?;
    row.try_get("", "now").map_err(db_error)
}

fn subscription(tenant: &TenantId, row: subscriptions::Model, now: i64) -> Result<Subscription, StoreError> {
    let filter = filter(&row)?;
    let until = row.lease_until.filter(|until| row.holder.is_some() && *until > now);
    let consumer =
        until.map(|until| Consumer { name: row.consumer, lease_until: Timestamp::from_micros(until) });
    Ok(Subscription {
        tenant: tenant.clone(),
        name: row.name,
        filter,
        show_personal: row.show_personal,
        created: Timestamp::from_micros(row.created_time),
        acknowledged_sequence: convert::unsigned(row.acknowledged_sequence)?,
        acknowledged: row.acknowledged_time.map(Timestamp::from_micros),
        consumer,
    })
}

/// For [`subscription_lease`]: rows of one subscription.
pub(super) fn one(key: TenantKey, name: &str) -> sea_orm::Select<subscriptions::Entity> {
    subscriptions::Entity::of(key).filter(subscriptions::Column::Name.eq(name))
}
