//! Cutting over-long text.

/// Cuts `text` to at most `limit` bytes on a character boundary; `true` if anything was cut.
pub fn cut(text: &mut String, limit: usize) -> bool {
    if text.len() <= limit {
        return false;
    }
    text.truncate(text.floor_char_boundary(limit));
    true
}

/// Case folding for comparisons, the same on every store: each character lower-cased by itself, so that a part
/// of a text folds to a part of the folded text. (`str::to_lowercase` looks at neighbours: a final sigma.)
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_text_folds_to_a_part_of_the_folded_text() {
        assert!(fold("ΟΔΟΣ ΣΟΦΙΑΣ").contains(&fold("ΟΔΟΣ")));
        assert!(fold("ΟΔΟΣΑ").contains(&fold("ΟΔΟΣ")));
        assert_eq!(fold("ÆBLER PÅ ØEN"), "æbler på øen");
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        let mut text = "æøå".to_owned();
        assert!(cut(&mut text, 3));
        assert_eq!(text, "æ");
        assert!(!cut(&mut text, 2));
    }
}
