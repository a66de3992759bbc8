//! Subscriptions: where they are and who holds them.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter,
    PrimaryKeyTrait,
};
use uuid::Uuid;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscriptions")]
pub(in crate::store::sql) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_key: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub filter: Vec<u8>,
    pub show_personal: bool,
    pub created_time: i64,
    pub acknowledged_sequence: i64,
    pub acknowledged_time: Option<i64>,
    pub holder: Option<Uuid>,
    pub consumer: String,
    pub lease_until: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(in crate::store::sql) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::scoped_by_tenant!();
