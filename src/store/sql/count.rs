//! One bounded step of a count: the database counts the rows of a range of positions, and none is fetched.

use sea_orm::{ColumnTrait, DatabaseConnection, QueryFilter, QuerySelect};

use super::{
    convert,
    entity::events,
    error::db_error,
    scan::{condition, positions_of_ids},
    tenant_key::TenantKey,
};
use crate::store::{
    StoreError,
    contract::{CountPage, CountRequest},
};

/// Positions that one step looks at, at most. More than a scan's: nothing is sent.
const WINDOW: u64 = 100_000;

/// Looks at the positions from `request.from` on.
pub(super) async fn count(
    db: &DatabaseConnection,
    key: TenantKey,
    request: &CountRequest<'_>,
) -> Result<CountPage, StoreError> {
    let last = request.through.min(request.from.saturating_add(WINDOW - 1));
    let rows = events::Entity::of(key).filter(condition(request.filter));
    let (rows, last) = match positions_of_ids(db, key, request.filter).await? {
        // Few, and found by their index: the whole range at once.
        Some(positions) => {
            let range = convert::signed(request.from)..=convert::signed(request.through);
            let within = positions.into_iter().filter(|at| range.contains(at));
            (rows.filter(events::Column::Sequence.is_in(within)), request.through)
        }
        None => {
            let from = events::Column::Sequence.gte(convert::signed(request.from));
            (rows.filter(from).filter(events::Column::Sequence.lte(convert::signed(last))), last)
        }
    };
    let rows = rows.select_only().column_as(events::Column::Sequence.count(), "number");
    let number: Option<i64> = rows.into_tuple().one(db).await.map_err(db_error)?;
    Ok(CountPage { count: convert::unsigned(number.unwrap_or_default())?, scanned: last })
}
