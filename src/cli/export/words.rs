//! Times and lengths of time in words.

const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];

/// A length of time in all its units: `1h 30m`.
pub fn exact(seconds: i64) -> String {
    units(seconds, UNITS.len())
}

/// A length of time in its two largest units: `2d 4h`.
pub fn short(seconds: i64) -> String {
    units(seconds, 2)
}

/// How long ago, or in how long: `12s ago`, `in 3m 20s`, `now`; empty for no time.
pub fn relative(time: Option<&prost_types::Timestamp>, now: i64) -> String {
    let Some(time) = time else { return String::new() };
    match time.seconds - now {
        0 => "now".to_owned(),
        later if later > 0 => format!("in {}", short(later)),
        earlier => format!("{} ago", short(-earlier)),
    }
}

/// The beginning of a text on one line, of at most so many characters.
pub fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

fn units(seconds: i64, most: usize) -> String {
    let mut left = seconds.max(0);
    let largest = UNITS.iter().position(|(unit, _)| left >= *unit).unwrap_or(UNITS.len() - 1);
    let mut parts = Vec::new();
    for (unit, letter) in UNITS.iter().skip(largest).take(most) {
        if left / unit > 0 || (parts.is_empty() && *unit == 1) {
            parts.push(format!("{}{letter}", left / unit));
        }
        left %= unit;
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_short_or_exact() {
        for (seconds, as_short, as_exact) in [
            (0, "0s", "0s"),
            (59, "59s", "59s"),
            (60, "1m", "1m"),
            (3_661, "1h 1m", "1h 1m 1s"),
            (90_061, "1d 1h", "1d 1h 1m 1s"),
            (86_401, "1d", "1d 1s"),
        ] {
            assert_eq!((short(seconds).as_str(), exact(seconds).as_str()), (as_short, as_exact));
        }
    }

    #[test]
    fn times_are_told_from_now() {
        let at = |seconds| prost_types::Timestamp { seconds, nanos: 0 };
        assert_eq!(relative(Some(&at(88)), 100), "12s ago");
        assert_eq!(relative(Some(&at(300)), 100), "in 3m 20s");
        assert_eq!(relative(Some(&at(100)), 100), "now");
        assert_eq!(relative(None, 100), "");
    }

    #[test]
    fn a_long_text_is_cut_with_a_mark() {
        assert_eq!(cut("kort", 4), "kort");
        assert_eq!(cut("æøå æøå", 6), "æøå...");
    }
}
