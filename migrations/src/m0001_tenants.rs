//! The installation, the tenants and the heads of their logs.

use std::time::{SystemTime, UNIX_EPOCH};

use sea_orm_migration::{
    DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait,
    sea_orm::DbBackend,
    sea_query::{ColumnDef, Expr, InsertStatement, Query},
};

use crate::{
    again::{create_table, is_empty},
    columns::{big, digest_or_null, flag, integer, key, name, table, text, uuid_or_null},
};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_tenants"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        // One row: the marker that this database is vidne's. `id` and `key_check` are filled by the first server.
        // A server that knows fewer migrations than `minimum_schema` must not use the database.
        let installation = table("installation", backend)
            .col(integer("singleton").primary_key())
            .col(text("product", backend))
            .col(integer("minimum_schema"))
            .col(uuid_or_null("id"))
            .col(digest_or_null("key_check", backend))
            .take();
        create_table(manager, installation).await?;
        let tenants = table("tenants", backend)
            .col(ColumnDef::new("tenant_key").integer().not_null().auto_increment().primary_key())
            .col(name("id", backend).unique_key())
            .col(text("display_name", backend))
            .col(flag("closed"))
            .col(flag("security_events_enabled"))
            .col(flag("data_access_events_enabled"))
            .col(flag("custom_events_enabled"))
            .col(big("revision"))
            .col(big("created_time"))
            .col(big("updated_time"))
            .take();
        create_table(manager, tenants).await?;
        // Apart from `tenants`, since it is locked and written with every batch.
        let mut heads = table("heads", backend)
            .col(integer("tenant_key"))
            .col(big("last_sequence"))
            .col(big("last_recorded"))
            .primary_key(&mut key(&["tenant_key"]))
            .take();
        // Means nothing but that it changes, when a transaction that has nothing to write must wait for the disk:
        // InnoDB shows a commit before it is there.
        if backend == DbBackend::MySql {
            heads.col(big("flushes").default(0));
        }
        create_table(manager, heads).await?;
        fill(manager).await
    }
}

/// Writes the first rows, the marker last: without it, the migration is not done.
async fn fill(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    if is_empty(manager, "tenants").await? {
        manager.execute(default_tenant()?).await?;
    }
    if is_empty(manager, "heads").await? {
        manager.execute(first_head()?).await?;
    }
    if is_empty(manager, "installation").await? {
        let marker = Query::insert()
            .into_table("installation")
            .columns(["singleton", "product", "minimum_schema"])
            .values_panic([Expr::val(1), Expr::val("vidne"), Expr::val(1)])
            .take();
        manager.execute(marker).await?;
    }
    Ok(())
}

/// The tenant that always exists. No key is given, so that the counter that gives the keys knows of it.
fn default_tenant() -> Result<InsertStatement, DbErr> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| DbErr::Custom(e.to_string()))?;
    let now = i64::try_from(now.as_micros()).map_err(|e| DbErr::Custom(e.to_string()))?;
    Ok(Query::insert()
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
        .take())
}

fn first_head() -> Result<InsertStatement, DbErr> {
    let tenants = Query::select()
        .column("tenant_key")
        .expr(Expr::val(0i64))
        .expr(Expr::val(0i64))
        .from("tenants")
        .take();
    Ok(Query::insert()
        .into_table("heads")
        .columns(["tenant_key", "last_sequence", "last_recorded"])
        .select_from(tenants)
        .map_err(|e| DbErr::Custom(e.to_string()))?
        .take())
}
