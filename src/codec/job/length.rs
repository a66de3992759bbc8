//! Lengths of time as clients send them.

use std::time::Duration;

/// A length of time; `None` if it is negative or none. (The conversion of prost's own panics at the least number.)
pub(super) fn length(sent: prost_types::Duration) -> Option<Duration> {
    let nanos = u32::try_from(sent.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(sent.seconds).ok()?, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_a_length_of_time_is_one() {
        let read = |seconds, nanos| length(prost_types::Duration { seconds, nanos });
        assert_eq!(read(7, 500), Some(Duration::new(7, 500)));
        assert_eq!(read(i64::MAX, 999_999_999), Some(Duration::new(i64::MAX.unsigned_abs(), 999_999_999)));
        for (seconds, nanos) in [(-1, 0), (0, -1), (i64::MIN, 0), (0, i32::MIN), (1, 1_000_000_000)] {
            assert_eq!(read(seconds, nanos), None, "{seconds} {nanos}");
        }
    }
}
