//! Writes JSON objects of known shape straight into a line: nothing empty, nothing that breaks a line.

use super::plain::{Hex, Plain};

/// What the end of a value says that was cut.
pub const MARK: &str = "...(cut)";

/// One object that is being written. Keys are ASCII without quotes.
pub struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

/// Writes one object.
pub fn object(out: &mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    write(&mut Object { out, first: true });
    out.push(b'}');
}

impl Object<'_> {
    /// A text, if it is not empty.
    pub fn text(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.key(key);
            push_text(value, self.out);
        }
    }

    /// A text of at most `limit` bytes, cut with a mark.
    pub fn cut(&mut self, key: &str, value: &str, limit: usize) {
        if value.len() <= limit {
            return self.text(key, value);
        }
        self.key(key);
        push_text(value.get(..value.floor_char_boundary(limit - MARK.len())).unwrap_or_default(), self.out);
        self.out.pop();
        self.out.extend_from_slice(MARK.as_bytes());
        self.out.push(b'"');
    }

    /// A number.
    pub fn number(&mut self, key: &str, value: impl Plain) {
        self.key(key);
        value.push(self.out);
    }

    /// What needs no look, as a text.
    pub fn plain(&mut self, key: &str, value: impl Plain) {
        self.key(key);
        self.out.push(b'"');
        value.push(self.out);
        self.out.push(b'"');
    }

    /// A value that is written as it is, JSON without line ends.
    pub fn raw(&mut self, key: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.key(key);
        write(self.out);
    }

    /// A list of texts, if there is any that is not empty; none twice.
    pub fn texts(&mut self, key: &str, values: &[&str]) {
        let new = |(i, value): &(usize, &&str)| !value.is_empty() && !values[..*i].contains(value);
        let mut values = values.iter().enumerate().filter(new).map(|(_, value)| *value).peekable();
        if values.peek().is_some() {
            self.list(key, values, push_text);
        }
    }

    /// A list, if it is not empty.
    pub fn list<T>(
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
    pub fn object(&mut self, key: &str, write: impl FnOnce(&mut Object<'_>)) {
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
pub fn push_text(value: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    push_escaped(value, out);
    out.push(b'"');
}

/// The same without its quotes.
pub fn push_escaped(value: &str, out: &mut Vec<u8>) {
    let mut rest = value.as_bytes();
    while let Some(at) = rest.iter().position(|byte| SPECIAL[usize::from(*byte)]) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        rest = &special[push_special(special, out)..];
    }
    out.extend_from_slice(rest);
}

/// Bytes that must be looked at; 0xC2 and 0xE2 begin the control characters and line ends beyond ASCII.
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        special[byte] = byte < 0x20 || matches!(byte, 0x22 | 0x5C | 0x7F | 0xC2 | 0xE2);
        byte += 1;
    }
    special
};

/// Writes what the first character of `rest` becomes, and says how many bytes it was.
fn push_special(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let short = match rest {
        [0xC2, second @ 0x80..=0x9F, ..] => {
            push_code([0, *second], out);
            return 2;
        }
        [0xE2, 0x80, third @ (0xA8 | 0xA9), ..] => {
            push_code([0x20, third - 0x80], out);
            return 3;
        }
        [b'"', ..] => b"\\\"",
        [b'\\', ..] => b"\\\\",
        [b'\n', ..] => b"\\n",
        [b'\r', ..] => b"\\r",
        [b'\t', ..] => b"\\t",
        [0x08, ..] => b"\\b",
        [0x0C, ..] => b"\\f",
        [control @ (..0x20 | 0x7F), ..] => {
            push_code([0, *control], out);
            return 1;
        }
        // What follows the first byte of any other character is plain.
        [other, ..] => {
            out.push(*other);
            return 1;
        }
        [] => return 0,
    };
    out.extend_from_slice(short);
    1
}

fn push_code(code: [u8; 2], out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\u");
    Hex(&code).push(out);
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
