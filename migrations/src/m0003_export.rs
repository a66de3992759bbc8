//! Export jobs, their revisions and their files.

use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait, sea_query::Index};

use crate::columns::{
    big, big_or_null, bytes, bytes_or_null, integer, key, name, small, table, text, text_or_null,
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
        manager
            .create_table(
                table("export_jobs")
                    .col(integer("tenant_key"))
                    .col(name("job_id", backend))
                    .col(text_or_null("live_name"))
                    .col(big("revision"))
                    .col(big("scanned_sequence"))
                    .col(big("published_sequence"))
                    .col(small("health"))
                    .col(text("last_error"))
                    .col(big("created_time"))
                    .col(big("updated_time"))
                    .col(big_or_null("last_run_time"))
                    .col(big_or_null("deleted_time"))
                    .col(big("fence"))
                    .col(text_or_null("lease_owner"))
                    .col(big_or_null("lease_until"))
                    .col(bytes_or_null("sealed_secrets"))
                    .primary_key(&mut key(&["tenant_key", "job_id"]))
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("export_jobs_by_name")
                    .table("export_jobs")
                    .col("tenant_key")
                    .col("live_name")
                    .unique()
                    .take(),
            )
            .await?;
        manager
            .create_table(
                table("export_job_revisions")
                    .col(integer("tenant_key"))
                    .col(name("job_id", backend))
                    .col(big("revision"))
                    .col(bytes("settings"))
                    .primary_key(&mut key(&["tenant_key", "job_id", "revision"]))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                table("export_files")
                    .col(integer("tenant_key"))
                    .col(name("job_id", backend))
                    .col(big("number"))
                    .col(text("name"))
                    .col(small("state"))
                    .col(big("first_sequence"))
                    .col(big("last_sequence"))
                    .col(big("event_count"))
                    .col(big("size_bytes"))
                    .col(bytes("sha256"))
                    .col(big("job_revision"))
                    .col(big("fence"))
                    .col(big("created_time"))
                    .col(big_or_null("published_time"))
                    .primary_key(&mut key(&["tenant_key", "job_id", "number"]))
                    .take(),
            )
            .await
    }
}
