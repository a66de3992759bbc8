//! When export jobs run by themselves, how they fare, and their runs; folders and manifests of files.

use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait};

use crate::{
    again::{add_columns, create_table},
    columns::{
        big, big_or_null, flag_off, integer, key, name, name_or_null, small, small_zero, table, text,
        text_or_null,
    },
};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0005_export_schedules"
    }
}

// Servers one version behind still write rows: every new column is nullable or has a default.
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let jobs = vec![
            flag_off("paused"),
            flag_off("declared"),
            name_or_null("reexport_of", backend),
            big_or_null("end_sequence"),
            big_or_null("next_run_time"),
            big_or_null("waiting_events"),
            big_or_null("waiting_bytes"),
            big_or_null("last_success_time"),
            big_or_null("failing_since_time"),
            small_zero("failure"),
            small_zero("failures"),
        ];
        add_columns(manager, "export_jobs", jobs).await?;
        let files = vec![
            text_or_null("directory", backend),
            small_zero("manifest"),
            big_or_null("first_event_sequence"),
            big_or_null("first_recorded_time"),
            big_or_null("last_recorded_time"),
        ];
        add_columns(manager, "export_files", files).await?;
        let runs = table("export_runs", backend)
            .col(integer("tenant_key"))
            .col(name("job_id", backend))
            .col(big("number"))
            .col(small("trigger_kind"))
            .col(small("state"))
            .col(big("started_time"))
            .col(big("ended_time"))
            .col(big("files"))
            .col(big("events"))
            .col(big("bytes"))
            .col(small("failure"))
            .col(text("error", backend))
            .primary_key(&mut key(&["tenant_key", "job_id", "number"]))
            .take();
        create_table(manager, runs).await
    }
}
