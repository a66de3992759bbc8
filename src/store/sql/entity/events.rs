//! Events.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter,
    PrimaryKeyTrait, Uuid,
};
use sea_orm::{FromQueryResult, QuerySelect, Select, SelectModel, Selector};

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub(in crate::store::sql) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    pub recorded_time: i64,
    pub occurred_time: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_key: i32,
    pub event_type: i16,
    pub fingerprint_version: i16,
    pub event_id: Uuid,
    pub leaf_hash: Vec<u8>,
    pub fingerprint: Option<Vec<u8>>,
    pub payload: Vec<u8>,
    pub personal: Option<Vec<u8>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(in crate::store::sql) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

super::scoped_by_tenant!();

/// What decides whether an event is there already.
#[derive(Clone, Debug, FromQueryResult)]
pub(in crate::store::sql) struct Known {
    pub event_id: Uuid,
    pub sequence: i64,
    pub recorded_time: i64,
    pub leaf_hash: Vec<u8>,
    pub fingerprint: Option<Vec<u8>>,
    pub fingerprint_version: i16,
}

/// Narrows a read to the columns of [`Known`].
pub(in crate::store::sql) fn known(rows: Select<Entity>) -> Selector<SelectModel<Known>> {
    rows.select_only()
        .columns([
            Column::EventId,
            Column::Sequence,
            Column::RecordedTime,
            Column::LeafHash,
            Column::Fingerprint,
            Column::FingerprintVersion,
        ])
        .into_model()
}
