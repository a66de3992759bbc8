//! Durations and sizes as people write them.

use std::time::Duration;

/// The shape of a duration, for messages.
pub(super) const DURATION_SHAPE: &str = "a whole number with ms, s, m, h or d, such as \"10s\"";
/// The shape of a size, for messages.
pub(super) const SIZE_SHAPE: &str = "a whole number of bytes, or one with KiB, MiB or GiB, such as \"4MiB\"";

/// Reads a duration; `None` if it has not the shape or is too long to count.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

/// Reads a size in bytes; `None` if it has not the shape or is too large to count.
pub(super) fn size(text: &str) -> Option<usize> {
    let (number, unit) = split(text)?;
    let bytes: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    usize::try_from(number.checked_mul(bytes)?).ok()
}

fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("10s"), Some(Duration::from_secs(10)));
        assert_eq!(duration("250 ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration("2d"), Some(Duration::from_secs(172_800)));
        for wrong in ["", "10", "s", "-1s", "1.5s", "1w", "99999999999999999999s", "999999999999999999d"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(size("4MiB"), Some(4_194_304));
        assert_eq!(size("512"), Some(512));
        assert_eq!(size("1 GiB"), Some(1 << 30));
        for wrong in ["", "4MB", "KiB", "-1", "1.5MiB", "99999999999GiB"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }
}
