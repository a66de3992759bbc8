//! An index for the events that are few among many: what was administered, and what vidne itself did.

use sea_orm_migration::{
    DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait,
    sea_orm::DbBackend,
    sea_query::{ConditionalStatement, Expr, Index},
};

use crate::ADMINISTRATIVE;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0006_administrative"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // MySQL and MariaDB have no partial indexes, and one over all events would cost every insert: there a scan
        // goes on reading the key range.
        if manager.get_database_backend() == DbBackend::MySql {
            return Ok(());
        }
        // By sequence before type, so that what is found is in order, whatever types are asked for.
        let mut index = Index::create();
        index.name("events_administrative").table("events");
        index.col("tenant_key").col("sequence").col("event_type");
        index.cond_where(Expr::cust(ADMINISTRATIVE));
        manager.create_index(index.take()).await
    }
}
