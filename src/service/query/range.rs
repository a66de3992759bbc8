//! Where in the log a query still has to look.

use crate::{
    domain::{filter::EventFilter, id::TenantId, query::Order},
    store::{LogStore, StoreError},
};

/// The positions that a filter asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// At or after; 0: from the first.
    pub from: u64,
    /// Before; 0: no bound.
    pub before: u64,
}

impl Bounds {
    /// Those of the filter's sequences, and those that follow from its recorded times: a later event was never
    /// recorded earlier, so a range of times is a range of positions. `head` is the newest event known of.
    pub async fn find(
        store: &dyn LogStore,
        tenant: &TenantId,
        filter: &EventFilter,
        head: u64,
    ) -> Result<Self, StoreError> {
        let mut bounds = Self { from: filter.sequence_from, before: filter.sequence_before };
        if let Some(time) = filter.recorded_from {
            bounds.from = bounds.from.max(store.first_recorded(tenant, time).await?);
        }
        if let Some(time) = filter.recorded_before {
            let first = store.first_recorded(tenant, time).await?;
            // Past the head, nothing is known of it: what is recorded next may still be in time.
            if first <= head && (bounds.before == 0 || first < bounds.before) {
                bounds.before = first;
            }
        }
        Ok(bounds)
    }
}

/// The positions that are left, both ends included; `None` if there are none.
///
/// `position` is dealt with, and everything before it in the query's order; `head` is the last position there
/// is. Descending, `position` is one past the head at the beginning.
pub fn rest(order: Order, position: u64, head: u64, bounds: Bounds) -> Option<(u64, u64)> {
    let lowest = bounds.from.max(1);
    let highest = match bounds.before {
        0 => head,
        before => head.min(before - 1),
    };
    match order {
        Order::Ascending => {
            let from = lowest.max(position.saturating_add(1));
            (from <= highest).then_some((from, highest))
        }
        Order::Descending => {
            let from = highest.min(position.saturating_sub(1));
            (lowest <= from).then_some((from, lowest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(from: u64, before: u64) -> Bounds {
        Bounds { from, before }
    }

    #[test]
    fn ascending_goes_from_after_the_position_to_the_head() {
        assert_eq!(rest(Order::Ascending, 0, 0, bounds(0, 0)), None);
        assert_eq!(rest(Order::Ascending, 0, 5, bounds(0, 0)), Some((1, 5)));
        assert_eq!(rest(Order::Ascending, 5, 5, bounds(0, 0)), None);
        assert_eq!(rest(Order::Ascending, 0, 9, bounds(3, 6)), Some((3, 5)));
        assert_eq!(rest(Order::Ascending, u64::MAX, 9, bounds(0, 0)), None);
    }

    #[test]
    fn descending_goes_from_before_the_position_to_the_first() {
        assert_eq!(rest(Order::Descending, 1, 0, bounds(0, 0)), None);
        assert_eq!(rest(Order::Descending, 6, 5, bounds(0, 0)), Some((5, 1)));
        assert_eq!(rest(Order::Descending, 1, 5, bounds(0, 0)), None);
        assert_eq!(rest(Order::Descending, 10, 9, bounds(3, 6)), Some((5, 3)));
        assert_eq!(rest(Order::Descending, 0, 9, bounds(0, 0)), None);
    }
}
