//! `vidne export`.

mod create;
mod describe;
mod destination;
mod format;
mod naming;
mod pause;
mod preview;
mod run;
mod runs;
mod schedule;
mod settings;
mod show;
mod start;
mod status;
mod store;
mod test;
mod update;
mod words;

use clap::{Args, Subcommand};

use super::{CliError, server::ServerArgs};

const EXAMPLES: &str = "\
A SIEM's drop folder on an SFTP server: address, user name and password are enough.
The server's host key is shown and pinned once you agree; then the job is tested and created:
  vidne export create --name siem --sftp drop.example.org --user vidne --directory in
  vidne export run siem
  vidne export files siem

It runs by itself every minute; or say when, under which names, and look before and after:
  vidne export preview --format cef --type read
  vidne export create --name nightly --sftp drop.example.org --user vidne --format cef --gzip \\
      --cron '0 3 * * *' --time-zone Europe/Copenhagen --directory-template '{yyyy}/{mm}'
  vidne export status

Without a terminal, name the key and where the password is:
  vidne export create --name siem --sftp drop.example.org:2222 --user vidne \\
      --password-file /run/secrets/sftp --accept-host-key SHA256:Yk3... --format csv

An object store; and a secret that stays where the server finds it, such as a mounted Kubernetes Secret:
  vidne export create --name archive --s3 audit --region eu-north-1 --directory vidne \\
      --access-key-id AKIA... --secret-file /run/secrets/s3
  vidne export create --name siem --sftp drop.example.org --user vidne --password-from file:siem/password

When something is wrong:
  vidne export test siem       how far it gets: resolve, connect, host key, login, directory, write, ...
  vidne export runs siem       what its last runs did
  vidne export resume siem     try again at once, after what a person had to put right
  vidne export again siem --first 1000 --last 1999    send a range once more, under other names";

/// Arguments of `vidne export`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub struct ExportArgs {
    #[command(subcommand)]
    command: ExportCommand,
}

#[derive(Debug, Subcommand)]
enum ExportCommand {
    /// Test a destination and create a job for it.
    Create(Box<create::CreateArgs>),
    /// Show a job.
    #[command(visible_alias = "show")]
    Get(show::GetArgs),
    /// List a tenant's jobs.
    List(show::ListArgs),
    /// Change a job; what has no flag stays as it is.
    Update(Box<update::UpdateArgs>),
    /// Delete a job; its files stay where they are.
    Delete(show::DeleteArgs),
    /// Show how every job of a tenant is doing: state, schedule, lag, last success and last error.
    Status(status::StatusArgs),
    /// Export what is new now.
    Run(run::RunArgs),
    /// Stop a job from running by itself.
    Pause(pause::JobArgs),
    /// Let a paused job run by itself again, or one that waits for a person try again at once.
    Resume(pause::JobArgs),
    /// Export a past range once more: makes a job that does it, under names of its own.
    Again(pause::AgainArgs),
    /// Print the next lines of a job, or of one that the flags describe, and send them nowhere.
    Preview(Box<preview::PreviewArgs>),
    /// List the runs of a job, newest first.
    Runs(runs::RunsArgs),
    /// List the files of a job, newest first.
    Files(show::FilesArgs),
    /// Try a job's destination, or one that is not kept anywhere, and pin its host key.
    Test(Box<test::TestArgs>),
}

/// What every `vidne export` command takes.
#[derive(Debug, Args)]
struct Common {
    /// The log the job belongs to. Default: `default`.
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true, help_heading = "Tenant")]
    tenant: String,
    /// Print JSON, one object per line.
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs `vidne export`.
///
/// # Errors
///
/// If the server or the destination refuses.
pub async fn run(args: ExportArgs) -> Result<(), CliError> {
    match args.command {
        ExportCommand::Create(args) => create::run(*args).await,
        ExportCommand::Get(args) => show::get(args).await,
        ExportCommand::List(args) => show::list(args).await,
        ExportCommand::Update(args) => update::run(*args).await,
        ExportCommand::Delete(args) => show::delete(args).await,
        ExportCommand::Status(args) => status::run(args).await,
        ExportCommand::Run(args) => run::run(args).await,
        ExportCommand::Pause(args) => pause::pause(args).await,
        ExportCommand::Resume(args) => pause::resume(args).await,
        ExportCommand::Again(args) => pause::again(args).await,
        ExportCommand::Preview(args) => preview::run(*args).await,
        ExportCommand::Runs(args) => runs::run(args).await,
        ExportCommand::Files(args) => show::files(args).await,
        ExportCommand::Test(args) => test::run(*args).await,
    }
}
