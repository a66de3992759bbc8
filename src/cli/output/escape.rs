//! Making text from outside harmless to a terminal.
//!
//! Names and descriptions in events may hold anything, escape sequences included: printed as they are, they could
//! repaint the screen, hide other events or type commands. What steers a terminal or turns the direction of text is
//! shown as an escape instead.

use std::borrow::Cow;

/// `text` with control, direction and line separator characters written as `\n`, `\t` or `\u{1b}`.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_harmful(c) { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

/// Output of `serde_json` with the same characters as JSON escapes, which mean the same to a program. They can stand
/// in strings only.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    // Line feeds end the lines of JSON Lines and of pretty JSON; in strings they are escaped already.
    let harmful = |c: char| c != '\n' && is_harmful(c);
    if !json.chars().any(harmful) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    let mut units = [0; 2];
    for c in json.chars() {
        if harmful(c) {
            for unit in c.encode_utf16(&mut units) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

fn is_harmful(c: char) -> bool {
    // C0, DEL and C1, where ESC and the one-character CSI are.
    c.is_control()
        || matches!(c,
            // Direction marks, embeddings, overrides and isolates (Unicode's bidirectional controls).
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
            // Line and paragraph separators.
            | '\u{2028}' | '\u{2029}'
            // Invisible: zero width, byte order mark, interlinear annotation, tags.
            | '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in ["", "har udført handlingen \"Read\"", "日本語", "emoji 👩‍⚕️", r"C:\Users"] {
            assert_eq!(escape(text), text);
        }
    }

    #[test]
    fn nothing_reaches_the_terminal_that_steers_it() {
        assert_eq!(escape("\u{1b}[2J\u{1b}]0;x\u{7}"), r"\u{1b}[2J\u{1b}]0;x\u{7}");
        assert_eq!(escape("a\u{9b}31m"), r"a\u{9b}31m");
        assert_eq!(escape("two\r\nlines\tand"), r"two\r\nlines\tand");
        assert_eq!(escape("\u{202e}gpj.exe"), r"\u{202e}gpj.exe");
    }

    #[test]
    fn json_means_the_same_after_it() {
        let value = serde_json::json!({ "a": "\u{9b}31m \u{7f} \u{202e} \u{E0041} æ" });
        let line = format!("{value}\n");
        let safe = escape_json(&line);
        assert!(!safe.trim_end().chars().any(is_harmful));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }
}
