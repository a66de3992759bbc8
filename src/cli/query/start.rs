//! Where a query begins, and where the next one goes on.

use std::{fs, path::PathBuf};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::Args;

use crate::codec::proto::v1::query_events_request::Start;

use super::super::CliError;

/// Where to begin.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where to begin")]
pub struct StartArgs {
    /// After this sequence number (before it, if descending).
    #[arg(long, value_name = "NUMBER", conflicts_with = "resume")]
    after: Option<u64>,
    /// Where an earlier run of the same query stopped: a token, or the file of --token-file. A file that does not exist
    /// yet means from the beginning.
    #[arg(long, value_name = "TOKEN|FILE")]
    resume: Option<String>,
    /// Keep the token of where this run stops in a file.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl StartArgs {
    /// The start on the wire; `None` if no flag was given.
    ///
    /// # Errors
    ///
    /// If the token is none.
    pub fn start(&self) -> Result<Option<Start>, CliError> {
        if let Some(sequence) = self.after {
            return Ok(Some(Start::AfterSequence(sequence)));
        }
        let Some(text) = &self.resume else { return Ok(None) };
        let text = match fs::read_to_string(text) {
            Ok(token) => token,
            Err(_) if self.token_file.as_ref().is_some_and(|file| file.as_os_str() == text.as_str()) => {
                return Ok(None);
            }
            Err(_) => text.clone(),
        };
        match BASE64_STANDARD.decode(text.trim()) {
            Ok(token) if !token.is_empty() => Ok(Some(Start::ResumeToken(token))),
            _ => {
                Err(CliError::Usage("--resume takes a token or the file that --token-file wrote".to_owned()))
            }
        }
    }

    /// Whether a start was given.
    pub fn is_given(&self) -> bool {
        self.after.is_some() || self.resume.is_some()
    }

    /// Keeps a token, if there is one and it is asked for. The file is replaced as a whole.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn keep(&self, token: Option<&[u8]>) -> Result<(), CliError> {
        let (Some(path), Some(token)) = (&self.token_file, token) else { return Ok(()) };
        let mut new = path.clone().into_os_string();
        new.push(".new");
        let written = fs::write(&new, format!("{}\n", BASE64_STANDARD.encode(token)));
        written
            .and_then(|()| fs::rename(&new, path))
            .map_err(|error| CliError::failed(format!("cannot write {}: {error}", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(resume: Option<&str>, token_file: Option<PathBuf>) -> StartArgs {
        StartArgs { after: None, resume: resume.map(str::to_owned), token_file }
    }

    #[test]
    fn a_kept_token_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("here");
        let name = file.to_str().unwrap();
        assert_eq!(args(Some(name), Some(file.clone())).start().unwrap(), None);
        args(None, Some(file.clone())).keep(Some(b"token")).unwrap();
        let start = args(Some(name), Some(file.clone())).start().unwrap();
        assert_eq!(start, Some(Start::ResumeToken(b"token".to_vec())));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        assert!(matches!(args(Some("no-such-file"), None).start(), Err(CliError::Usage(_))));
        assert!(matches!(args(Some(""), None).start(), Err(CliError::Usage(_))));
    }
}
