//! The tables. Those that hold a tenant's data have no unscoped finder: `of` begins every read of them, `change`
//! every update, `remove` every deletion.

pub(super) mod events;
pub(super) mod export_files;
pub(super) mod export_job_revisions;
pub(super) mod export_jobs;
pub(super) mod export_runs;
pub(super) mod heads;
pub(super) mod installation;
pub(super) mod subscriptions;
pub(super) mod tenants;

/// Gives an entity its tenant-scoped beginnings.
macro_rules! scoped_by_tenant {
    () => {
        impl Entity {
            /// Rows of one tenant.
            pub(in crate::store::sql) fn of(
                tenant: crate::store::sql::tenant_key::TenantKey,
            ) -> sea_orm::Select<Self> {
                use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
                Self::find().filter(Column::TenantKey.eq(tenant.get()))
            }

            /// An update of rows of one tenant.
            #[allow(dead_code, reason = "not every table is ever updated")]
            pub(in crate::store::sql) fn change(
                tenant: crate::store::sql::tenant_key::TenantKey,
            ) -> sea_orm::UpdateMany<Self> {
                use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
                Self::update_many().filter(Column::TenantKey.eq(tenant.get()))
            }

            /// A deletion of rows of one tenant.
            #[allow(dead_code, reason = "from most tables nothing is ever deleted")]
            pub(in crate::store::sql) fn remove(
                tenant: crate::store::sql::tenant_key::TenantKey,
            ) -> sea_orm::DeleteMany<Self> {
                use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
                Self::delete_many().filter(Column::TenantKey.eq(tenant.get()))
            }
        }
    };
}
use scoped_by_tenant;
