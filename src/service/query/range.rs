//! Where in the log a query still has to look.

use crate::domain::{filter::EventFilter, query::Order};

/// The positions that are left, both ends included; `None` if there are none.
///
/// `position` is dealt with, and everything before it in the query's order; `head` is the last position there
/// is. Descending, `position` is one past the head at the beginning.
pub fn rest(order: Order, position: u64, head: u64, filter: &EventFilter) -> Option<(u64, u64)> {
    let lowest = filter.sequence_from.max(1);
    let highest = match filter.sequence_before {
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

    fn filter(sequence_from: u64, sequence_before: u64) -> EventFilter {
        EventFilter { sequence_from, sequence_before, ..EventFilter::default() }
    }

    #[test]
    fn ascending_goes_from_after_the_position_to_the_head() {
        assert_eq!(rest(Order::Ascending, 0, 0, &filter(0, 0)), None);
        assert_eq!(rest(Order::Ascending, 0, 5, &filter(0, 0)), Some((1, 5)));
        assert_eq!(rest(Order::Ascending, 5, 5, &filter(0, 0)), None);
        assert_eq!(rest(Order::Ascending, 0, 9, &filter(3, 6)), Some((3, 5)));
        assert_eq!(rest(Order::Ascending, u64::MAX, 9, &filter(0, 0)), None);
    }

    #[test]
    fn descending_goes_from_before_the_position_to_the_first() {
        assert_eq!(rest(Order::Descending, 1, 0, &filter(0, 0)), None);
        assert_eq!(rest(Order::Descending, 6, 5, &filter(0, 0)), Some((5, 1)));
        assert_eq!(rest(Order::Descending, 1, 5, &filter(0, 0)), None);
        assert_eq!(rest(Order::Descending, 10, 9, &filter(3, 6)), Some((5, 3)));
        assert_eq!(rest(Order::Descending, 0, 9, &filter(0, 0)), None);
    }
}
