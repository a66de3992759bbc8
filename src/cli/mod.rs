//! The command line: one file per command.
//!
//! `serve`, `migrate` and `config` are the server's own; every other command is a client. Output for people goes to
//! standard output, with `--json` for programs; errors go to standard error.

mod bench;
mod config;
mod demo;
mod error;
mod export;
mod filter;
mod health;
mod input;
mod migrate;
mod output;
mod page;
mod query;
mod record;
mod serve;
mod server;
mod settings;
mod subscription;
mod tail;
mod tenant;
mod types;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use error::CliError;
pub use output::{escape::escape, stdout::Stdout, style::Style, table::width as table_width};
pub use query::{decode as decode_event, render::line as event_line};

const EXAMPLES: &str = "\
Try it, without anything else installed:
  vidne demo                    the whole job in a few seconds, on throw-away data

Run it:
  vidne serve                   listens on 127.0.0.1:50051, keeps data in ./vidne-data
  vidne record --type record_read --actor-id 4711 --target form:BL-88:Udbetaling
  vidne query --since 1h        who did what in the last hour
  vidne tail                    events as they are recorded
  vidne export create --name siem --sftp drop.example.org --user vidne

Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong configuration.";

/// vidne keeps an audit log: who did what to whom, when and from where.
///
/// Services record events over gRPC; vidne keeps them durably and in order, answers queries, streams new events to
/// subscribers, and drops them as files into a SIEM's SFTP folder.
#[derive(Debug, Parser)]
#[command(name = "vidne", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server.
    Serve(Box<serve::ServeArgs>),
    /// Bring the database up to this version.
    Migrate(migrate::MigrateArgs),
    /// Record one event from flags, or many from JSON Lines.
    Record(Box<record::RecordArgs>),
    /// Print recorded events.
    Query(Box<query::QueryArgs>),
    /// Print events as they are recorded.
    Tail(Box<tail::TailArgs>),
    /// Manage and consume named subscriptions, whose position the server keeps.
    Subscription(subscription::SubscriptionArgs),
    /// List the event catalogue.
    Types(types::TypesArgs),
    /// Manage tenants: logs with a sequence, switches and export jobs of their own.
    Tenant(tenant::TenantArgs),
    /// Manage export jobs: files for a SIEM's drop folder.
    Export(export::ExportArgs),
    /// Print or check the configuration.
    Config(config::ConfigArgs),
    /// Ask a server whether it serves.
    Health(health::HealthArgs),
    /// Show the whole job on throw-away data: record, subscribe, export over SFTP.
    Demo(demo::DemoArgs),
    /// Measure how fast this vidne is on this machine.
    Bench(bench::BenchArgs),
}

/// Parses the arguments of this process, runs the command, reports its error and returns the exit code.
pub fn main() -> ExitCode {
    // Wrong usage is reported by clap, with exit code 2.
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return CliError::failed(format!("cannot start: {error}")).report(),
    };
    let result = runtime.block_on(run(cli.command));
    // What still blocks, such as a read of standard input, must not keep the process.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

/// Runs one command.
///
/// # Errors
///
/// What went wrong, with the exit code for it. Not yet reported.
pub async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Serve(args) => serve::run(*args).await,
        Command::Migrate(args) => migrate::run(args).await,
        Command::Record(args) => record::run(*args).await,
        Command::Query(args) => query::run(*args).await,
        Command::Tail(args) => tail::run(*args).await,
        Command::Subscription(args) => subscription::run(args).await,
        Command::Types(args) => types::run(args).await,
        Command::Tenant(args) => tenant::run(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Config(args) => config::run(args).await,
        Command::Health(args) => health::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Bench(args) => bench::run(args).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_well_formed() {
        super::Cli::command().debug_assert();
    }
}
