//! The store itself: its connections and what it remembers.

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use super::{
    check::{look, usable},
    connect::{Connections, connect},
    database::{Database, PoolOptions},
    error::db_error,
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
    write: DatabaseConnection,
    pub(super) read: DatabaseConnection,
    pub(super) keys: TenantKeys,
    pub(super) wakeups: Wakeups,
}

impl SqlStore {
    /// Opens a database that has been migrated. `Unavailable` if it cannot be reached; `Incompatible`, with the
    /// way out, if it is empty, not vidne's, too old, or too new.
    pub async fn open(database: &Database, options: &PoolOptions) -> Result<Self, StoreError> {
        let Connections { write, read } = connect(database, options).await?;
        usable(&look(&read).await?)?;
        Ok(Self { write, read, keys: TenantKeys::default(), wakeups: Wakeups::default() })
    }

    /// Waits for calls under way and closes all connections.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.read.close_by_ref().await.map_err(db_error)?;
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

    /// The key of a tenant; `TenantNotFound`.
    pub(super) async fn key(&self, tenant: &TenantId) -> Result<TenantKey, StoreError> {
        self.keys.key(&self.read, tenant).await
    }
}
