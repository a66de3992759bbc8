//! The store itself: its connections and what it remembers.

use std::sync::Arc;

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use tokio::sync::{Semaphore, watch};

use super::{
    check::{look, usable},
    connect::{Bulk, Connections, connect},
    database::{Database, PoolOptions},
    error::db_error,
    known_heads::KnownHeads,
    notify::Notifier,
    row_sizes::RowSizes,
    tenant_key::{TenantKey, TenantKeys},
};
use crate::{
    domain::id::TenantId,
    store::{StoreError, wakeups::Wakeups},
};

/// Keeps events, tenants and export jobs in SQLite, PostgreSQL, MariaDB or MySQL. Dropping a call's future is safe: its
/// transaction is rolled back. A database that went away is used again as soon as it is back.
#[derive(Debug)]
pub struct SqlStore {
    pub(super) write: DatabaseConnection,
    pub(super) read: DatabaseConnection,
    pub(super) keys: TenantKeys,
    pub(super) known_heads: KnownHeads,
    pub(super) sizes: RowSizes,
    wakeups: Arc<Wakeups>,
    /// On PostgreSQL.
    notifier: Option<Notifier>,
    pub(super) bulk: Option<Bulk>,
    /// Appends that may wait for a head at once: they hold connections that others need.
    pub(super) waiting: Semaphore,
    /// Scans that may read by two connections at once: others need some too.
    pub(super) second: Semaphore,
}

impl SqlStore {
    /// Opens a database that has been migrated. `Unavailable` if it cannot be reached; `Incompatible`, with the
    /// way out, if it is empty, not vidne's, too old, or too new.
    pub async fn open(database: &Database, options: &PoolOptions) -> Result<Self, StoreError> {
        let Connections { write, read, bulk } = connect(database, options).await?;
        usable(&look(&read).await?)?;
        let (keys, wakeups) = (TenantKeys::default(), Arc::new(Wakeups::default()));
        let notifier = bulk.as_ref().map(|bulk| {
            let speak = write.get_postgres_connection_pool().clone();
            Notifier::start(speak, bulk.listen.clone(), wakeups.clone())
        });
        let third = || Semaphore::new((options.max_connections as usize / 3).max(1));
        let (waiting, second) = (third(), third());
        let (known_heads, sizes) = (KnownHeads::default(), RowSizes::default());
        Ok(Self { write, read, bulk, waiting, second, keys, known_heads, sizes, wakeups, notifier })
    }

    /// Waits for calls under way and closes all connections.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.read.close_by_ref().await.map_err(db_error)?;
        if let Some(bulk) = &self.bulk {
            bulk.pool.close().await;
            bulk.listen.close().await;
        }
        self.write.close_by_ref().await.map_err(db_error)
    }

    /// Begins a transaction that writes: READ COMMITTED on database servers (a setting of the connection), IMMEDIATE
    /// on SQLite, where a transaction that begins as a reader fails when it turns into a writer.
    pub(super) async fn begin(&self) -> Result<DatabaseTransaction, StoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.write.begin_with_options(options).await.map_err(db_error)
    }

    /// Tells those who wait, here and on other servers, that these logs may have grown.
    pub(super) fn wake<'a>(&self, tenants: impl IntoIterator<Item = &'a TenantId> + Clone) {
        self.wakeups.wake(tenants.clone());
        if let Some(notifier) = &self.notifier {
            notifier.grown(tenants);
        }
    }

    /// Changes when this log may have grown.
    pub(super) fn wakeups(&self, tenant: &TenantId) -> watch::Receiver<u64> {
        let receiver = self.wakeups.subscribe(tenant);
        if let Some(notifier) = &self.notifier {
            notifier.listen();
        }
        receiver
    }

    /// The key of a tenant; `TenantNotFound`.
    pub(super) async fn key(&self, tenant: &TenantId) -> Result<TenantKey, StoreError> {
        self.keys.key(&self.read, tenant).await
    }
}
