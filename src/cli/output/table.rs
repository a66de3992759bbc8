//! Tables that fit the terminal.

use std::io::IsTerminal as _;

use comfy_table::{Attribute, Cell, ContentArrangement, Table, presets};
use console::Term;

use super::{escape::escape, style::Style};

/// Columns where standard output is no terminal, so that lines stay whole for `grep`.
const PIPE_WIDTH: u16 = 1000;

/// Columns of a drawing there.
const DRAWING_WIDTH: usize = 80;

/// How wide standard output is, in characters.
pub fn width() -> u16 {
    if !std::io::stdout().is_terminal() {
        return PIPE_WIDTH;
    }
    Term::stdout().size_checked().map_or(100, |(_, columns)| columns.max(40))
}

/// How wide drawings on standard output are, in characters: also where nobody says, they are to fit a screen.
pub fn drawing_width() -> usize {
    if std::io::stdout().is_terminal() { width().into() } else { DRAWING_WIDTH }
}

/// A table without rows. Cells are escaped by [`row`].
pub fn new(header: &[&str], width: u16, style: Style) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    if style.is_on() {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(header.iter().map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    table
}

/// Adds a row of texts from outside.
pub fn row<T: AsRef<str>>(table: &mut Table, cells: impl IntoIterator<Item = T>) {
    table.add_row(cells.into_iter().map(|cell| Cell::new(escape(cell.as_ref()))).collect::<Vec<_>>());
}

/// The lines of a table, without the spaces at their ends.
pub fn lines(table: &Table) -> Vec<String> {
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Name and value pairs, one per line, names in one column. Pairs without a value are left out.
pub fn pairs(pairs: &[(&str, String)], style: Style) -> Vec<String> {
    let shown = || pairs.iter().filter(|(_, value)| !value.is_empty());
    let widest = shown().map(|(name, _)| name.len()).max().unwrap_or(0);
    shown()
        .map(|(name, value)| format!("{}  {}", style.dim(&format!("{name:<widest$}")), escape(value)))
        .collect()
}
