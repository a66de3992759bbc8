//! Short names for the column types in use. Where databases differ, the backend is asked for.

use sea_orm_migration::{
    sea_orm::DbBackend,
    sea_query::{ColumnDef, Index, IndexCreateStatement, Table, TableCreateStatement},
};

/// Characters of an id or name on MySQL, which indexes no text without a limit. What is stored has at most 63.
const NAME_LENGTH: u32 = 128;

/// A table. On MySQL: of the one engine that has transactions, with text compared by its bytes.
pub(crate) fn table(name: &'static str, backend: DbBackend) -> TableCreateStatement {
    let mut table = Table::create().table(name).take();
    if backend == DbBackend::MySql {
        table.engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin").extra("ROW_FORMAT=DYNAMIC");
    }
    table
}

pub(crate) fn key(columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    for column in columns {
        index.col(*column);
    }
    index.take()
}

pub(crate) fn small(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).small_integer().not_null().take()
}

pub(crate) fn integer(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().take()
}

/// Sequences, counts and times.
pub(crate) fn big(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

pub(crate) fn big_or_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().null().take()
}

/// A number that rows have from before it was asked for.
pub(crate) fn small_zero(name: &'static str) -> ColumnDef {
    small(name).default(0).take()
}

/// A flag that is off in rows from before there was one.
pub(crate) fn flag_off(name: &'static str) -> ColumnDef {
    flag(name).default(false).take()
}

pub(crate) fn flag(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().take()
}

/// Text of any length, in no index.
pub(crate) fn text(name: &'static str, backend: DbBackend) -> ColumnDef {
    any_text(name, backend).not_null().take()
}

/// Text of any length, in no index.
pub(crate) fn text_or_null(name: &'static str, backend: DbBackend) -> ColumnDef {
    any_text(name, backend).null().take()
}

/// An id or name in ASCII, ordered by its bytes on every database.
pub(crate) fn name(name: &'static str, backend: DbBackend) -> ColumnDef {
    let mut column = short_text(name, backend).not_null().take();
    if backend == DbBackend::Postgres {
        column.extra("COLLATE \"C\"");
    }
    column
}

/// An id or name that may be missing, not asked for its order.
pub(crate) fn name_or_null(name: &'static str, backend: DbBackend) -> ColumnDef {
    short_text(name, backend).null().take()
}

/// Bytes of any length.
pub(crate) fn bytes(name: &'static str, backend: DbBackend) -> ColumnDef {
    any_bytes(name, backend).not_null().take()
}

/// Bytes of any length.
pub(crate) fn bytes_or_null(name: &'static str, backend: DbBackend) -> ColumnDef {
    any_bytes(name, backend).null().take()
}

/// 32 bytes.
pub(crate) fn digest(name: &'static str, backend: DbBackend) -> ColumnDef {
    any_digest(name, backend).not_null().take()
}

/// 32 bytes.
pub(crate) fn digest_or_null(name: &'static str, backend: DbBackend) -> ColumnDef {
    any_digest(name, backend).null().take()
}

/// 16 bytes.
pub(crate) fn uuid(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).uuid().not_null().take()
}

/// 16 bytes.
pub(crate) fn uuid_or_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).uuid().null().take()
}

// MySQL's `text` and `blob` end at 65,535 bytes.

fn any_text(name: &'static str, backend: DbBackend) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match backend {
        DbBackend::MySql => column.custom("longtext").take(),
        _ => column.text().take(),
    }
}

fn short_text(name: &'static str, backend: DbBackend) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match backend {
        DbBackend::MySql => column.string_len(NAME_LENGTH).take(),
        _ => column.text().take(),
    }
}

fn any_bytes(name: &'static str, backend: DbBackend) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match backend {
        DbBackend::MySql => column.custom("longblob").take(),
        _ => column.blob().take(),
    }
}

fn any_digest(name: &'static str, backend: DbBackend) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match backend {
        DbBackend::MySql => column.binary_len(32).take(),
        _ => column.blob().take(),
    }
}
