//! Events as rows of a table, page by page, so that nothing large is kept.

use std::io;

use comfy_table::{Cell, Color, ColumnConstraint, Table, Width};

use crate::domain::event::RecordedEvent;

use super::{
    super::output::{escape::escape, stdout::Stdout, style::Style, table},
    column::{Column, Writing, failed},
};

/// Rows of one page. The first page decides how wide the columns are.
const PAGE: usize = 200;

/// From this many characters on, targets have a column of their own.
const WIDE: u16 = 140;
/// What is shown unless columns are chosen.
const DEFAULT: &[Column] =
    &[Column::Sequence, Column::Time, Column::Type, Column::Actor, Column::Target, Column::Description];
/// Where there is less room, what comes from here on shares a column.
const NARROW: usize = 4;
const WHAT: &str = "WHAT";
/// A column whose values may be long has at least this many characters, if it needs them.
const LONG: u16 = 18;
/// Characters beside the text of a cell.
const PADDING: u16 = 2;

/// Collects rows and prints a page at a time.
pub struct Rows {
    width: u16,
    style: Style,
    columns: Vec<Column>,
    /// Columns from [`NARROW`] on are one.
    narrow: bool,
    writing: Writing,
    page: Vec<Row>,
    /// Of the first page.
    widths: Option<Vec<u16>>,
}

struct Row {
    /// Safe for a terminal.
    cells: Vec<String>,
    failed: bool,
}

impl Rows {
    /// Rows for a terminal of `width` characters, with these columns or the usual ones.
    pub fn new(width: u16, style: Style, columns: &[Column], writing: Writing) -> Self {
        let narrow = columns.is_empty() && width < WIDE;
        let columns = if columns.is_empty() { DEFAULT } else { columns }.to_vec();
        Self { width, style, columns, narrow, writing, page: Vec::new(), widths: None }
    }

    /// Adds an event, and prints the page if it is full.
    ///
    /// # Errors
    ///
    /// If the output is closed.
    pub fn push(&mut self, recorded: &RecordedEvent, out: &mut Stdout) -> io::Result<()> {
        let cell = |column: &Column| escape(&column.text(recorded, &self.writing)).into_owned();
        let mut cells: Vec<String> = self.columns.iter().map(cell).collect();
        if self.narrow {
            let what = cells.split_off(NARROW);
            cells.push(what.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n"));
        }
        self.page.push(Row { cells, failed: failed(recorded) });
        if self.page.len() >= PAGE { self.flush(out) } else { Ok(()) }
    }

    /// Prints what there is.
    ///
    /// # Errors
    ///
    /// If the output is closed.
    pub fn flush(&mut self, out: &mut Stdout) -> io::Result<()> {
        if self.page.is_empty() {
            return Ok(());
        }
        let header = if self.widths.is_none() { self.header() } else { Vec::new() };
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let mut table = table::new(&header, self.width, self.style);
        for row in std::mem::take(&mut self.page) {
            table.add_row(row.cells.iter().zip(&self.columns).map(|(cell, column)| {
                let cell = Cell::new(cell);
                match column {
                    Column::Type if row.failed => cell.fg(Color::Red),
                    Column::Type => cell.fg(Color::Cyan),
                    _ => cell,
                }
            }));
        }
        let long: Vec<bool> = self.columns.iter().map(|column| column.usual_width() == 0).collect();
        let widths = self.widths.get_or_insert_with(|| widths(&table, &long, self.width));
        let absolute = widths.iter().map(|&width| ColumnConstraint::Absolute(Width::Fixed(width)));
        table.set_constraints(absolute);
        for line in table::lines(&table) {
            out.line(&line)?;
        }
        out.flush()
    }

    fn header(&self) -> Vec<String> {
        let mut header: Vec<String> = self.columns.iter().map(|column| column.heading()).collect();
        if self.narrow {
            header.truncate(NARROW);
            header.push(WHAT.to_owned());
        }
        header
    }
}

/// Columns of usual width are as wide as they are; of the `long` ones, the last has what the others leave.
fn widths(table: &Table, long: &[bool], total: u16) -> Vec<u16> {
    let content = table.column_max_content_widths();
    let mut widths: Vec<u16> = content.iter().map(|&width| width.saturating_add(PADDING)).collect();
    let is_long = |column: usize| long.get(column).copied().unwrap_or(true);
    for (column, width) in widths.iter_mut().enumerate() {
        // Sequences grow while they are read.
        if !is_long(column) {
            *width = (*width).max(6 + PADDING);
        }
    }
    let short = widths.iter().enumerate().filter(|(column, _)| !is_long(*column)).map(|(_, width)| *width);
    let mut room = total.saturating_sub(short.fold(0, u16::saturating_add));
    let Some(last) = (0..widths.len()).rfind(|column| is_long(*column)) else { return widths };
    let share = (room / 3).max(LONG);
    for column in (0..last).filter(|column| is_long(*column)) {
        widths[column] = widths[column].min(share);
        room = room.saturating_sub(widths[column]);
    }
    let wanted = if last + 1 == widths.len() { room } else { widths[last].min(room) };
    widths[last] = wanted.max(LONG);
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a page of one event looks like.
    fn widths_of(total: u16, cells: &[&str]) -> Vec<u16> {
        let mut table = table::new(&[], total, Style::plain());
        table.add_row(cells);
        let long = [false, false, false, true, true, true];
        widths(&table, &long, total)
    }

    #[test]
    fn a_row_is_as_wide_as_the_terminal() {
        let long = "x".repeat(500);
        for (total, cells) in [
            (100, vec!["1", "2026-11-22 03:37:30Z", "RECORD_READ", "Mette Holm (4711)", &long]),
            (160, vec!["1", "2026-11-22 03:37:30Z", "RECORD_READ", "Mette Holm (4711)", &long, &long]),
        ] {
            let widths = widths_of(total, &cells);
            assert_eq!(widths.iter().sum::<u16>(), total, "{widths:?}");
            assert_eq!(widths[3], 17 + PADDING);
        }
    }
}
