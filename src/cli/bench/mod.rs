//! `vidne bench`.

mod export;
mod follow;
mod markdown;
mod memory;
mod query;
mod reading;
mod record;
mod render;

use clap::{Args, Subcommand};

use super::CliError;

/// Arguments of `vidne bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Measure how fast events are recorded, beside what the database could do without vidne.
    Record(record::RecordArgs),
    /// Measure how soon events reach those who follow a log, and what subscribers cost.
    Follow(follow::FollowArgs),
    /// Measure how fast events are read, beside what the database gives without vidne.
    Query(query::QueryArgs),
    /// Measure how much memory the server needs while far more is sent to it than its database takes.
    Memory(memory::MemoryArgs),
    /// Measure how fast a log becomes files on an SFTP server, beside what each stage reaches alone.
    Export(export::ExportArgs),
}

/// Runs `vidne bench`.
///
/// # Errors
///
/// If a measurement fails.
pub async fn run(args: BenchArgs) -> Result<(), CliError> {
    match args.command {
        BenchCommand::Record(args) => record::run(args).await,
        BenchCommand::Follow(args) => follow::run(args).await,
        BenchCommand::Query(args) => query::run(args).await,
        BenchCommand::Memory(args) => memory::run(args).await,
        BenchCommand::Export(args) => export::run(args).await,
    }
}
