//! Cutting over-long text.

/// Cuts `text` to at most `limit` bytes on a character boundary; `true` if anything was cut.
pub fn cut(text: &mut String, limit: usize) -> bool {
    if text.len() <= limit {
        return false;
    }
    text.truncate(text.floor_char_boundary(limit));
    true
}

/// Case folding for comparisons, the same on every store: Unicode's simple lower-casing.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_character() {
        let mut text = "æøå".to_owned();
        assert!(cut(&mut text, 3));
        assert_eq!(text, "æ");
        assert!(!cut(&mut text, 2));
    }
}
