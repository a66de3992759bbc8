//! `--spool` and `--flush`.

use std::{path::Path, path::PathBuf, time::Duration};

use clap::Args;
use serde_json::json;

use crate::client::{
    Client, Policy, Recorder, RecorderError, RecorderOptions, Spool, SpoolError, SpoolOptions, SpoolState,
};

use super::super::{
    CliError,
    output::{
        escape::escape,
        progress,
        stdout::{Stdout, note},
    },
};

/// How long closing may take when nothing is waited for any more: writing to the spool.
const CLOSE: Duration = Duration::from_secs(10);
/// Refused events read at once.
const PAGE: u32 = 500;

/// Where events are kept while the server is away.
#[derive(Debug, Args)]
#[command(next_help_heading = "Spool")]
pub struct SpoolArgs {
    /// Keep events in this file while the server is away (of a folder: vidne-spool.db in it), and send them, in order,
    /// when it is back or at the next run. Holds personal data if the events do.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["one_event", "list_types"])]
    spool: Option<PathBuf>,
    /// The most mebibytes of events in the spool.
    #[arg(long, value_name = "MIB", default_value_t = 1024, requires = "spool")]
    spool_limit: u64,
    /// Send what the spool holds and do nothing else. Events that the server refused are listed.
    #[arg(long, requires = "spool", conflicts_with_all = ["one_event", "list_types", "file"])]
    flush: bool,
    /// With --flush: forget the refused events after they are listed.
    #[arg(long, requires = "flush")]
    discard_refused: bool,
}

impl SpoolArgs {
    /// The spool that is to be sent, if that is all that is to be done.
    pub fn to_flush(&self) -> Option<&Path> {
        self.spool.as_deref().filter(|_| self.flush)
    }

    fn options(&self) -> Option<SpoolOptions> {
        let path = self.spool.clone()?;
        Some(SpoolOptions { path, max_bytes: self.spool_limit.saturating_mul(1024 * 1024) })
    }

    /// A recorder that uses the spool, if one is named.
    pub async fn recorder(&self, client: &Client) -> Result<Recorder, CliError> {
        let options = RecorderOptions {
            answer_timeout: client.options().request_timeout,
            max_failures: Some(client.options().max_retries),
            policy: self.options().map_or(Policy::Block, Policy::Spool),
            ..RecorderOptions::default()
        };
        Recorder::start(client.clone(), options).await.map_err(|error| spool_error(&error))
    }

    /// Sends what the spool holds, unless the server turns out to be away, and closes the recorder. Fails if anything
    /// is left.
    pub async fn finish(&self, recorder: Recorder, client: &Client) -> Result<(), CliError> {
        let Some(path) = &self.spool else {
            drop(recorder.close(CLOSE).await);
            return Ok(());
        };
        let sent = recorder.flush(Some(client.options().max_retries + 1)).await;
        let state = recorder.close(CLOSE).await.map_err(|error| spool_error(&error))?;
        left(path, state, sent.err())
    }
}

/// Sends what a spool holds.
///
/// # Errors
///
/// If anything is left in it.
pub async fn flush(client: &Client, path: &Path, args: &SpoolArgs, json: bool) -> Result<(), CliError> {
    // Opened once to count; a spool that is not there is a mistake, not an empty one.
    if !path.exists() {
        return Err(CliError::Usage(format!("there is no spool {}", path.display())));
    }
    let before = open(args).await?;
    let waiting = before.waiting();
    before.close().await;

    let bar = progress::spinner(&format!("sending {waiting} events"));
    let recorder = args.recorder(client).await?;
    let sent = recorder.flush(Some(client.options().max_retries + 1)).await;
    let closed = recorder.close(CLOSE).await;
    bar.finish_and_clear();
    let state = closed.map_err(|error| spool_error(&error))?;
    list_refused(args, json).await?;
    note(&format!(
        "{} sent, {} wait, {} refused",
        waiting.saturating_sub(state.waiting),
        state.waiting,
        state.refused
    ));
    left(path, state, sent.err())
}

/// Prints the refused events, and forgets them if that is wanted.
async fn list_refused(args: &SpoolArgs, json: bool) -> Result<(), CliError> {
    let mut spool = open(args).await?;
    let mut out = Stdout::new();
    let mut after = 0;
    loop {
        let page = spool.refused(after, PAGE).await.map_err(|error| spool_failed(&error))?;
        let Some(last) = page.last().map(|event| event.position) else { break };
        for event in page {
            if json {
                out.json(&json!({
                    "event_id": event.event_id, "disposition": "REFUSED", "error": event.reason,
                }))?;
            } else {
                out.line(&format!("refused {}: {}", escape(&event.event_id), escape(&event.reason)))?;
            }
        }
        after = last;
    }
    out.flush()?;
    if args.discard_refused {
        spool.discard_refused(after).await.map_err(|error| spool_failed(&error))?;
    }
    spool.close().await;
    Ok(())
}

async fn open(args: &SpoolArgs) -> Result<Spool, CliError> {
    let options = args.options().ok_or_else(|| CliError::Usage("--spool is missing".to_owned()))?;
    Spool::open(&options).await.map_err(|error| spool_failed(&error))
}

/// What is left in the spool as an error.
fn left(path: &Path, state: SpoolState, cause: Option<RecorderError>) -> Result<(), CliError> {
    let path = path.display();
    if state.waiting > 0 {
        let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        return Err(CliError::failed_hint(
            format!("{} events wait in the spool {path}{cause}", state.waiting),
            format!(
                "they are safe there; `vidne record --flush --spool {path}` sends them when the server is back"
            ),
        ));
    }
    if state.refused > 0 {
        return Err(CliError::failed_hint(
            format!(
                "{} events of the spool {path} were refused by the server, and are kept in it",
                state.refused
            ),
            format!("`vidne record --flush --spool {path}` lists them, and --discard-refused forgets them"),
        ));
    }
    Ok(())
}

fn spool_error(error: &RecorderError) -> CliError {
    CliError::failed(error.to_string())
}

fn spool_failed(error: &SpoolError) -> CliError {
    CliError::failed(error.to_string())
}
