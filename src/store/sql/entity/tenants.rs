//! Tenants. The only place where a tenant's key is found by its id.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter,
    PrimaryKeyTrait,
};
use sea_orm::{ColumnTrait, QueryFilter, UpdateMany};

use crate::store::sql::tenant_key::TenantKey;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenants")]
pub(in crate::store::sql) struct Model {
    #[sea_orm(primary_key)]
    pub tenant_key: i32,
    pub id: String,
    pub display_name: String,
    pub closed: bool,
    pub security_events_enabled: bool,
    pub data_access_events_enabled: bool,
    pub custom_events_enabled: bool,
    pub revision: i64,
    pub created_time: i64,
    pub updated_time: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(in crate::store::sql) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// An update of one tenant.
pub(in crate::store::sql) fn change(tenant: TenantKey) -> UpdateMany<Entity> {
    Entity::update_many().filter(Column::TenantKey.eq(tenant.get()))
}
