//! Events as CSV (RFC 4180): a header, CRLF, quotes where they are needed.

use std::borrow::Cow;

use csv::{Terminator, Writer, WriterBuilder};

use crate::domain::event::RecordedEvent;

use super::{
    super::output::escape::escape,
    column::{Column, Writing},
};

/// What is shown unless columns are chosen.
const DEFAULT: &[Column] = &[
    Column::Sequence,
    Column::Time,
    Column::Type,
    Column::Severity,
    Column::Outcome,
    Column::ActorId,
    Column::ActorName,
    Column::Ip,
    Column::Target,
    Column::Description,
];

/// Writes lines of CSV.
pub struct Csv {
    columns: Vec<Column>,
    writing: Writing,
    /// Somebody looks at it: nothing may steer the terminal.
    terminal: bool,
    header: bool,
}

impl Csv {
    /// With these columns, or the usual ones if there are none.
    pub fn new(columns: &[Column], writing: Writing, header: bool, terminal: bool) -> Self {
        let columns = if columns.is_empty() { DEFAULT } else { columns }.to_vec();
        Self { columns, writing, terminal, header }
    }

    /// The header, once; nothing later, or if it is not wanted.
    ///
    /// # Errors
    ///
    /// None but those of memory.
    pub fn header(&mut self, out: &mut Vec<u8>) -> Result<(), csv::Error> {
        if !std::mem::take(&mut self.header) {
            return Ok(());
        }
        record(self.columns.iter().map(|column| column.name().to_owned()), out)
    }

    /// One event.
    ///
    /// # Errors
    ///
    /// None but those of memory.
    pub fn event(&mut self, event: &RecordedEvent, out: &mut Vec<u8>) -> Result<(), csv::Error> {
        self.header(out)?;
        let cell = |column: &Column| {
            let value = column.value(event, &self.writing);
            let guarded = guard(&value);
            if self.terminal { escape(&guarded).into_owned() } else { guarded.into_owned() }
        };
        record(self.columns.iter().map(cell), out)
    }
}

fn record(cells: impl Iterator<Item = String>, out: &mut Vec<u8>) -> Result<(), csv::Error> {
    let mut writer: Writer<&mut Vec<u8>> = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
    writer.write_record(cells.map(String::into_bytes))?;
    writer.flush()?;
    Ok(())
}

/// A spreadsheet must not run a value as a formula: an apostrophe in front makes it text. Spreadsheets take the
/// full-width forms for the plain ones.
fn guard(value: &str) -> Cow<'_, str> {
    let formula =
        |first: char| matches!(first, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠');
    if value.starts_with(formula) { format!("'{value}").into() } else { value.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_guarded_and_other_values_stay_as_they_are() {
        for formula in ["=1+1", "+45", "-1", "@SUM", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(guard(formula), format!("'{formula}"));
        }
        for plain in ["", "a=1", "12", "'x", "Åse, \"O'Neill\"\r\n東京"] {
            assert_eq!(guard(plain), plain);
        }
    }

    #[test]
    fn cells_are_quoted_where_rfc_4180_wants_it() {
        let mut out = Vec::new();
        let cells = ["plain", "a,b", "say \"no\"", "two\nlines", ""];
        record(cells.iter().map(|cell| (*cell).to_owned()), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "plain,\"a,b\",\"say \"\"no\"\"\",\"two\nlines\",\r\n");
    }
}
