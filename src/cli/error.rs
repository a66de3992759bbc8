//! What a command can end with, and what a person reads then.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use crate::client::ClientError;

use super::output::{escape::escape, style::Style};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Arguments that do not go together: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// A wrong configuration: exit code 78 (`EX_CONFIG` of sysexits.h).
    #[error("{message}")]
    Configuration {
        /// What is wrong.
        message: String,
        /// How to go on; may be empty.
        hint: String,
    },
    /// Something else that this side knows about: exit code 1.
    #[error("{message}")]
    Failed {
        /// What happened.
        message: String,
        /// How to go on; may be empty.
        hint: String,
    },
    /// A call to the server gave no answer: exit code 1.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The output could not be written. A reader that has gone away, as `head` does, is no failure.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// Everything has been said already: exit code 1.
    #[error("failed")]
    Reported,
}

impl CliError {
    /// A failure without a hint.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: String::new() }
    }

    /// A failure and the way out.
    pub fn failed_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: hint.into() }
    }

    /// Prints it to standard error and returns the exit code.
    pub fn report(&self) -> ExitCode {
        let code = self.exit_code();
        if code != 0 && !matches!(self, Self::Reported) {
            let style = Style::stderr();
            let mut text = format!("{} {}\n", style.red("error:"), escape(&self.to_string()));
            self.write_violations(&mut text);
            let hint = self.hint();
            if !hint.is_empty() {
                let _ = writeln!(text, "{} {}", style.bold("hint:"), escape(&hint));
            }
            // There is nowhere left to report a failure of this to.
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
        ExitCode::from(code)
    }

    /// 0, 1, 2 or 78.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Usage(_) | Self::Client(ClientError::Endpoint { .. }) => 2,
            Self::Configuration { .. } => 78,
            Self::Failed { .. } | Self::Client(_) | Self::Output(_) | Self::Reported => 1,
        }
    }

    fn write_violations(&self, text: &mut String) {
        let Self::Client(error) = self else { return };
        let message = error.to_string();
        // A server may have said it in its message already.
        for violation in error.violations().iter().filter(|v| !message.contains(&v.description)) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {}: {}", escape(&violation.field), escape(&violation.description));
        }
    }

    /// How to go on; empty if there is nothing useful to say.
    pub fn hint(&self) -> String {
        match self {
            Self::Failed { hint, .. } | Self::Configuration { hint, .. } => hint.clone(),
            Self::Usage(_) => "`--help` shows what the command takes".to_owned(),
            Self::Client(error) => client_hint(error),
            Self::Output(_) | Self::Reported => String::new(),
        }
    }
}

fn client_hint(error: &ClientError) -> String {
    let hint = match error {
        ClientError::Connection { .. } => {
            "is it running there? Start one with `vidne serve`, or name another with --server or VIDNE_SERVER"
        }
        ClientError::Silent { .. } => "it may be overloaded or hang: look at its log, or ask `vidne health`",
        ClientError::Contract(_) => "is it a vidne server, and of this version?",
        ClientError::Endpoint { .. } => "",
        ClientError::Refused(_) => match error.reason().unwrap_or_default().as_str() {
            "TENANT_NOT_FOUND" => {
                "`vidne tenant list` shows which there are, `vidne tenant create` makes one"
            }
            "TENANT_EXISTS" => "ids of deleted tenants are never used again either: choose another one",
            "TENANT_CLOSED" => "the tenant was deleted: its log can be read, but takes no more events",
            "EVENT_NOT_FOUND" => "`vidne query` shows which there are",
            "EVENT_ID_REUSED" => {
                "an event with this id and other content is recorded: give the new one another id"
            }
            "EXPORT_JOB_NOT_FOUND" => "`vidne export list` shows which there are (of one tenant: --tenant)",
            "EXPORT_JOB_EXISTS" => "choose another --name, or change the job with `vidne export update`",
            "EXPORT_JOB_DECLARED" => "until that restart, `vidne export pause` stops it",
            "EXPORT_JOB_BUSY" => "wait until the other run is over; `vidne export get` shows how it went",
            "SUBSCRIPTION_NOT_FOUND" => {
                "`vidne subscription list` shows which there are (of one tenant: --tenant)"
            }
            "SUBSCRIPTION_EXISTS" => "choose another name: filter and start of a subscription never change",
            "SUBSCRIPTION_BUSY" => "`vidne subscription show NAME` shows who consumes it",
            "REVISION_MISMATCH" => {
                "somebody else changed it just now: look at it and try again, or use --retry"
            }
            "HOST_KEY_MISMATCH" => {
                "if the server's key was really changed, `vidne export test JOB` shows the new one and asks whether to \
                 trust it; if not, somebody may be in between"
            }
            "DESTINATION_FAILED" | "DESTINATION_UNAVAILABLE" => {
                "`vidne export test JOB` shows how far it gets"
            }
            "INVALID_RESUME_TOKEN" => {
                "a token goes with the same tenant, filters and order at the same server; start anew with --after"
            }
            "OVERLOADED" | "DATABASE_UNAVAILABLE" | "SHUTTING_DOWN" => "try again in a moment",
            "INTERNAL" => "the server's log has the cause",
            "UNKNOWN_METHOD" => "the server is older than this program",
            _ => "",
        },
    };
    hint.to_owned()
}

/// Whether a person can be asked: both standard input and standard error are terminals.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::*;

    #[test]
    fn exit_codes_are_those_that_are_documented() {
        assert_eq!(CliError::Usage("x".into()).exit_code(), 2);
        assert_eq!(CliError::failed("x").exit_code(), 1);
        let configuration = CliError::Configuration { message: "x".into(), hint: String::new() };
        assert_eq!(configuration.exit_code(), 78);
        assert_eq!(CliError::Output(io::ErrorKind::BrokenPipe.into()).exit_code(), 0);
        assert_eq!(CliError::Output(io::ErrorKind::StorageFull.into()).exit_code(), 1);
    }

    #[test]
    fn an_error_of_the_server_names_the_way_out() {
        let details =
            ErrorDetails::with_error_info("TENANT_NOT_FOUND", "vidne", std::collections::HashMap::new());
        let status = Status::with_error_details(Code::NotFound, "no such tenant", details);
        let error = CliError::Client(ClientError::Refused(status));
        assert!(error.hint().contains("vidne tenant create"));
    }
}
