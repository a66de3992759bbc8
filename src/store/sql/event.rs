//! The event store: appends, looks up, scans, wakes.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, QueryFilter, Select};
use tokio::sync::watch;

use super::{
    append::append_to,
    compare::Compared,
    convert,
    count::count,
    entity::{events, heads},
    error::db_error,
    log::Heads,
    postgres_append,
    postgres_compare::{self, COMPARE_ROWS},
    question::Columns,
    recorded::first_recorded,
    scan::{Scan, scan},
    sqlite_append, sqlite_compare,
    store::SqlStore,
    tenant_key::TenantKey,
};
use crate::{
    domain::{
        id::{EventId, TenantId},
        time::Timestamp,
    },
    store::{
        EventStore, StoreError,
        contract::{
            AppendOutcome, CountPage, CountRequest, Head, NewEvent, Payload, ScanPage, ScanRequest,
            StoredEvent,
        },
    },
};

#[async_trait]
impl EventStore for SqlStore {
    async fn append(&self, events: &[NewEvent], now: Timestamp) -> Result<Vec<AppendOutcome>, StoreError> {
        self.append_batch(events, now, Heads::WaitedFor).await
    }

    async fn try_append(
        &self,
        events: &[NewEvent],
        now: Timestamp,
    ) -> Result<Vec<AppendOutcome>, StoreError> {
        self.append_batch(events, now, Heads::FreeOrBusy).await
    }

    async fn event_by_id(&self, tenant: &TenantId, id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        let rows = events::Entity::of(self.key(tenant).await?).filter(events::Column::EventId.eq(id.uuid()));
        self.one(rows).await
    }

    async fn event_at(&self, tenant: &TenantId, sequence: u64) -> Result<Option<StoredEvent>, StoreError> {
        let rows = events::Entity::of(self.key(tenant).await?)
            .filter(events::Column::Sequence.eq(convert::signed(sequence)));
        self.one(rows).await
    }

    async fn head(&self, tenant: &TenantId) -> Result<Head, StoreError> {
        let row = heads::Entity::of(self.key(tenant).await?).one(&self.read).await.map_err(db_error)?;
        let row = row.ok_or_else(|| StoreError::Damaged(format!("tenant {tenant} has no head")))?;
        convert::head(&row)
    }

    async fn scan(&self, request: ScanRequest<'_>) -> Result<ScanPage, StoreError> {
        scan(&self.scanning(request.tenant).await?, &request).await
    }

    async fn scan_payloads(&self, request: ScanRequest<'_>) -> Result<ScanPage<Payload>, StoreError> {
        scan(&self.scanning(request.tenant).await?, &request).await
    }

    async fn first_recorded(&self, tenant: &TenantId, time: Timestamp) -> Result<u64, StoreError> {
        let head = self.head(tenant).await?;
        if head.recorded < time {
            return Ok(head.sequence.saturating_add(1));
        }
        first_recorded(&self.read, self.key(tenant).await?, head.sequence, time).await
    }

    async fn count(&self, request: CountRequest<'_>) -> Result<CountPage, StoreError> {
        count(&self.read, self.key(request.tenant).await?, &request).await
    }

    fn wakeups(&self, tenant: &TenantId) -> watch::Receiver<u64> {
        self.wakeups(tenant)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.read.ping().await.map_err(db_error)
    }
}

impl SqlStore {
    async fn scanning(&self, tenant: &TenantId) -> Result<Scan<'_>, StoreError> {
        let Self { read, sizes, second, .. } = self;
        Ok(Scan { db: read, key: self.key(tenant).await?, sizes, second })
    }

    async fn one(&self, rows: Select<events::Entity>) -> Result<Option<StoredEvent>, StoreError> {
        let row = self.read.query_one(&Columns::All.of(rows, true)).await.map_err(db_error)?;
        row.map(|row| convert::stored_event(&row, true)).transpose()
    }

    async fn append_batch(
        &self,
        events: &[NewEvent],
        now: Timestamp,
        lock: Heads,
    ) -> Result<Vec<AppendOutcome>, StoreError> {
        let tenants: HashSet<&TenantId> = events.iter().map(|event| &event.tenant).collect();
        let keys = self.keys.keys(&self.read, tenants.iter().copied()).await?;
        if keys.is_empty() {
            return Ok(vec![AppendOutcome::TenantNotFound; events.len()]);
        }
        let appended = match self.append_if_as_left(&keys, events, now, lock).await {
            Ok(Some(outcomes)) => Ok(outcomes),
            Ok(None) => self.append_anyway(&keys, events, now, lock).await,
            Err(error) => Err(error),
        };
        // Also after a commit of unknown outcome: the events may be there.
        self.wake(tenants.iter().copied());
        appended
    }

    /// Appends to one log if it is as this server left it; `None` if it is not, or if this database has no such way.
    async fn append_if_as_left(
        &self,
        keys: &HashMap<TenantId, TenantKey>,
        events: &[NewEvent],
        now: Timestamp,
        lock: Heads,
    ) -> Result<Option<Vec<AppendOutcome>>, StoreError> {
        let (Some((tenant, key)), 1) = (keys.iter().next(), keys.len()) else { return Ok(None) };
        if events.iter().any(|event| event.tenant != *tenant) {
            return Ok(None);
        }
        let compared = match (self.write.get_database_backend(), &self.bulk) {
            (DbBackend::Sqlite, _) => {
                let Some(log) = self.known_heads.take(*key) else { return Ok(None) };
                let pool = self.write.get_sqlite_connection_pool();
                sqlite_compare::compare_and_append(pool, tenant, log, events, now).await?
            }
            (DbBackend::Postgres, Some(bulk))
                if lock == Heads::FreeOrBusy && events.len() <= COMPARE_ROWS =>
            {
                let Some(log) = self.known_heads.take(*key) else { return Ok(None) };
                postgres_compare::compare_and_append(&bulk.pool, tenant, log, events, now).await?
            }
            _ => return Ok(None),
        };
        match compared {
            Compared::Appended(outcomes, log) => {
                self.known_heads.keep(log);
                Ok(Some(outcomes))
            }
            Compared::Unexpected => Ok(None),
        }
    }

    /// Appends whatever the logs are like.
    async fn append_anyway(
        &self,
        keys: &HashMap<TenantId, TenantKey>,
        events: &[NewEvent],
        now: Timestamp,
        lock: Heads,
    ) -> Result<Vec<AppendOutcome>, StoreError> {
        let (outcomes, logs) = match (self.write.get_database_backend(), &self.bulk) {
            (DbBackend::Sqlite, _) => {
                let pool = self.write.get_sqlite_connection_pool();
                sqlite_append::append(pool, keys, events, now).await?
            }
            (DbBackend::Postgres, Some(bulk)) if lock == Heads::FreeOrBusy => {
                postgres_append::append(&bulk.pool, (lock, bulk.with_copy), keys, events, now).await?
            }
            (DbBackend::Postgres, _) => {
                // Never fails: nobody closes it.
                let _waiting = self.waiting.acquire().await;
                let pool = self.write.get_postgres_connection_pool();
                postgres_append::append(pool, (lock, false), keys, events, now).await?
            }
            _ => {
                let transaction = self.begin().await?;
                let outcomes = append_to(&transaction, (keys, lock), events, now).await?;
                transaction.commit().await.map_err(db_error)?;
                (outcomes, Vec::new())
            }
        };
        for log in logs {
            self.known_heads.keep(log);
        }
        Ok(outcomes)
    }
}
