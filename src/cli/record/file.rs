//! Many events from JSON Lines.

use indicatif::ProgressBar;
use tokio::{
    fs,
    io::{self, AsyncBufRead, BufReader},
};

use crate::{
    client::{Batcher, Client, ClientError},
    codec::{
        json::parse_input,
        proto::v1::{Disposition, Event, Receipt},
        wire_input::input_to_proto,
    },
};

use super::{
    super::{
        CliError,
        output::{
            escape::escape,
            progress,
            stdout::{Stdout, note},
            style::Style,
        },
    },
    lines::{LINE_BYTES, Line, Lines},
    receipt,
};

/// How many wrong lines are described; the rest are only counted.
const DESCRIBED: u64 = 100;

/// Records every line of `path` (`-`: standard input) and reports what became of them.
///
/// # Errors
///
/// If a line was wrong or refused, or if the server could not be reached any more.
pub async fn run(client: &Client, path: &str, tenant: &str, json: bool) -> Result<(), CliError> {
    let (input, size): (Box<dyn AsyncBufRead + Unpin>, _) = if path == "-" {
        (Box::new(BufReader::new(io::stdin())), None)
    } else {
        let open = async { fs::File::open(path).await.map(|file| (file, ())) };
        let (file, ()) = open.await.map_err(|error| {
            CliError::failed_hint(format!("cannot read {path}: {error}"), "--file - reads standard input")
        })?;
        let size = file.metadata().await.ok().filter(std::fs::Metadata::is_file).map(|data| data.len());
        (Box::new(BufReader::with_capacity(256 * 1024, file)), size)
    };
    let bar = progress::bytes(size);
    let mut recording = Recording {
        client,
        tenant,
        json,
        bar,
        out: Stdout::new(),
        numbers: Vec::new(),
        counts: Counts::default(),
    };
    let result = recording.all(Lines::new(input)).await;
    recording.finish(result)
}

/// What became of the lines.
#[derive(Debug, Default)]
struct Counts {
    recorded: u64,
    duplicate: u64,
    not_recorded: u64,
    refused: u64,
}

struct Recording<'a> {
    client: &'a Client,
    tenant: &'a str,
    json: bool,
    bar: ProgressBar,
    out: Stdout,
    /// Line numbers of the events that wait in the batcher or are under way.
    numbers: Vec<u64>,
    counts: Counts,
}

impl Recording<'_> {
    async fn all<R: AsyncBufRead + Unpin>(&mut self, mut lines: Lines<R>) -> Result<(), CliError> {
        let mut batcher = Batcher::default();
        loop {
            let next = lines.next().await;
            let line = next.map_err(|error| CliError::failed(format!("cannot read the input: {error}")))?;
            self.bar.set_position(lines.bytes());
            let Some((number, line)) = line else { break };
            let event = match self.parse(line) {
                Ok(None) => continue,
                Ok(Some(event)) => event,
                Err(why) => {
                    self.refuse(number, &why)?;
                    continue;
                }
            };
            self.numbers.push(number);
            if let Some(batch) = batcher.push(event) {
                self.send(batch).await?;
            }
        }
        let rest = batcher.take();
        if rest.is_empty() { Ok(()) } else { self.send(rest).await }
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

    async fn send(&mut self, batch: Vec<Event>) -> Result<(), CliError> {
        let numbers: Vec<u64> = self.numbers.drain(..batch.len()).collect();
        let results =
            self.client.record_batch(batch).await.map_err(|error| self.stopped(&error, &numbers))?;
        for (&number, result) in numbers.iter().zip(results) {
            match result {
                Ok(receipt) => self.accept(number, &receipt)?,
                Err(error) => self.refuse(number, &explain(&error))?,
            }
        }
        self.bar.set_message(format!("{} recorded", self.counts.recorded));
        Ok(self.out.flush()?)
    }

    fn accept(&mut self, number: u64, receipt: &Receipt) -> Result<(), CliError> {
        match receipt.disposition() {
            Disposition::Duplicate => self.counts.duplicate += 1,
            Disposition::NotRecorded => self.counts.not_recorded += 1,
            Disposition::Recorded | Disposition::Unspecified => self.counts.recorded += 1,
        }
        if self.json {
            self.out.json(&receipt::json(receipt, Some(number)))?;
        }
        Ok(())
    }

    fn refuse(&mut self, number: u64, why: &str) -> Result<(), CliError> {
        self.counts.refused += 1;
        if self.json {
            self.out.json(&serde_json::json!({ "line": number, "disposition": "REFUSED", "error": why }))?;
        } else if self.counts.refused <= DESCRIBED {
            self.bar.suspend(|| note(&format!("line {number}: {}", escape(why))));
        } else if self.counts.refused == DESCRIBED + 1 {
            self.bar.suspend(|| note("more lines are wrong; they are counted, but not described"));
        }
        Ok(())
    }

    fn stopped(&self, error: &ClientError, numbers: &[u64]) -> CliError {
        let (first, last) = (numbers.first().copied().unwrap_or(0), numbers.last().copied().unwrap_or(0));
        let what = if error.is_transient() { "may or may not be recorded" } else { "are not recorded" };
        CliError::failed_hint(
            format!("lines {first} to {last} {what}, and nothing after them is: {error}"),
            "send the file again: lines with an event_id of their own are recorded once, however often they are sent",
        )
    }

    fn finish(mut self, result: Result<(), CliError>) -> Result<(), CliError> {
        self.bar.finish_and_clear();
        self.out.flush()?;
        note(&self.counts.summary(Style::stderr()));
        result?;
        if self.counts.refused > 0 { Err(CliError::Reported) } else { Ok(()) }
    }
}

impl Counts {
    fn summary(&self, style: Style) -> String {
        let refused = format!("{} refused", self.refused);
        let not_recorded = match self.not_recorded {
            0 => "0 not recorded".to_owned(),
            n => format!("{n} not recorded (their category is switched off)"),
        };
        format!(
            "{}, {} duplicate, {not_recorded}, {}",
            style.green(&format!("{} recorded", self.recorded)),
            self.duplicate,
            if self.refused > 0 { style.red(&refused) } else { refused },
        )
    }
}

/// All that is wrong, on one line.
fn explain(error: &ClientError) -> String {
    let violations = error.violations();
    if violations.is_empty() {
        return error.to_string();
    }
    violations.iter().map(|v| format!("{}: {}", v.field, v.description)).collect::<Vec<_>>().join("; ")
}
