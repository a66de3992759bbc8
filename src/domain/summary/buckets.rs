//! Counts by time. Buckets begin at whole multiples of their width since 1970, so that wider ones hold narrower
//! ones whole, and become wider when there would be too many.

use std::collections::BTreeMap;

use super::super::time::Timestamp;

/// Buckets that hold something, at most.
pub const MAX_BUCKETS: usize = 1_000;
/// Buckets from the first to the last, empty ones included, at most, where the width is chosen.
pub const CHOSEN_BUCKETS: i64 = 100;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Widths to choose from; each is a multiple of the one before.
const CHOICES: [i64; 13] = [
    SECOND,
    5 * SECOND,
    15 * SECOND,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    7 * DAY,
    28 * DAY,
];

/// Counts by time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// In microseconds.
    width: i64,
    chosen: bool,
    /// By the beginning of the bucket, in microseconds.
    counts: BTreeMap<i64, u64>,
}

impl Buckets {
    /// Buckets of this many seconds, which double when more than [`MAX_BUCKETS`] would hold something; `None`: as
    /// narrow as [`CHOSEN_BUCKETS`] allow.
    pub fn new(seconds: Option<u64>) -> Self {
        let chosen = seconds.is_none();
        let seconds = i64::try_from(seconds.unwrap_or(1).max(1)).unwrap_or(i64::MAX);
        Self { width: seconds.saturating_mul(SECOND), chosen, counts: BTreeMap::new() }
    }

    /// Counts `count` events at `time`.
    pub fn add(&mut self, time: Timestamp, count: u64) {
        *self.counts.entry(start(time.micros(), self.width)).or_default() += count;
        while self.too_many() {
            self.widen(self.wider());
        }
    }

    /// Adds buckets of another summary of `seconds` width each; `false`, and nothing added, if neither width is a
    /// multiple of the other.
    pub fn merge(&mut self, seconds: u64, others: impl IntoIterator<Item = (Timestamp, u64)>) -> bool {
        let width = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(SECOND);
        let narrower = width > 0 && self.width % width == 0;
        if !narrower && (width <= 0 || width % self.width != 0) {
            return false;
        }
        if width > self.width {
            self.widen(width);
        }
        for (time, count) in others {
            self.add(time, count);
        }
        true
    }

    /// The width in seconds.
    pub fn seconds(&self) -> u64 {
        u64::try_from(self.width / SECOND).unwrap_or_default()
    }

    /// Beginning and count of every bucket that holds something, by time.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Timestamp, u64)> + '_ {
        self.counts.iter().map(|(&start, &count)| (Timestamp::from_micros(start), count))
    }

    fn too_many(&self) -> bool {
        if !self.chosen {
            return self.counts.len() > MAX_BUCKETS;
        }
        let ends = self.counts.first_key_value().zip(self.counts.last_key_value());
        ends.is_some_and(|((first, _), (last, _))| (last - first) / self.width >= CHOSEN_BUCKETS)
    }

    /// The next width: a multiple of this one.
    fn wider(&self) -> i64 {
        let next = CHOICES.into_iter().find(|choice| *choice > self.width && choice % self.width == 0);
        next.filter(|_| self.chosen).unwrap_or_else(|| self.width.saturating_mul(2))
    }

    fn widen(&mut self, width: i64) {
        self.width = width;
        for (time, count) in std::mem::take(&mut self.counts) {
            *self.counts.entry(start(time, width)).or_default() += count;
        }
    }
}

fn start(micros: i64, width: i64) -> i64 {
    micros - micros.rem_euclid(width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * SECOND + 999_999)
    }

    #[test]
    fn every_choice_is_a_multiple_of_the_one_before() {
        assert!(CHOICES.windows(2).all(|pair| pair[1] > pair[0] && pair[1] % pair[0] == 0));
    }

    #[test]
    fn there_are_never_more_than_a_thousand() {
        let mut buckets = Buckets::new(Some(3));
        for second in 0..5_000 {
            buckets.add(at(second * 3), 1);
            assert!(buckets.iter().len() <= MAX_BUCKETS);
        }
        assert_eq!(buckets.seconds(), 3 * 8);
        assert_eq!(buckets.iter().map(|(_, count)| count).sum::<u64>(), 5_000);
        assert!(buckets.iter().all(|(start, _)| start.micros() % (24 * SECOND) == 0));
    }

    #[test]
    fn a_chosen_width_suits_the_span_whatever_comes_first() {
        for (last, seconds) in
            [(50, 1), (99, 1), (100, 5), (3_600, 60), (86_400, 900), (86_400 * 365, 604_800)]
        {
            let mut up = Buckets::new(None);
            let mut down = Buckets::new(None);
            for step in 0..=200 {
                up.add(at(last * step / 200), 1);
                down.add(at(last - last * step / 200), 1);
            }
            assert_eq!((up.seconds(), down.seconds()), (seconds, seconds), "{last} s");
        }
        let mut all_of_time = Buckets::new(None);
        all_of_time.add(Timestamp::MIN, 1);
        all_of_time.add(Timestamp::MAX, 2);
        assert_eq!(all_of_time.iter().map(|(_, count)| count).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn pieces_add_up_when_one_width_is_a_multiple_of_the_other() {
        let mut whole = Buckets::new(Some(10));
        assert!(whole.merge(5, [(at(5), 1), (at(10), 2)]));
        assert!(whole.merge(40, [(Timestamp::from_micros(40 * SECOND), 4)]));
        let expected = [(Timestamp::MIN, 3), (Timestamp::from_micros(40 * SECOND), 4)];
        assert_eq!(whole.iter().collect::<Vec<_>>(), expected);
        let before = whole.clone();
        assert!(!whole.merge(7, [(at(0), 1)]) && !whole.merge(0, [(at(0), 1)]));
        assert_eq!(whole, before);
    }
}
