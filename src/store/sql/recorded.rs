//! Where a time stands in a log. Recorded times never go back, so a few points of the primary key tell.

use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::{
    convert,
    error::db_error,
    question::{FEW, recorded_at},
    tenant_key::TenantKey,
};
use crate::{domain::time::Timestamp, store::StoreError};

/// Points looked at with one statement: ten million events take four statements.
const POINTS: u64 = FEW as u64;

/// The place of the first event up to `head` that was recorded at `time` or later; one past it if there is none.
pub(super) async fn first_recorded(
    db: &DatabaseConnection,
    key: TenantKey,
    head: u64,
    time: Timestamp,
) -> Result<u64, StoreError> {
    // All before `low` is earlier; `high` is not, or is past the head.
    let (mut low, mut high) = (1, head.saturating_add(1));
    while low < high {
        let points = points(low, high);
        let mut not_earlier = u64::MAX;
        for row in db.query_all(&recorded_at(key, &points).select).await.map_err(db_error)? {
            let recorded: i64 = row.try_get_by_index(1).map_err(db_error)?;
            if recorded >= time.micros() {
                let place: i64 = row.try_get_by_index(0).map_err(db_error)?;
                not_earlier = not_earlier.min(convert::unsigned(place)?);
            }
        }
        // Those that are gone from the beginning of the log count as earlier.
        for point in points {
            match convert::unsigned(point)? {
                point if point < not_earlier => low = point + 1,
                point => {
                    high = point;
                    break;
                }
            }
        }
    }
    Ok(low)
}

/// Points from `low` on and before `high`, evenly spread.
fn points(low: u64, high: u64) -> Vec<i64> {
    let between = high - low;
    let step = between.div_ceil(POINTS).max(1);
    (low..high).step_by(usize::try_from(step).unwrap_or(usize::MAX)).map(convert::signed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_few_and_begin_where_nothing_is_known() {
        for (low, high) in [(1, 2), (1, 65), (1, 66), (7, 10_000_001)] {
            let points = points(low, high);
            assert!(points.len() as u64 <= POINTS && points[0] == convert::signed(low), "{points:?}");
            assert!(points.iter().all(|point| (low..high).contains(&(*point as u64))));
        }
    }
}
