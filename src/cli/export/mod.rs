//! `vidne export`.

mod create;
mod destination;
mod format;
mod run;
mod settings;
mod show;
mod store;
mod test;
mod update;

use clap::{Args, Subcommand};

use super::{CliError, server::ServerArgs};

const EXAMPLES: &str = "\
A SIEM's drop folder on an SFTP server: address, user name and password are enough.
The server's host key is shown and pinned once you agree; then the job is tested and created:
  vidne export create --name siem --sftp drop.example.org --user vidne --directory in
  vidne export run siem
  vidne export files siem

Without a terminal, name the key and where the password is:
  vidne export create --name siem --sftp drop.example.org:2222 --user vidne \\
      --password-file /run/secrets/sftp --accept-host-key SHA256:Yk3... --format csv

An object store; and a secret that stays where the server finds it, such as a mounted Kubernetes Secret:
  vidne export create --name archive --s3 audit --region eu-north-1 --directory vidne \\
      --access-key-id AKIA... --secret-file /run/secrets/s3
  vidne export create --name siem --sftp drop.example.org --user vidne --password-from file:siem/password

When something is wrong:
  vidne export test siem       how far it gets: connect, host key, login, write, rename, delete";

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
    Get(show::GetArgs),
    /// List a tenant's jobs.
    List(show::ListArgs),
    /// Change a job; what has no flag stays as it is.
    Update(Box<update::UpdateArgs>),
    /// Delete a job; its files stay where they are.
    Delete(show::DeleteArgs),
    /// Export what is new now.
    Run(run::RunArgs),
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
        ExportCommand::Run(args) => run::run(args).await,
        ExportCommand::Files(args) => show::files(args).await,
        ExportCommand::Test(args) => test::run(*args).await,
    }
}
