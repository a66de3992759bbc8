//! Runs of export jobs.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter,
    PrimaryKeyTrait,
};

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "export_runs")]
pub(in crate::store::sql) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_key: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub job_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub trigger_kind: i16,
    pub state: i16,
    pub started_time: i64,
    pub ended_time: i64,
    pub files: i64,
    pub events: i64,
    pub bytes: i64,
    pub failure: i16,
    pub error: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(in crate::store::sql) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::scoped_by_tenant!();
