//! CSV (RFC 4180, but with line feeds), with the columns of a preset or of the job's choice.
//!
//! Collectors read line by line, also inside quotes, so no value ever holds a line end: it becomes the two
//! characters `\n`. Other control characters become a space (tab) or U+FFFD.

use std::borrow::Cow;

use csv::{Terminator, Writer, WriterBuilder};

use super::{
    csv_columns::{FLEXICAPTURE, XFLOW, value},
    view::View,
};
use crate::domain::format::{CsvColumn, CsvColumns, CsvOptions};

/// Room for one ordinary line, so that most are written at once.
const LINE_BYTES: usize = 512;

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

pub(super) fn write(view: &View<'_>, options: &CsvOptions, out: &mut Vec<u8>) -> Result<(), csv::Error> {
    let mut line = Line { writer: line_writer(out), formula_guard: options.formula_guard };
    match &options.columns {
        CsvColumns::Xflow => XFLOW.iter().try_for_each(|(_, value)| line.cell(&value(view)))?,
        CsvColumns::Flexicapture => FLEXICAPTURE.iter().try_for_each(|(_, value)| line.cell(&value(view)))?,
        CsvColumns::All => line.columns(view, CsvColumn::ALL)?,
        CsvColumns::Chosen(columns) => line.columns(view, columns)?,
    }
    line.writer.write_record(None::<&[u8]>)?;
    line.writer.flush()?;
    Ok(())
}

struct Line<'a> {
    writer: Writer<&'a mut Vec<u8>>,
    formula_guard: bool,
}

impl Line<'_> {
    fn columns(&mut self, view: &View<'_>, columns: &[CsvColumn]) -> Result<(), csv::Error> {
        columns.iter().try_for_each(|column| self.cell(&value(view, *column)))
    }

    fn cell(&mut self, value: &str) -> Result<(), csv::Error> {
        self.writer.write_field(cell(value, self.formula_guard).as_bytes())
    }
}

fn line_writer(out: &mut Vec<u8>) -> Writer<&mut Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::Any(b'\n')).buffer_capacity(LINE_BYTES).from_writer(out)
}

/// A value that is safe in a line, and in a spreadsheet if `formula_guard`.
fn cell(value: &str, formula_guard: bool) -> Cow<'_, str> {
    let guard = formula_guard && value.starts_with(runs_as_formula);
    if !guard && !value.contains(breaks_line) {
        return Cow::Borrowed(value);
    }
    let mut safe = String::with_capacity(value.len() + 8);
    if guard {
        safe.push('\'');
    }
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                // Carriage return and line feed are one line end.
                characters.next_if_eq(&'\n');
                safe.push_str("\\n");
            }
            '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => safe.push_str("\\n"),
            '\t' => safe.push(' '),
            control if control.is_control() => safe.push('\u{FFFD}'),
            plain => safe.push(plain),
        }
    }
    Cow::Owned(safe)
}

fn breaks_line(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Spreadsheets take the full-width forms for the plain ones.
fn runs_as_formula(character: char) -> bool {
    matches!(character, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_breaks_a_line() {
        assert_eq!(cell("a\r\nb\rc\nd\u{85}e\u{2028}f\u{2029}g", true), "a\\nb\\nc\\nd\\ne\\nf\\ng");
        assert_eq!(cell("tab\there\0\u{1b}[31m\u{9b}", true), "tab here\u{FFFD}\u{FFFD}[31m\u{FFFD}");
        assert_eq!(cell("Åse \"O'Neill\", 東京", true), "Åse \"O'Neill\", 東京");
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
