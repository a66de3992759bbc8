//! The command line, through the built program.

mod export;
pub mod program;
mod record_query;
mod record_spool;
mod signals;
mod tail;
mod tenant;
mod usage;
