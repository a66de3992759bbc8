//! Many events from JSON Lines.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures::FutureExt as _;
use indicatif::ProgressBar;
use tokio::{
    fs,
    io::{self, AsyncBufRead, BufReader},
    sync::mpsc,
};

use crate::{
    client::{Client, Outcome, Pending, Recorder, RecorderError},
    codec::{json::parse_input, proto::v1::Event, wire_input::input_to_proto},
};

use super::{
    super::{CliError, output::progress},
    lines::{LINE_BYTES, Line, Lines},
    report::{Report, explain},
    spool::SpoolArgs,
};

/// Lines whose fate is not known yet. The recorder has a bound of its own.
const OPEN_LINES: usize = 20_000;

/// A line that was read.
enum Sent {
    /// Its event is on the way.
    Event(Pending),
    /// It is wrong.
    Wrong(String),
}

/// Records every line of `path` (`-`: standard input) and reports what became of them, in their order.
///
/// # Errors
///
/// If a line was wrong or refused, if the server could not be reached any more, or if events are left in the spool.
pub async fn run(
    client: &Client,
    path: &str,
    tenant: &str,
    spool: &SpoolArgs,
    json: bool,
) -> Result<(), CliError> {
    let (input, size): (Box<dyn AsyncBufRead + Unpin>, _) = if path == "-" {
        (Box::new(BufReader::new(io::stdin())), None)
    } else {
        let file = fs::File::open(path).await.map_err(|error| {
            CliError::failed_hint(format!("cannot read {path}: {error}"), "--file - reads standard input")
        })?;
        let size = file.metadata().await.ok().filter(std::fs::Metadata::is_file).map(|data| data.len());
        (Box::new(BufReader::with_capacity(256 * 1024, file)), size)
    };
    let recorder = spool.recorder(client).await?;
    let bar = progress::bytes(size);
    let mut report = Report::new(json, bar.clone());
    let (sent, fates) = mpsc::channel(OPEN_LINES);
    // The last line that the recorder was given.
    let last = AtomicU64::new(0);
    let reading = Reading { recorder: &recorder, tenant, bar, last: &last };
    let result = tokio::try_join!(reading.all(Lines::new(input), sent), tell(fates, &mut report, &last));

    let finished = match result {
        Ok(_) => spool.finish(recorder, client).await,
        Err(error) => {
            drop(recorder.close(Duration::ZERO).await);
            Err(error)
        }
    };
    let all_well = report.finish()?;
    finished?;
    if all_well { Ok(()) } else { Err(CliError::Reported) }
}

struct Reading<'a> {
    recorder: &'a Recorder,
    tenant: &'a str,
    bar: ProgressBar,
    last: &'a AtomicU64,
}

impl Reading<'_> {
    /// Hands every line to the recorder.
    async fn all<R: AsyncBufRead + Unpin>(
        self,
        mut lines: Lines<R>,
        sent: mpsc::Sender<(u64, Sent)>,
    ) -> Result<(), CliError> {
        loop {
            let next = lines.next().await;
            let line = next.map_err(|error| CliError::failed(format!("cannot read the input: {error}")))?;
            self.bar.set_position(lines.bytes());
            let Some((number, line)) = line else { return Ok(()) };
            let fate = match self.parse(line) {
                Ok(None) => continue,
                Ok(Some(event)) => {
                    let taken = self.recorder.begin(event).await;
                    self.last.store(number, Ordering::Relaxed);
                    Sent::Event(taken.map_err(|error| stopped(&error, number, number))?)
                }
                Err(why) => Sent::Wrong(why),
            };
            if sent.send((number, fate)).await.is_err() {
                // Whoever tells has failed, and says so.
                return Ok(());
            }
        }
    }

    /// The event of a line, `None` if it is blank, or what is wrong with it.
    fn parse(&self, line: Line) -> Result<Option<Event>, String> {
        let text = match line {
            Line::Text(text) => text,
            Line::TooLong => return Err(format!("longer than {LINE_BYTES} bytes")),
            Line::NotText => return Err("not UTF-8".to_owned()),
        };
        // A byte order mark is no part of JSON, but some programs write one.
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Ok(None);
        }
        let mut input = parse_input(text).map_err(|wrong| wrong.to_string())?;
        if input.tenant_id.is_empty() {
            self.tenant.clone_into(&mut input.tenant_id);
        }
        Ok(Some(input_to_proto(&input)))
    }
}

/// Says what became of each line, in order.
async fn tell(
    mut fates: mpsc::Receiver<(u64, Sent)>,
    report: &mut Report,
    last: &AtomicU64,
) -> Result<(), CliError> {
    loop {
        let next = match fates.recv().now_or_never() {
            Some(next) => next,
            None => {
                report.pause()?;
                fates.recv().await
            }
        };
        let Some((number, fate)) = next else { return report.pause() };
        let mut pending = match fate {
            Sent::Event(pending) => pending,
            Sent::Wrong(why) => {
                report.refuse(number, &why)?;
                continue;
            }
        };
        let answer = match (&mut pending).now_or_never() {
            Some(answer) => answer,
            None => {
                report.pause()?;
                (&mut pending).await
            }
        };
        match answer {
            Ok(Outcome::Answered(receipt)) => report.accept(number, &receipt)?,
            Ok(Outcome::Spooled) => report.spool(number, pending.event_id())?,
            Err(RecorderError::Refused(error)) => report.refuse(number, &explain(&error))?,
            Err(error) => return Err(stopped(&error, number, last.load(Ordering::Relaxed))),
        }
    }
}

fn stopped(error: &RecorderError, first: u64, last: u64) -> CliError {
    CliError::failed_hint(
        format!("lines {first} to {last} may or may not be recorded, and nothing after them is: {error}"),
        "send the file again: lines with an event_id of their own are recorded once, however often they are sent",
    )
}
