//! Events as lines of a file: UTF-8 without a byte order mark, one record per line, a line feed after the last.

mod cef;
mod csv;
mod csv_columns;
mod ecs;
mod escape;
mod json_lines;
mod leef;
mod mapping;
mod ocsf;
mod parts;
mod rfc5424;
mod view;

use crate::domain::{
    event::RecordedEvent,
    export::{Format, JobSettings, NationalIdMode},
};
use view::View;

/// Renders events one by one, so that memory does not grow with the file. The same settings and events always
/// give the same bytes.
#[derive(Debug)]
pub struct Renderer {
    format: Format,
    with_national_id: bool,
}

/// An event that could not be rendered; never because of its content.
#[derive(Debug, thiserror::Error)]
#[error("the event could not be rendered")]
pub struct RenderError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Renderer {
    /// The renderer that a job's settings ask for.
    pub fn new(settings: &JobSettings) -> Self {
        let with_national_id = settings.national_id != NationalIdMode::Omit;
        Self { format: settings.format.clone(), with_national_id }
    }

    /// Appends what a file begins with; nothing in most formats.
    pub fn begin(&self, out: &mut Vec<u8>) {
        match &self.format {
            Format::Csv(options) if options.header => csv::write_header(options, out),
            _ => {}
        }
    }

    /// Appends one event as one line.
    pub fn event(&self, event: &RecordedEvent, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let view = || View::new(event, self.with_national_id);
        match &self.format {
            Format::JsonLines => json_lines::write(event, self.with_national_id, out),
            Format::Csv(options) => csv::write(&view(), options, out),
            Format::Cef(options) => cef::write(&view(), *options, out),
            Format::Leef(options) => leef::write(&view(), *options, out),
            Format::Rfc5424(options) => rfc5424::write(&view(), options, out),
            Format::Ecs(options) => ecs::write(&view(), *options, out),
            Format::Ocsf(options) => ocsf::write(&view(), *options, out),
        }
        Ok(())
    }
}
