//! Subscriptions: their positions, and who holds them.

use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait};

use crate::again::create_table;
use crate::columns::{big, big_or_null, bytes, flag, integer, key, name, table, text, uuid_or_null};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0004_subscriptions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let subscriptions = table("subscriptions", backend)
            .col(integer("tenant_key"))
            .col(name("name", backend))
            .col(bytes("filter", backend))
            .col(flag("show_personal"))
            .col(big("created_time"))
            .col(big("acknowledged_sequence"))
            .col(big_or_null("acknowledged_time"))
            .col(uuid_or_null("holder"))
            .col(text("consumer", backend))
            .col(big_or_null("lease_until"))
            .primary_key(&mut key(&["tenant_key", "name"]))
            .take();
        create_table(manager, subscriptions).await
    }
}
