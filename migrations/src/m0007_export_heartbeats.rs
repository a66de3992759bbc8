//! Since when export jobs have been silent, and for how long they may be.

use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait};

use crate::{again::add_columns, columns::big_or_null};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0007_export_heartbeats"
    }
}

// Servers one version behind still write rows: both columns are nullable.
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let jobs = vec![big_or_null("heartbeat_interval"), big_or_null("silent_since_time")];
        add_columns(manager, "export_jobs", jobs).await
    }
}
