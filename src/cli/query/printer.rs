//! Prints events as they come: as rows of a table, lines, JSON or CSV.

use console::{measure_text_width, truncate_str};

use crate::{codec::json::write_line, domain::event::RecordedEvent};

use super::{
    super::{
        CliError,
        output::{escape::escape, stdout::Stdout, style::Style, table},
    },
    column::{Column, failed},
    csv::Csv,
    render,
    rows::Rows,
    view::{Form, View},
};

/// Prints events.
pub struct Printer {
    out: Stdout,
    view: View,
    layout: Layout,
    bytes: Vec<u8>,
    count: u64,
}

enum Layout {
    /// Columns that fit their contents, a page at a time.
    Rows(Rows),
    /// One line per event, at once.
    Lines {
        width: usize,
        style: Style,
    },
    Json,
    Csv(Csv),
}

impl Printer {
    /// For what comes at once: text is a table.
    pub fn pages(view: View) -> Self {
        let rows = Rows::new(table::width(), Style::stdout(), &view.columns, view.writing.clone());
        Self::new(view, Layout::Rows(rows))
    }

    /// For what comes bit by bit: text is a line per event.
    pub fn lines(view: View) -> Self {
        Self::new(view, Layout::Lines { width: table::width().into(), style: Style::stdout() })
    }

    fn new(view: View, text: Layout) -> Self {
        let out = Stdout::new();
        let layout = match view.form {
            Form::Text => text,
            Form::Json => Layout::Json,
            Form::Csv { header } => {
                Layout::Csv(Csv::new(&view.columns, view.writing.clone(), header, out.is_terminal()))
            }
        };
        Self { out, view, layout, bytes: Vec::new(), count: 0 }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether it is for people.
    pub fn is_text(&self) -> bool {
        self.view.form == Form::Text
    }

    /// Prints one event.
    ///
    /// # Errors
    ///
    /// If the output is closed.
    pub fn event(&mut self, event: &RecordedEvent) -> Result<(), CliError> {
        self.count += 1;
        self.bytes.clear();
        match &mut self.layout {
            Layout::Rows(rows) => rows.push(event, &mut self.out)?,
            Layout::Lines { width, style } => self.out.line(&line(event, &self.view, *width, *style))?,
            Layout::Json => {
                write_line(event, self.view.writing.show_personal, &mut self.bytes);
                self.out.json_bytes(&self.bytes)?;
            }
            Layout::Csv(csv) => {
                csv.event(event, &mut self.bytes).map_err(unwritten)?;
                self.out.bytes(&self.bytes)?;
            }
        }
        Ok(())
    }

    /// Shows what can be shown by now.
    ///
    /// # Errors
    ///
    /// If the output is closed.
    pub fn flush(&mut self) -> Result<(), CliError> {
        match &self.layout {
            // Rows wait for their page, so that columns fit their contents.
            Layout::Rows(_) => Ok(()),
            _ => Ok(self.out.flush()?),
        }
    }

    /// Shows the rest.
    ///
    /// # Errors
    ///
    /// If the output is closed.
    pub fn finish(&mut self) -> Result<(), CliError> {
        match &mut self.layout {
            Layout::Rows(rows) => rows.flush(&mut self.out)?,
            Layout::Csv(csv) => {
                self.bytes.clear();
                csv.header(&mut self.bytes).map_err(unwritten)?;
                self.out.bytes(&self.bytes)?;
            }
            Layout::Lines { .. } | Layout::Json => {}
        }
        Ok(self.out.flush()?)
    }
}

fn unwritten(error: csv::Error) -> CliError {
    CliError::failed(format!("an event cannot be written as CSV: {error}"))
}

/// An event on one line of at most `width` characters.
fn line(event: &RecordedEvent, view: &View, width: usize, style: Style) -> String {
    if view.columns.is_empty() {
        return render::line_as(event, width, style, &view.writing);
    }
    let mut text = String::new();
    for &column in &view.columns {
        let cell = escape(&column.text(event, &view.writing)).into_owned();
        let padding = " ".repeat(column.usual_width().saturating_sub(measure_text_width(&cell)));
        let shown = match column {
            Column::Sequence => format!("{padding}{cell}"),
            Column::Type if failed(event) => format!("{}{padding}", style.red(&cell)),
            Column::Type => format!("{}{padding}", style.cyan(&cell)),
            _ => format!("{cell}{padding}"),
        };
        if !text.is_empty() {
            text.push_str("  ");
        }
        text.push_str(&shown);
    }
    truncate_str(text.trim_end(), width, "…").into_owned()
}
