//! Steps that can be taken again. MySQL and MariaDB end a transaction before each `CREATE`, so that a migration
//! which is interrupted leaves its first steps behind; run again, it goes on from there. On SQLite and PostgreSQL,
//! where a migration is all or nothing, nothing is ever there already.

use sea_orm_migration::{
    DbErr, SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend},
    sea_query::{ColumnDef, Expr, Index, Query, Table, TableCreateStatement},
};

/// Creates a table.
pub(crate) async fn create_table(
    manager: &SchemaManager<'_>,
    mut table: TableCreateStatement,
) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::MySql {
        table.if_not_exists();
    }
    manager.create_table(table).await
}

/// Creates a unique index.
pub(crate) async fn create_unique_index(
    manager: &SchemaManager<'_>,
    name: &'static str,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::MySql && manager.has_index(table, name).await? {
        return Ok(());
    }
    let mut index = Index::create().name(name).table(table).unique().take();
    for column in columns {
        index.col(*column);
    }
    manager.create_index(index).await
}

/// Adds columns, one statement each, as SQLite has it.
pub(crate) async fn add_columns(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: Vec<ColumnDef>,
) -> Result<(), DbErr> {
    for column in columns {
        let name = column.get_column_name();
        if manager.get_database_backend() == DbBackend::MySql && manager.has_column(table, &name).await? {
            continue;
        }
        manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
    }
    Ok(())
}

/// Whether a table has no rows yet, so that its first ones are still to be written.
pub(crate) async fn is_empty(manager: &SchemaManager<'_>, table: &'static str) -> Result<bool, DbErr> {
    let one = Query::select().expr(Expr::val(1)).from(table).limit(1).take();
    Ok(manager.get_connection().query_one(&one).await?.is_none())
}
