//! The installation of a database: made by the first server that asks.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{convert, entity::installation, error::db_error, store::SqlStore};
use crate::store::{StoreError, contract::Installation};

/// The installation; `propose` becomes it if there is none yet.
pub(super) async fn installation(
    store: &SqlStore,
    propose: Installation,
) -> Result<Installation, StoreError> {
    let transaction = store.begin().await?;
    // The first one wins: a second one waits for the row and then finds it filled.
    installation::Entity::update_many()
        .col_expr(installation::Column::Id, Expr::value(propose.id))
        .col_expr(installation::Column::KeyCheck, Expr::value(propose.key_check.to_vec()))
        .filter(installation::Column::Id.is_null())
        .exec(&transaction)
        .await
        .map_err(db_error)?;
    let row = installation::Entity::find().one(&transaction).await.map_err(db_error)?;
    transaction.commit().await.map_err(db_error)?;
    let filled = row.and_then(|row| Some((row.id?, row.key_check?)));
    let (id, key_check) =
        filled.ok_or_else(|| StoreError::Damaged("the installation's row is gone".to_owned()))?;
    Ok(Installation { id, key_check: convert::digest(&key_check)? })
}
