//! Export jobs, their revisions and their files.

use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait};

use crate::{
    again::{create_table, create_unique_index},
    columns::{
        big, big_or_null, bytes, bytes_or_null, digest, integer, key, name, name_or_null, small, table, text,
        text_or_null,
    },
};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_export"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        // `live_name` is null once the job is deleted: nulls do not collide in a unique index, so that the name
        // is free again on every database. The row stays, because its files are known by its id.
        let jobs = table("export_jobs", backend)
            .col(integer("tenant_key"))
            .col(name("job_id", backend))
            .col(name_or_null("live_name", backend))
            .col(big("revision"))
            .col(big("scanned_sequence"))
            .col(big("published_sequence"))
            .col(small("health"))
            .col(text("last_error", backend))
            .col(big("created_time"))
            .col(big("updated_time"))
            .col(big_or_null("last_run_time"))
            .col(big_or_null("deleted_time"))
            .col(big("fence"))
            .col(text_or_null("lease_owner", backend))
            .col(big_or_null("lease_until"))
            .col(bytes_or_null("sealed_secrets", backend))
            .primary_key(&mut key(&["tenant_key", "job_id"]))
            .take();
        create_table(manager, jobs).await?;
        create_unique_index(manager, "export_jobs_by_name", "export_jobs", &["tenant_key", "live_name"])
            .await?;
        let revisions = table("export_job_revisions", backend)
            .col(integer("tenant_key"))
            .col(name("job_id", backend))
            .col(big("revision"))
            .col(bytes("settings", backend))
            .primary_key(&mut key(&["tenant_key", "job_id", "revision"]))
            .take();
        create_table(manager, revisions).await?;
        let files = table("export_files", backend)
            .col(integer("tenant_key"))
            .col(name("job_id", backend))
            .col(big("number"))
            .col(text("name", backend))
            .col(small("state"))
            .col(big("first_sequence"))
            .col(big("last_sequence"))
            .col(big("event_count"))
            .col(big("size_bytes"))
            .col(digest("sha256", backend))
            .col(big("job_revision"))
            .col(big("fence"))
            .col(big("created_time"))
            .col(big_or_null("published_time"))
            .primary_key(&mut key(&["tenant_key", "job_id", "number"]))
            .take();
        create_table(manager, files).await
    }
}
