//! Who holds a subscription, and how far it came. Times of leases are the database's.

use std::time::Duration;

use sea_orm::{ColumnTrait, DatabaseTransaction, QueryFilter, QuerySelect, UpdateMany, sea_query::Expr};
use uuid::Uuid;

use super::{
    convert,
    entity::subscriptions::{self, Column, Entity},
    error::db_error,
    lease::{after, backend},
    store::SqlStore,
    subscription::{filter, now, one},
    tenant_key::TenantKey,
};
use crate::{
    domain::time::Timestamp,
    store::{
        StoreError,
        contract::{Holding, Taken},
    },
};

/// Takes the lease, unless another holder's is in force.
pub(super) async fn take(
    store: &SqlStore,
    holding: &Holding,
    consumer: &str,
    term: Duration,
) -> Result<Taken, StoreError> {
    let locked = lock(store, holding).await?;
    let held = locked.row.holder.filter(|holder| *holder != holding.holder).and(locked.row.lease_until);
    if let Some(until) = held {
        // Told after the row was locked, so that waiting for the lock does not make it early.
        let left = until - now(&locked.transaction).await?;
        if let Ok(micros @ 1..) = u64::try_from(left) {
            return Err(StoreError::SubscriptionBusy { left: Duration::from_micros(micros) });
        }
    }
    let taken = Taken {
        acknowledged_sequence: convert::unsigned(locked.row.acknowledged_sequence)?,
        filter: filter(&locked.row)?,
        show_personal: locked.row.show_personal,
    };
    let change = locked
        .change()
        .col_expr(Column::Holder, Expr::value(holding.holder))
        .col_expr(Column::Consumer, Expr::value(consumer))
        .col_expr(Column::LeaseUntil, after(backend(&locked.transaction), term));
    locked.commit(change).await?;
    Ok(taken)
}

pub(super) async fn renew(store: &SqlStore, holding: &Holding, term: Duration) -> Result<(), StoreError> {
    let locked = lock(store, holding).await?.held()?;
    let until = after(backend(&locked.transaction), term);
    let change = locked.change().col_expr(Column::LeaseUntil, until);
    locked.commit(change).await
}

pub(super) async fn acknowledge(
    store: &SqlStore,
    holding: &Holding,
    sequence: u64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let locked = lock(store, holding).await?.held()?;
    if sequence <= convert::unsigned(locked.row.acknowledged_sequence)? {
        return Ok(());
    }
    let change = locked
        .change()
        .col_expr(Column::AcknowledgedSequence, Expr::value(convert::signed(sequence)))
        .col_expr(Column::AcknowledgedTime, Expr::value(now.micros()));
    locked.commit(change).await
}

pub(super) async fn release(store: &SqlStore, holding: &Holding) -> Result<(), StoreError> {
    let locked = match lock(store, holding).await.and_then(Locked::held) {
        Err(StoreError::SubscriptionNotFound | StoreError::SubscriptionLost) => return Ok(()),
        locked => locked?,
    };
    let change = locked
        .change()
        .col_expr(Column::Holder, Expr::value(None::<Uuid>))
        .col_expr(Column::Consumer, Expr::value(""))
        .col_expr(Column::LeaseUntil, Expr::value(None::<i64>));
    locked.commit(change).await
}

/// A transaction that has locked a subscription: until it ends nobody else takes it.
struct Locked {
    transaction: DatabaseTransaction,
    key: TenantKey,
    row: subscriptions::Model,
    holder: Uuid,
}

async fn lock(store: &SqlStore, holding: &Holding) -> Result<Locked, StoreError> {
    let key = store.key(&holding.of.tenant).await?;
    let transaction = store.begin().await?;
    let row = one(key, &holding.of.name).lock_exclusive().one(&transaction).await.map_err(db_error)?;
    let row = row.ok_or(StoreError::SubscriptionNotFound)?;
    Ok(Locked { transaction, key, row, holder: holding.holder })
}

impl Locked {
    /// Itself, if it is the holder's; `SubscriptionLost`. That a lease has ended does not matter as long as
    /// nobody else has taken the subscription.
    fn held(self) -> Result<Self, StoreError> {
        if self.row.holder == Some(self.holder) { Ok(self) } else { Err(StoreError::SubscriptionLost) }
    }

    /// An update of the row.
    fn change(&self) -> UpdateMany<Entity> {
        Entity::change(self.key).filter(Column::Name.eq(self.row.name.as_str()))
    }

    async fn commit(self, change: UpdateMany<Entity>) -> Result<(), StoreError> {
        change.exec(&self.transaction).await.map_err(db_error)?;
        self.transaction.commit().await.map_err(db_error)
    }
}
