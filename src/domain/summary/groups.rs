//! Counts by value, for a bounded number of values.

use std::{cmp::Reverse, collections::HashMap};

/// Different values that are counted on their own: those that come first. All others are counted together.
pub const MAX_VALUES: usize = 10_000;

/// Counts by value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    counts: HashMap<String, u64>,
    other: u64,
}

impl Groups {
    /// Counts `count` events with this value.
    pub fn add(&mut self, value: &str, count: u64) {
        if let Some(known) = self.counts.get_mut(value) {
            *known += count;
        } else if self.counts.len() < MAX_VALUES {
            self.counts.insert(value.to_owned(), count);
        } else {
            self.other += count;
        }
    }

    /// Counts `count` events whose values are not known.
    pub fn add_other(&mut self, count: u64) {
        self.other += count;
    }

    /// The `most` largest ones, by falling count, then by value; and how many events have other values.
    pub fn largest(self, most: usize) -> (Vec<(String, u64)>, u64) {
        let mut groups: Vec<(String, u64)> = self.counts.into_iter().collect();
        groups
            .sort_unstable_by(|(a, a_count), (b, b_count)| (Reverse(a_count), a).cmp(&(Reverse(b_count), b)));
        let cut = groups.split_off(most.min(groups.len()));
        (groups, self.other + cut.iter().map(|(_, count)| count).sum::<u64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_the_rest_is_counted_together() {
        let mut groups = Groups::default();
        for (value, count) in [("b", 2), ("a", 2), ("c", 3), ("d", 1), ("b", 1)] {
            groups.add(value, count);
        }
        groups.add_other(5);
        let owned =
            |groups: &[(&str, u64)]| groups.iter().map(|(v, n)| ((*v).to_owned(), *n)).collect::<Vec<_>>();
        assert_eq!(groups.clone().largest(2), (owned(&[("b", 3), ("c", 3)]), 8));
        assert_eq!(groups.largest(9), (owned(&[("b", 3), ("c", 3), ("a", 2), ("d", 1)]), 5));
    }

    #[test]
    fn memory_is_bounded_however_many_values_there_are() {
        let mut groups = Groups::default();
        for value in 0..3 * MAX_VALUES {
            groups.add(&value.to_string(), 1);
        }
        groups.add("0", 1);
        assert_eq!(groups.counts.len(), MAX_VALUES);
        let (largest, other) = groups.largest(1);
        assert_eq!(largest, [("0".to_owned(), 2)]);
        assert_eq!(other, 3 * MAX_VALUES as u64 - 1);
    }
}
