//! What became of the lines of a file, as it is said.

use indicatif::ProgressBar;
use serde_json::json;

use crate::{
    client::ClientError,
    codec::proto::v1::{Disposition, Receipt},
};

use super::{
    super::{
        CliError,
        output::{
            escape::escape,
            stdout::{Stdout, note},
            style::Style,
        },
    },
    receipt,
};

/// How many wrong lines are described; the rest are only counted.
const DESCRIBED: u64 = 100;

/// Counts and says what becomes of each line.
pub struct Report {
    json: bool,
    bar: ProgressBar,
    out: Stdout,
    recorded: u64,
    duplicate: u64,
    not_recorded: u64,
    spooled: u64,
    refused: u64,
}

impl Report {
    /// Nothing so far. With `json`, each line's fate is a JSON object on standard output.
    pub fn new(json: bool, bar: ProgressBar) -> Self {
        let out = Stdout::new();
        Self { json, bar, out, recorded: 0, duplicate: 0, not_recorded: 0, spooled: 0, refused: 0 }
    }

    /// The server has answered.
    pub fn accept(&mut self, number: u64, receipt: &Receipt) -> Result<(), CliError> {
        match receipt.disposition() {
            Disposition::Duplicate => self.duplicate += 1,
            Disposition::NotRecorded => self.not_recorded += 1,
            Disposition::Recorded | Disposition::Unspecified => self.recorded += 1,
        }
        if self.json {
            self.out.json(&receipt::json(receipt, Some(number)))?;
        }
        Ok(())
    }

    /// The event is in the spool.
    pub fn spool(&mut self, number: u64, event_id: &str) -> Result<(), CliError> {
        self.spooled += 1;
        if self.json {
            self.out.json(&json!({ "line": number, "event_id": event_id, "disposition": "SPOOLED" }))?;
        }
        Ok(())
    }

    /// The line is wrong, or the server refuses its event.
    pub fn refuse(&mut self, number: u64, why: &str) -> Result<(), CliError> {
        self.refused += 1;
        if self.json {
            self.out.json(&json!({ "line": number, "disposition": "REFUSED", "error": why }))?;
        } else if self.refused <= DESCRIBED {
            self.bar.suspend(|| note(&format!("line {number}: {}", escape(why))));
        } else if self.refused == DESCRIBED + 1 {
            self.bar.suspend(|| note("more lines are wrong; they are counted, but not described"));
        }
        Ok(())
    }

    /// There is nothing to say at the moment: shows what has been said.
    pub fn pause(&mut self) -> Result<(), CliError> {
        self.bar.set_message(format!("{} recorded", self.recorded));
        Ok(self.out.flush()?)
    }

    /// The last words: the summary. True if no line was refused.
    pub fn finish(mut self) -> Result<bool, CliError> {
        self.bar.finish_and_clear();
        self.out.flush()?;
        note(&self.summary(Style::stderr()));
        Ok(self.refused == 0)
    }

    fn summary(&self, style: Style) -> String {
        let refused = format!("{} refused", self.refused);
        let not_recorded = match self.not_recorded {
            0 => "0 not recorded".to_owned(),
            n => format!("{n} not recorded (their category is switched off)"),
        };
        let spooled = match self.spooled {
            0 => String::new(),
            n => format!(", {}", style.yellow(&format!("{n} spooled"))),
        };
        format!(
            "{}, {} duplicate, {not_recorded}, {}{spooled}",
            style.green(&format!("{} recorded", self.recorded)),
            self.duplicate,
            if self.refused > 0 { style.red(&refused) } else { refused },
        )
    }
}

/// All that is wrong, on one line.
pub fn explain(error: &ClientError) -> String {
    let violations = error.violations();
    if violations.is_empty() {
        return error.to_string();
    }
    violations.iter().map(|v| format!("{}: {}", v.field, v.description)).collect::<Vec<_>>().join("; ")
}
