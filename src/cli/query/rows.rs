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

const HEADER: [&str; 6] = ["SEQ", "TIME", "TYPE", "ACTOR", "TARGET", "DESCRIPTION"];

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
    cells: [String; 6],
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
        let cells = [
            recorded.sequence.to_string(),
            render::time(event.occurred),
            render::event_type(event),
            actor,
            render::targets(&event.targets),
            render::description(event),
        ];
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
        let first = self.columns.is_none();
        let mut table = table::new(if first { &HEADER } else { &[] }, self.width, self.style);
        for row in std::mem::take(&mut self.page) {
            table.add_row(row.cells.iter().enumerate().map(|(column, cell)| {
                let cell = Cell::new(escape(cell));
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

/// Sequence, time and type as wide as they are; actor and target at most a quarter of the rest; the description has
/// what remains. Two characters of each are its padding.
fn widths(table: &Table, total: u16) -> Vec<u16> {
    const PADDING: u16 = 2;
    let content = table.column_max_content_widths();
    let mut widths: Vec<u16> = content.iter().map(|&width| width.saturating_add(PADDING)).collect();
    let [sequence, _, _, actor, target, description] = widths.as_mut_slice() else { return widths };
    // Sequences grow while they are read.
    *sequence = (*sequence).max(6 + PADDING);
    let fixed = *sequence + content[1] + content[2] + 2 * PADDING;
    let room = total.saturating_sub(fixed);
    *actor = (*actor).min((room / 4).max(10));
    *target = (*target).min((room / 4).max(10));
    *description = room.saturating_sub(*actor + *target).max(16);
    widths
}
