//! Export jobs: how far they are and who runs them.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter,
    PrimaryKeyTrait,
};

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "export_jobs")]
pub(in crate::store::sql) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_key: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub job_id: String,
    pub live_name: Option<String>,
    pub revision: i64,
    pub scanned_sequence: i64,
    pub published_sequence: i64,
    pub health: i16,
    pub last_error: String,
    pub created_time: i64,
    pub updated_time: i64,
    pub last_run_time: Option<i64>,
    pub deleted_time: Option<i64>,
    pub fence: i64,
    pub lease_owner: Option<String>,
    pub lease_until: Option<i64>,
    pub sealed_secrets: Option<Vec<u8>>,
    pub paused: bool,
    pub declared: bool,
    pub reexport_of: Option<String>,
    pub end_sequence: Option<i64>,
    pub next_run_time: Option<i64>,
    pub waiting_events: Option<i64>,
    pub waiting_bytes: Option<i64>,
    pub last_success_time: Option<i64>,
    pub failing_since_time: Option<i64>,
    pub failure: i16,
    pub failures: i16,
    pub heartbeat_interval: Option<i64>,
    pub silent_since_time: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(in crate::store::sql) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::scoped_by_tenant!();

/// A job by its id alone, to find its tenant.
pub(in crate::store::sql) fn with_id(job_id: &str) -> sea_orm::Select<Entity> {
    use sea_orm::{ColumnTrait, QueryFilter};
    Entity::find().filter(Column::JobId.eq(job_id))
}

/// Live jobs of all tenants, for those who look after all of them.
pub(in crate::store::sql) fn of_everybody() -> sea_orm::Select<Entity> {
    use sea_orm::{ColumnTrait, QueryFilter};
    Entity::find().filter(Column::DeletedTime.is_null())
}
