//! Files of export jobs.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter,
    PrimaryKeyTrait,
};

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "export_files")]
pub(in crate::store::sql) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_key: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub job_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub name: String,
    pub state: i16,
    pub first_sequence: i64,
    pub last_sequence: i64,
    pub event_count: i64,
    pub size_bytes: i64,
    pub sha256: Vec<u8>,
    pub job_revision: i64,
    pub fence: i64,
    pub created_time: i64,
    pub published_time: Option<i64>,
    pub directory: Option<String>,
    pub manifest: i16,
    pub first_event_sequence: Option<i64>,
    pub first_recorded_time: Option<i64>,
    pub last_recorded_time: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(in crate::store::sql) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::scoped_by_tenant!();
