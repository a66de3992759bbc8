//! What goes to the terminal or the pipe.

pub mod consent;
pub mod escape;
pub mod format;
pub mod job;
pub mod json;
pub mod progress;
pub mod stdout;
pub mod style;
pub mod table;
