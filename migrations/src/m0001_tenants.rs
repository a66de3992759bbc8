//! The installation, the tenants and the heads of their logs.

use std::time::{SystemTime, UNIX_EPOCH};

use sea_orm_migration::{
    DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait,
    sea_query::{ColumnDef, Expr, Query},
};

use crate::columns::{big, bytes_or_null, flag, integer, key, name, table, text, uuid_or_null};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_tenants"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One row: the marker that this database is vidne's. `id` and `key_check` are filled by the first server.
        // A server that knows fewer migrations than `minimum_schema` must not use the database.
        manager
            .create_table(
                table("installation")
                    .col(integer("singleton").primary_key())
                    .col(text("product"))
                    .col(integer("minimum_schema"))
                    .col(uuid_or_null("id"))
                    .col(bytes_or_null("key_check"))
                    .take(),
            )
            .await?;
        manager
            .create_table(
                table("tenants")
                    .col(ColumnDef::new("tenant_key").integer().not_null().auto_increment().primary_key())
                    .col(name("id", manager.get_database_backend()).unique_key())
                    .col(text("display_name"))
                    .col(flag("closed"))
                    .col(flag("security_events_enabled"))
                    .col(flag("data_access_events_enabled"))
                    .col(flag("custom_events_enabled"))
                    .col(big("revision"))
                    .col(big("created_time"))
                    .col(big("updated_time"))
                    .take(),
            )
            .await?;
        // Apart from `tenants`, since it is locked and written with every batch.
        manager
            .create_table(
                table("heads")
                    .col(integer("tenant_key"))
                    .col(big("last_sequence"))
                    .col(big("last_recorded"))
                    .primary_key(&mut key(&["tenant_key"]))
                    .take(),
            )
            .await?;
        fill(manager).await
    }
}

async fn fill(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let marker = Query::insert()
        .into_table("installation")
        .columns(["singleton", "product", "minimum_schema"])
        .values_panic([Expr::val(1), Expr::val("vidne"), Expr::val(1)])
        .take();
    manager.execute(marker).await?;

    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| DbErr::Custom(e.to_string()))?;
    let now = i64::try_from(now.as_micros()).map_err(|e| DbErr::Custom(e.to_string()))?;
    // No key is given, so that the counter that gives the keys knows of it.
    let tenant = Query::insert()
        .into_table("tenants")
        .columns([
            "id",
            "display_name",
            "closed",
            "security_events_enabled",
            "data_access_events_enabled",
            "custom_events_enabled",
            "revision",
            "created_time",
            "updated_time",
        ])
        .values_panic([
            Expr::val("default"),
            Expr::val(""),
            Expr::val(false),
            Expr::val(false),
            Expr::val(true),
            Expr::val(true),
            Expr::val(1i64),
            Expr::val(now),
            Expr::val(now),
        ])
        .take();
    manager.execute(tenant).await?;

    let head = Query::insert()
        .into_table("heads")
        .columns(["tenant_key", "last_sequence", "last_recorded"])
        .select_from(
            Query::select()
                .column("tenant_key")
                .expr(Expr::val(0i64))
                .expr(Expr::val(0i64))
                .from("tenants")
                .take(),
        )
        .map_err(|e| DbErr::Custom(e.to_string()))?
        .take();
    manager.execute(head).await
}
