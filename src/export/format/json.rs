//! Writes JSON objects of known shape straight into a line: nothing empty, nothing that breaks a line.

use std::fmt::Display;

use super::escape::{MARK, push_number};

/// One object that is being written. Keys are ASCII without quotes.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

/// Writes one object.
pub(super) fn object(out: &mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    write(&mut Object { out, first: true });
    out.push(b'}');
}

impl Object<'_> {
    /// A text, if it is not empty.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.key(key);
            push_text(value, self.out);
        }
    }

    /// A text of at most `limit` bytes, cut with a mark.
    pub(super) fn cut(&mut self, key: &str, value: &str, limit: usize) {
        if value.len() <= limit {
            return self.text(key, value);
        }
        self.key(key);
        push_text(value.get(..value.floor_char_boundary(limit - MARK.len())).unwrap_or_default(), self.out);
        self.out.pop();
        self.out.extend_from_slice(MARK.as_bytes());
        self.out.push(b'"');
    }

    pub(super) fn number(&mut self, key: &str, value: impl Display) {
        self.key(key);
        push_number(value, self.out);
    }

    /// A list of texts, if there is any that is not empty; none twice.
    pub(super) fn texts(&mut self, key: &str, values: &[&str]) {
        let new = |(i, value): &(usize, &&str)| !value.is_empty() && !values[..*i].contains(value);
        let mut values = values.iter().enumerate().filter(new).map(|(_, value)| *value).peekable();
        if values.peek().is_some() {
            self.list(key, values, push_text);
        }
    }

    /// A list, if it is not empty.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        values: impl Iterator<Item = T>,
        mut write: impl FnMut(T, &mut Vec<u8>),
    ) {
        let (start, first) = (self.out.len(), self.first);
        self.key(key);
        self.out.push(b'[');
        let mut any = false;
        for value in values {
            if std::mem::replace(&mut any, true) {
                self.out.push(b',');
            }
            write(value, self.out);
        }
        self.out.push(b']');
        if !any {
            self.out.truncate(start);
            self.first = first;
        }
    }

    /// An object, if anything is in it.
    pub(super) fn object(&mut self, key: &str, write: impl FnOnce(&mut Object<'_>)) {
        let (start, first) = (self.out.len(), self.first);
        self.key(key);
        let inside = self.out.len() + 1;
        object(self.out, write);
        if self.out.len() == inside + 1 {
            self.out.truncate(start);
            self.first = first;
        }
    }

    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}

/// Appends a JSON text. Line ends and control characters are escaped, those beyond ASCII too.
pub(super) fn push_text(value: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let plain = |byte: u8| byte >= 0x20 && !matches!(byte, b'"' | b'\\' | 0x7F | 0xC2 | 0xE2);
    if value.bytes().all(plain) {
        out.extend_from_slice(value.as_bytes());
    } else {
        for character in value.chars() {
            match character {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\t' => out.extend_from_slice(b"\\t"),
                '\u{2028}' | '\u{2029}' => push_code(character, out),
                control if control.is_control() => push_code(character, out),
                other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
    out.push(b'"');
}

fn push_code(character: char, out: &mut Vec<u8>) {
    push_number(format_args!("\\u{:04x}", u32::from(character)), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Object<'_>)) -> String {
        let mut out = Vec::new();
        object(&mut out, write);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_empty_is_not_there() {
        let json = written(|o| {
            o.text("a", "");
            o.object("b", |o| o.object("c", |o| o.text("d", "")));
            o.texts("e", &["", ""]);
            o.text("f", "x");
            o.list("g", std::iter::empty::<&str>(), push_text);
            o.number("h", 7);
        });
        assert_eq!(json, r#"{"f":"x","h":7}"#);
        assert_eq!(written(|o| o.texts("a", &["x", "", "y", "x"])), r#"{"a":["x","y"]}"#);
    }

    #[test]
    fn nothing_in_a_text_breaks_the_line() {
        let json = written(|o| o.text("a", "\"\\\n\r\t\0\u{7f}\u{85}\u{9b}\u{2028}\u{2029}Åse 東京"));
        let expected = r#"{"a":"\"\\\n\r\t\u0000\u007f\u0085\u009b\u2028\u2029Åse 東京"}"#;
        assert_eq!(json, expected);
    }

    #[test]
    fn a_long_text_is_cut_with_a_mark() {
        assert_eq!(written(|o| o.cut("a", "0123456789", 10)), r#"{"a":"0123456789"}"#);
        assert_eq!(written(|o| o.cut("a", "æøåæøåx", 12)), r#"{"a":"æø...(cut)"}"#);
        assert_eq!(written(|o| o.cut("a", "\"\"\"\"\"\"\"\"\"\"\"", 10)), r#"{"a":"\"\"...(cut)"}"#);
    }
}
