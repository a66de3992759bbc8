//! Makes a transaction that has nothing to write wait for the disk.
//!
//! Without a binary log InnoDB shows a commit to others, and lets go of its locks, before its log is flushed; the
//! one who commits waits for the flush, the others do not. Whoever writes after it is safe, since the log is
//! flushed in one order. But a transaction that only finds an event which is there already would write nothing,
//! wait for nothing, and let `DUPLICATE` be said of an event that a power cut can still take away (G1). So it
//! writes something.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};

use crate::store::{
    StoreError,
    contract::AppendOutcome,
    sql::{error::db_error, tenant_key::TenantKey},
};

/// Writes to `locked`, a head of this transaction, for nothing but the flush, if on MySQL a duplicate is all that the outcomes promise.
pub(in crate::store::sql) async fn flush(
    transaction: &DatabaseTransaction,
    locked: Option<TenantKey>,
    outcomes: &[AppendOutcome],
) -> Result<(), StoreError> {
    if transaction.get_database_backend() != DbBackend::MySql {
        return Ok(());
    }
    let writes = outcomes.iter().any(|outcome| matches!(outcome, AppendOutcome::Recorded(_)));
    let promises = outcomes.iter().any(|outcome| matches!(outcome, AppendOutcome::Duplicate(_)));
    if let (false, true, Some(key)) = (writes, promises, locked) {
        const SQL: &str = "UPDATE heads SET flushes = flushes + 1 WHERE tenant_key = ?";
        let statement = Statement::from_sql_and_values(DbBackend::MySql, SQL, [key.get().into()]);
        transaction.execute_raw(statement).await.map_err(db_error)?;
    }
    Ok(())
}
