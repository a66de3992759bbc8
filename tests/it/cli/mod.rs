//! The command line, through the built program.

mod changed_meanwhile;
mod counting;
mod declared;
mod export;
mod export_jobs;
pub mod program;
mod record_query;
mod record_spool;
mod signals;
mod subscription;
mod tail;
mod tenant;
mod terminal;
mod usage;
