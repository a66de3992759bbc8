//! Where each log ends. Whoever writes to a log has locked its head.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter,
    PrimaryKeyTrait,
};

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "heads")]
pub(in crate::store::sql) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_key: i32,
    pub last_sequence: i64,
    pub last_recorded: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(in crate::store::sql) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::scoped_by_tenant!();

impl Entity {
    /// The heads of several logs, in one order everywhere, so that two who lock them cannot wait for each other.
    pub(in crate::store::sql) fn of_each(
        tenants: impl IntoIterator<Item = crate::store::sql::tenant_key::TenantKey>,
    ) -> sea_orm::Select<Self> {
        use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};
        Self::find()
            .filter(Column::TenantKey.is_in(tenants.into_iter().map(|tenant| tenant.get())))
            .order_by_asc(Column::TenantKey)
    }
}
