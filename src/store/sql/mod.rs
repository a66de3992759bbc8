//! The store on SQLite, PostgreSQL, MariaDB and MySQL.
//!
//! `database` says where, `connect` opens it, `migrate` and `check` bring and hold the schema and the server
//! together, `durability` tells what its settings can lose; `store` is the store itself. Events: `event` with
//! `scan`, `count` and `recorded`, whose statements are `question`s (`access` says which way to the rows each takes), and to append them `decide` with the bulk paths `postgres_append` and `sqlite_append`, or `append`
//! within another change. Tenants: `tenant`, `log` (their
//! locked heads). Export: `job`, `revision`, `lease`, `run`, `file`, and `due`
//! over the jobs of all tenants. Subscriptions: `subscription`,
//! `subscription_lease`. `mysql`: what only MariaDB and MySQL need. `entity` holds the tables with their
//! tenant-scoped finders.

mod access;
mod append;
mod bulk;
mod check;
mod compare;
mod connect;
mod convert;
mod count;
mod database;
mod decide;
mod due;
mod durability;
mod entity;
mod error;
mod event;
mod export;
mod file;
mod installation;
mod job;
mod known_heads;
mod lease;
mod log;
mod migrate;
pub mod mysql;
mod notify;
mod numbered;
mod postgres_append;
mod postgres_compare;
mod postgres_copy;
mod postgres_transaction;
mod question;
mod recorded;
mod revision;
mod row_sizes;
mod run;
mod scan;
mod sqlite_append;
mod sqlite_compare;
mod statements;
mod store;
mod subscription;
mod subscription_lease;
mod tenant;
mod tenant_key;

pub use access::Access;
pub use database::{Database, PoolOptions};
pub use migrate::migrate;
pub use statements::Planned;
pub use store::SqlStore;
