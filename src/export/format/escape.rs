//! Values that cannot break a line or forge a field, and are no longer than a format takes.

pub(super) use crate::codec::json_write::MARK;

/// What version the lines have; goes up when a format's fields change.
pub(super) const FORMAT_VERSION: &str = "1.0";

/// How one format writes values. Line ends (CR LF, CR, LF, NEL, U+2028, U+2029) become `line_end`, a tab a
/// space, other control characters U+FFFD, and each character of `escapes` what stands beside it.
pub(super) struct Escape {
    /// Bytes that need no look.
    plain: [bool; 256],
    line_end: &'static str,
    escapes: &'static [(char, &'static str)],
}

impl Escape {
    pub(super) const fn new(line_end: &'static str, escapes: &'static [(char, &'static str)]) -> Self {
        let mut plain = [true; 256];
        let mut byte = 0;
        while byte < 256 {
            // 0xC2 and 0xE2 begin the control characters and line ends beyond ASCII.
            plain[byte] = byte >= 0x20 && !matches!(byte, 0x7F | 0xC2 | 0xE2);
            byte += 1;
        }
        let mut i = 0;
        while i < escapes.len() {
            // Every escaped character is ASCII.
            plain[escapes[i].0 as usize] = false;
            i += 1;
        }
        Self { plain, line_end, escapes }
    }

    /// Appends a value; if it would be longer than `limit` bytes, cut before an escape or character, with
    /// [`MARK`] at its end.
    pub(super) fn push(&self, value: &str, limit: usize, out: &mut Vec<u8>) {
        if value.len() <= limit && value.bytes().all(|byte| self.plain[usize::from(byte)]) {
            out.extend_from_slice(value.as_bytes());
            return;
        }
        let start = out.len();
        let room = limit.saturating_sub(MARK.len());
        // What is plain up to the first other byte is taken as it is.
        let plain = value.bytes().take(room).position(|byte| !self.plain[usize::from(byte)]).unwrap_or(room);
        let plain = value.floor_char_boundary(plain.min(value.len()));
        let (whole, rest) = value.split_at(plain);
        out.extend_from_slice(whole.as_bytes());
        let mut fits = out.len();
        let mut rest = rest.chars().peekable();
        while let Some(character) = rest.next() {
            if character == '\r' {
                // Carriage return and line feed are one line end.
                rest.next_if_eq(&'\n');
            }
            self.push_char(character, out);
            if out.len() - start > limit {
                out.truncate(fits);
                out.extend_from_slice(MARK.as_bytes());
                return;
            }
            if out.len() - start <= room {
                fits = out.len();
            }
        }
    }

    fn push_char(&self, character: char, out: &mut Vec<u8>) {
        let replaced = match character {
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(self.line_end),
            '\t' => Some(" "),
            control if control.is_control() => Some("\u{FFFD}"),
            other => self.escapes.iter().find(|(from, _)| *from == other).map(|(_, to)| *to),
        };
        match replaced {
            Some(text) => out.extend_from_slice(text.as_bytes()),
            None => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static PIPES: Escape = Escape::new("\\n", &[('|', "\\|"), ('\\', "\\\\")]);

    fn pushed(value: &str, limit: usize) -> String {
        let mut out = b"before ".to_vec();
        PIPES.push(value, limit, &mut out);
        String::from_utf8(out).unwrap().strip_prefix("before ").unwrap().to_owned()
    }

    #[test]
    fn nothing_in_a_value_breaks_a_line_or_a_field() {
        assert_eq!(pushed("a\r\nb\rc\nd\u{85}e\u{2028}f\u{2029}g", 99), "a\\nb\\nc\\nd\\ne\\nf\\ng");
        assert_eq!(pushed("tab\there\0\u{1b}[31m\u{9b}", 99), "tab here\u{FFFD}\u{FFFD}[31m\u{FFFD}");
        assert_eq!(pushed("a|b\\c", 99), "a\\|b\\\\c");
        assert_eq!(pushed("Åse, 東京 ✓ °", 99), "Åse, 東京 ✓ °");
    }

    #[test]
    fn a_long_value_is_cut_with_a_mark_and_never_inside_an_escape_or_character() {
        assert_eq!(pushed("0123456789", 10), "0123456789");
        assert_eq!(pushed("0123456789x", 10), "01...(cut)");
        assert_eq!(pushed("æøåæøå", 11), "æ...(cut)");
        assert_eq!(pushed("||||||", 11), "\\|...(cut)");
        assert_eq!(pushed("a|||||", 10), "a...(cut)");
        for limit in MARK.len()..40 {
            assert!(pushed(&"é|\n\\".repeat(20), limit).len() <= limit, "{limit}");
        }
    }
}
