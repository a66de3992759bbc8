//! CSV (RFC 4180, but with line feeds), with the columns of a preset or of the job's choice.
//!
//! Collectors read line by line, also inside quotes, so no value ever holds a line end: it becomes the two
//! characters `\n`. Other control characters become a space (tab) or U+FFFD.

use super::{
    csv_columns::{FLEXICAPTURE, Value, XFLOW, value},
    view::View,
};
use crate::{
    codec::plain::Plain,
    domain::format::{CsvColumn, CsvColumns, CsvOptions},
};

pub(super) fn write_header(options: &CsvOptions, out: &mut Vec<u8>) {
    let names: Vec<&str> = match &options.columns {
        CsvColumns::Xflow => XFLOW.iter().map(|(name, _)| *name).collect(),
        CsvColumns::Flexicapture => FLEXICAPTURE.iter().map(|(name, _)| *name).collect(),
        CsvColumns::All => CsvColumn::ALL.iter().map(|column| column.name()).collect(),
        CsvColumns::Chosen(columns) => columns.iter().map(|column| column.name()).collect(),
    };
    out.extend_from_slice(names.join(",").as_bytes());
    out.push(b'\n');
}

pub(super) fn write(view: &View<'_>, options: &CsvOptions, out: &mut Vec<u8>) {
    let start = out.len();
    let mut line = Line { out, formula_guard: options.formula_guard };
    match &options.columns {
        CsvColumns::Xflow => XFLOW.iter().for_each(|(_, value)| line.cell(value(view))),
        CsvColumns::Flexicapture => FLEXICAPTURE.iter().for_each(|(_, value)| line.cell(value(view))),
        CsvColumns::All => CsvColumn::ALL.iter().for_each(|column| line.cell(value(view, *column))),
        CsvColumns::Chosen(columns) => columns.iter().for_each(|column| line.cell(value(view, *column))),
    }
    // The last comma.
    out.pop();
    if out.len() == start {
        // A line with nothing in it is none; one with an empty cell is.
        out.extend_from_slice(b"\"\"");
    }
    out.push(b'\n');
}

/// Cells with a comma after each.
struct Line<'a> {
    out: &'a mut Vec<u8>,
    formula_guard: bool,
}

impl Line<'_> {
    fn cell(&mut self, value: Value<'_>) {
        match value {
            Value::Text(text) => push_cell(&[text], self.formula_guard, self.out),
            Value::Made(text) => push_cell(&[&text], self.formula_guard, self.out),
            Value::Parts(parts) => push_cell(&parts, self.formula_guard, self.out),
            Value::Number(number) => number.push(self.out),
            Value::Id(id) => id.push(self.out),
            Value::Time(time) => time.push(self.out),
        }
        self.out.push(b',');
    }
}

/// Appends a cell that is safe in a line, and in a spreadsheet if `formula_guard`; in quotes if it must be.
fn push_cell(parts: &[&str], formula_guard: bool, out: &mut Vec<u8>) {
    let start = out.len();
    let first = parts.iter().find_map(|part| part.chars().next());
    if formula_guard && first.is_some_and(runs_as_formula) {
        out.push(b'\'');
    }
    let quoted = parts.iter().fold(false, |quoted, part| push_safe(part, out) | quoted);
    if quoted {
        out.insert(start, b'"');
        out.push(b'"');
    }
}

/// Says whether it must be in quotes. Plain runs are taken as they are.
fn push_safe(text: &str, out: &mut Vec<u8>) -> bool {
    let mut quoted = false;
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| SPECIAL[usize::from(byte)]) {
        // A special byte begins a character.
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut characters = special.chars();
        let character = characters.next().unwrap_or_default();
        match character {
            '"' => {
                quoted = true;
                out.extend_from_slice(b"\"\"");
            }
            ',' => {
                quoted = true;
                out.push(b',');
            }
            '\r' => {
                // Carriage return and line feed are one line end.
                if let Some(after) = characters.as_str().strip_prefix('\n') {
                    characters = after.chars();
                }
                out.extend_from_slice(b"\\n");
            }
            '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.extend_from_slice(b"\\n"),
            '\t' => out.push(b' '),
            control if control.is_control() => out.extend_from_slice("\u{FFFD}".as_bytes()),
            plain => out.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = characters.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    quoted
}

/// Bytes that must be looked at; 0xC2 and 0xE2 begin the control characters and line ends beyond ASCII.
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        special[byte] = byte < 0x20 || matches!(byte, 0x22 | 0x2C | 0x7F | 0xC2 | 0xE2);
        byte += 1;
    }
    special
};

/// Spreadsheets take the full-width forms for the plain ones.
fn runs_as_formula(character: char) -> bool {
    matches!(character, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(value: &str, formula_guard: bool) -> String {
        let mut out = Vec::new();
        push_cell(&[value], formula_guard, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_cell_has_quotes_where_it_must() {
        assert_eq!(cell("a b", true), "a b");
        assert_eq!(cell("a,b", true), "\"a,b\"");
        assert_eq!(cell("a\"b", true), "\"a\"\"b\"");
        assert_eq!(cell("=1,2", true), "\"'=1,2\"");
        let mut out = Vec::new();
        push_cell(&["", "-", ",\""], true, &mut out);
        assert_eq!(out, b"\"'-,\"\"\"");
    }

    #[test]
    fn no_value_breaks_a_line() {
        assert_eq!(cell("a\r\nb\rc\nd\u{85}e\u{2028}f\u{2029}g", true), "a\\nb\\nc\\nd\\ne\\nf\\ng");
        assert_eq!(cell("tab\there\0\u{1b}[31m\u{9b}", true), "tab here\u{FFFD}\u{FFFD}[31m\u{FFFD}");
        assert_eq!(cell("Åse \"O'Neill\", 東京 °–", true), "\"Åse \"\"O'Neill\"\", 東京 °–\"");
    }

    #[test]
    fn formulas_are_guarded_unless_the_job_says_no() {
        for formula in ["=1+1", "+45", "-1", "@SUM", "＝1"] {
            assert_eq!(cell(formula, true), format!("'{formula}"));
            assert_eq!(cell(formula, false), formula);
        }
        assert_eq!(cell("\t=1", true), "' =1");
        assert_eq!(cell("\r=1", true), "'\\n=1");
        assert_eq!(cell("a=1", true), "a=1");
        assert_eq!(cell("", true), "");
    }

    #[test]
    fn the_presets_headers_are_shorter_than_what_splunk_knows_a_file_by() {
        for columns in [CsvColumns::Xflow, CsvColumns::Flexicapture] {
            let mut header = Vec::new();
            write_header(&CsvOptions { columns, header: true, formula_guard: true }, &mut header);
            assert!(header.len() < 256, "{}", header.len());
        }
    }
}
