//! Events as rows of a table, page by page, so that nothing large is kept.

use std::io;

use comfy_table::{Cell, Color, ColumnConstraint, Table, Width};

use crate::domain::event::{Outcome, RecordedEvent};

use super::{
    super::output::{escape::escape, stdout::Stdout, style::Style, table},
    render,
};

/// Rows of one page. The first page decides how wide the columns are.
const PAGE: usize = 200;

/// From this many characters on, targets have a column of their own.
const WIDE: u16 = 140;
const WIDE_HEADER: &[&str] = &["SEQ", "TIME", "TYPE", "ACTOR", "TARGET", "DESCRIPTION"];
const HEADER: &[&str] = &["SEQ", "TIME", "TYPE", "ACTOR", "WHAT"];
/// The actor has at least this many characters, if it needs them.
const ACTOR: u16 = 18;
/// Characters beside the text of a cell.
const PADDING: u16 = 2;

/// Collects rows and prints a page at a time.
pub struct Rows {
    width: u16,
    style: Style,
    show_personal: bool,
    page: Vec<Row>,
    /// Of the first page.
    columns: Option<Vec<u16>>,
}

struct Row {
    /// Safe for a terminal.
    cells: Vec<String>,
    failed: bool,
}

impl Rows {
    /// Rows for a terminal of `width` characters.
    pub fn new(width: u16, style: Style, show_personal: bool) -> Self {
        Self { width, style, show_personal, page: Vec::new(), columns: None }
    }

    /// Adds an event, and prints the page if it is full.
    ///
    /// # Errors
    ///
    /// If the output is closed.
    pub fn push(&mut self, recorded: &RecordedEvent, out: &mut Stdout) -> io::Result<()> {
        let event = &recorded.event;
        let mut actor = render::actor(&event.actor);
        if self.show_personal
            && let Some(personal) = event.personal.as_ref().filter(|p| !p.actor_national_id.is_empty())
        {
            actor = format!("{actor} [{}]", personal.actor_national_id);
        }
        let texts = [
            recorded.sequence.to_string(),
            render::time(event.occurred),
            render::event_type(event),
            actor,
            render::targets(&event.targets),
            render::description(event),
        ];
        let mut cells: Vec<String> = texts.iter().map(|text| escape(text).into_owned()).collect();
        if self.width < WIDE {
            let what = cells.split_off(4);
            cells.push(what.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n"));
        }
        self.page.push(Row { cells, failed: event.outcome == Outcome::Failure });
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
        let header = match (self.columns.is_none(), self.width < WIDE) {
            (false, _) => &[],
            (true, true) => HEADER,
            (true, false) => WIDE_HEADER,
        };
        let mut table = table::new(header, self.width, self.style);
        for row in std::mem::take(&mut self.page) {
            table.add_row(row.cells.iter().enumerate().map(|(column, cell)| {
                let cell = Cell::new(cell);
                match column {
                    2 if row.failed => cell.fg(Color::Red),
                    2 => cell.fg(Color::Cyan),
                    _ => cell,
                }
            }));
        }
        let columns = self.columns.get_or_insert_with(|| widths(&table, self.width));
        let absolute = columns.iter().map(|&width| ColumnConstraint::Absolute(Width::Fixed(width)));
        table.set_constraints(absolute);
        for line in table::lines(&table) {
            out.line(&line)?;
        }
        out.flush()
    }
}

/// Sequence, time and type are as wide as they are; what comes last has what the others leave.
fn widths(table: &Table, total: u16) -> Vec<u16> {
    let content = table.column_max_content_widths();
    let mut widths: Vec<u16> = content.iter().map(|&width| width.saturating_add(PADDING)).collect();
    // Sequences grow while they are read.
    widths[0] = widths[0].max(6 + PADDING);
    let Some(last) = widths.len().checked_sub(1) else { return widths };
    let mut room = total.saturating_sub(widths.iter().take(3).sum());
    for width in &mut widths[3..last] {
        *width = (*width).min((room / 3).max(ACTOR));
    }
    room = room.saturating_sub(widths[3..last].iter().sum());
    widths[last] = room.max(ACTOR);
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a page of one event looks like.
    fn widths_of(total: u16, cells: &[&str]) -> Vec<u16> {
        let mut table = table::new(&[], total, Style::plain());
        table.add_row(cells);
        widths(&table, total)
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
