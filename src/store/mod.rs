//! Where events, tenants, export jobs and subscriptions are kept. The only room that knows SeaORM and sqlx.
//!
//! `contract` says what every store promises; `sql` keeps it on SQLite, PostgreSQL, MariaDB and MySQL, `memory` is the model
//! that the conformance suite compares them with.

pub mod contract;
pub mod error;
pub mod folder;
pub mod memory;
pub mod sql;
mod wakeups;

pub use contract::{EventStore, ExportStore, LogStore, Store, SubscriptionStore, TenantStore};
pub use error::StoreError;
