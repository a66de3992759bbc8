//! The schema of vidne's store, as migrations for SQLite, PostgreSQL, MariaDB and MySQL.
//!
//! Rules: migrations only add, so that servers one version behind keep working while a new version is rolled
//! out; one that cannot raises `installation.minimum_schema`. Every key and index of a tenant's data begins
//! with `tenant_key`, so that the tables can be distributed or partitioned by it. Times are microseconds since
//! the epoch. Nothing here takes a lock: `vidne migrate` runs all of it under one. On SQLite and PostgreSQL it is
//! one transaction as well; MySQL has none for tables, so every step must bear being taken again (`again`).

mod again;
mod columns;
mod m0001_tenants;
mod m0002_events;
mod m0003_export;
mod m0004_subscriptions;
mod m0005_export_schedules;
mod m0006_administrative;
mod m0007_export_heartbeats;

use sea_orm_migration::{MigrationTrait, async_trait};
pub use sea_orm_migration::{MigratorTrait, SchemaManager};

/// All migrations, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_tenants::Migration),
            Box::new(m0002_events::Migration),
            Box::new(m0003_export::Migration),
            Box::new(m0004_subscriptions::Migration),
            Box::new(m0005_export_schedules::Migration),
            Box::new(m0006_administrative::Migration),
            Box::new(m0007_export_heartbeats::Migration),
        ]
    }
}

/// The names of all migrations, oldest first. Their number is the version of the schema.
pub fn names() -> Vec<String> {
    Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect()
}

/// Which events the index `events_administrative` holds: those of every type but the five kinds of data access and
/// `CUSTOM`, which are the mass of a log and are recorded without touching it. A question that is to use the index
/// must say it in these words, since a database does not know what the values of a prepared statement will be. It stays as
/// it is: types that come later are in the index.
pub const ADMINISTRATIVE: &str = "event_type NOT IN (1, 2, 3, 4, 5, 1000)";

/// The tables that the migrations make, and the one that tells which were applied.
pub const TABLES: [&str; 10] = [
    "installation",
    "tenants",
    "heads",
    "events",
    "export_jobs",
    "export_job_revisions",
    "export_files",
    "subscriptions",
    "export_runs",
    "seaql_migrations",
];
