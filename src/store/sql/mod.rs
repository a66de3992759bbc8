//! The store on SQLite, PostgreSQL, MariaDB and MySQL.
//!
//! `database` says where, `connect` opens it, `migrate` and `check` bring and hold the schema and the server
//! together; `store` is the store itself. Events: `append`, `read`, `scan`. Tenants: `tenant`, `log` (their
//! locked heads). Export: `job`, `revision`, `lease`, `file`. `mysql`: what only MariaDB and MySQL need. `entity` holds the tables with their tenant-scoped finders.

mod append;
mod check;
mod connect;
mod convert;
mod database;
mod entity;
mod error;
mod event;
mod export;
mod file;
mod installation;
mod job;
mod lease;
mod log;
mod migrate;
pub mod mysql;
mod revision;
mod scan;
mod store;
mod tenant;
mod tenant_key;

pub use database::{Database, PoolOptions};
pub use migrate::migrate;
pub use store::SqlStore;
