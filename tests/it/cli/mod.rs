//! The command line, through the built program.

mod export;
pub mod program;
mod record_query;
mod subscription;
mod tail;
mod tenant;
mod usage;
