//! One bounded step of a count: the database counts the rows of a range of positions, and none is fetched.

use sea_orm::{ConnectionTrait, DatabaseConnection, sea_query::SelectStatement};

use super::{
    access::Access, convert, error::db_error, question::Asker, scan::places_of_ids, tenant_key::TenantKey,
};
use crate::store::{
    StoreError,
    contract::{CountPage, CountRequest},
};

/// Positions that one step looks at, at most. More than a scan's: nothing is sent.
const WINDOW: u64 = 100_000;

/// The same where an index knows the few positions that there are to look at.
const INDEX_WINDOW: u64 = 1_000_000;

/// Looks at the positions from `request.from` on.
pub(super) async fn count(
    db: &DatabaseConnection,
    key: TenantKey,
    request: &CountRequest<'_>,
) -> Result<CountPage, StoreError> {
    let asker = Asker { key, backend: db.get_database_backend(), filter: request.filter };
    let last = |window: u64| request.through.min(request.from.saturating_add(window - 1));
    let (question, last) = match asker.access() {
        // Few, and found by their index: the whole range at once.
        Access::EventIds => {
            let range = convert::signed(request.from)..=convert::signed(request.through);
            let mut within = places_of_ids(db, asker).await?;
            within.retain(|place| range.contains(place));
            (asker.count_at(&within), request.through)
        }
        Access::Administrative if asker.asks_types_only() => {
            let last = last(INDEX_WINDOW);
            (asker.count_administrative(request.from, last), last)
        }
        _ => {
            let last = last(WINDOW);
            (asker.count_between(request.from, last), last)
        }
    };
    Ok(CountPage { count: convert::unsigned(number(db, &question.select).await?)?, scanned: last })
}

async fn number(db: &DatabaseConnection, select: &SelectStatement) -> Result<i64, StoreError> {
    match db.query_one(select).await.map_err(db_error)? {
        Some(row) => row.try_get_by_index(0).map_err(db_error),
        None => Ok(0),
    }
}
