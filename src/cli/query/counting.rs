//! `vidne query --count` and `--histogram`.

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use jiff::{Span, SpanRelativeTo, Unit};

use crate::{
    client::Client,
    codec::proto::v1::{CountEventsRequest, EventFilter, ScanExtent, SummarizeEventsRequest, SummaryTime},
};

use super::{
    super::{
        CliError,
        output::{
            json, progress,
            stdout::{Stdout, note},
            style::Style,
            table,
        },
    },
    histogram,
    zone::Zone,
};

const MAX_BUCKET: f64 = 366.0 * 86_400.0;

/// Counting instead of printing.
#[derive(Debug, Args)]
#[command(next_help_heading = "Counting instead of printing")]
pub struct CountArgs {
    /// Print only how many events match.
    #[arg(long, conflicts_with_all = ["histogram", "order", "limit", "after", "resume", "token_file", "csv", "columns",
        "local_time", "time_zone", "show_personal"])]
    count: bool,
    /// Draw how many events there are, by time unless --by says something else.
    #[arg(long, conflicts_with_all = ["order", "limit", "after", "resume", "token_file", "csv", "columns",
        "show_personal"])]
    histogram: bool,
    /// The time from one bar to the next, such as 15m, 1h or 7d. Default: what gives at most 100 bars.
    #[arg(long, requires = "histogram", value_name = "DURATION", value_parser = bucket)]
    bucket: Option<u32>,
    /// What the bars are about.
    #[arg(long, requires = "histogram", value_enum)]
    by: Option<By>,
    /// How many types or actors have a bar of their own. Default: 20.
    #[arg(long, requires = "histogram", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1000))]
    top: Option<u32>,
}

/// What the bars are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// When it happened.
    #[default]
    Time,
    /// When it was recorded.
    RecordedTime,
    /// The event type.
    Type,
    /// The actor's user id, else the name or e-mail address.
    Actor,
    /// How it ended.
    Outcome,
}

/// What is to be counted, and how it is shown.
pub struct Wanted {
    /// The log.
    pub tenant_id: String,
    /// Which events.
    pub filter: Option<EventFilter>,
    /// As JSON.
    pub json: bool,
    /// Of the times.
    pub zone: Zone,
}

impl CountArgs {
    /// Whether events are to be counted rather than printed.
    pub fn is_given(&self) -> bool {
        self.count || self.histogram
    }

    /// Counts and prints.
    ///
    /// # Errors
    ///
    /// If the server refuses or cannot be reached, or the output is closed.
    pub async fn run(&self, client: &Client, wanted: Wanted) -> Result<(), CliError> {
        let mut out = Stdout::new();
        if self.count {
            self.number(client, wanted, &mut out).await?
        } else {
            self.draw(client, wanted, &mut out).await?
        }
        out.flush()?;
        Ok(())
    }

    async fn number(&self, client: &Client, wanted: Wanted, out: &mut Stdout) -> Result<(), CliError> {
        let Wanted { tenant_id, filter, json: as_json, zone: _ } = wanted;
        let bar = Bar::new(filter.as_ref());
        let request = CountEventsRequest { tenant_id, filter };
        let answer = client.count_all_events(request, |extent| bar.show(extent)).await;
        bar.bar.finish_and_clear();
        let answer = answer?;
        if as_json {
            out.json(&json::count(&answer))?
        } else {
            out.line(&answer.count.to_string())?
        }
        Ok(())
    }

    async fn draw(&self, client: &Client, wanted: Wanted, out: &mut Stdout) -> Result<(), CliError> {
        let Wanted { tenant_id, filter, json: as_json, zone } = wanted;
        let by = self.by.unwrap_or_default();
        let bar = Bar::new(filter.as_ref());
        let time = if by == By::RecordedTime { SummaryTime::Recorded } else { SummaryTime::Occurred };
        let request = SummarizeEventsRequest {
            tenant_id,
            filter,
            time: time.into(),
            bucket_width: self
                .bucket
                .map(|seconds| prost_types::Duration { seconds: seconds.into(), nanos: 0 }),
            max_groups: self.top.unwrap_or_default(),
        };
        let answer = client.summarize_all_events(request, |extent| bar.show(extent)).await;
        bar.bar.finish_and_clear();
        let answer = answer?;
        if as_json {
            out.json(&json::summary(&answer, time))?;
            return Ok(());
        }
        for line in histogram::draw(&answer, by, table::drawing_width(), Style::stdout(), &zone) {
            out.line(&line)?;
        }
        out.flush()?;
        note(&Style::stderr().dim(&histogram::caption(&answer, by, &zone)));
        Ok(())
    }
}

/// How far counting has come, on a terminal.
struct Bar {
    bar: ProgressBar,
    first: u64,
    before: u64,
}

impl Bar {
    fn new(filter: Option<&EventFilter>) -> Self {
        let (first, before) = filter.map_or((0, 0), |filter| (filter.sequence_from, filter.sequence_before));
        Self { bar: progress::positions(), first: first.max(1), before }
    }

    fn show(&self, extent: &ScanExtent) {
        let end = if self.before == 0 { u64::MAX } else { self.before };
        let end = end.min(extent.head_sequence.saturating_add(1));
        let looked = extent.scanned_sequence.saturating_add(1).saturating_sub(self.first);
        progress::looked_at(&self.bar, looked, end.saturating_sub(self.first));
    }
}

/// A width of buckets in seconds.
fn bucket(text: &str) -> Result<u32, String> {
    let seconds = text
        .parse::<Span>()
        .ok()
        .and_then(|span| span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok())
        .filter(|seconds| seconds.fract() == 0.0 && (1.0..=MAX_BUCKET).contains(seconds));
    // In range, so nothing is cut.
    seconds.map(|seconds| seconds as u32).ok_or_else(|| {
        "expected a duration of whole seconds such as 90s, 15m, 1h or 7d, at most 366 days".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_durations_of_whole_seconds() {
        for (text, seconds) in
            [("1s", 1), ("90s", 90), ("15m", 900), ("1h", 3_600), ("1h30m", 5_400), ("7d", 604_800)]
        {
            assert_eq!(bucket(text), Ok(seconds), "{text}");
        }
        assert_eq!(bucket("1w"), Ok(604_800));
        for wrong in ["", "0s", "1500ms", "-1h", "10y", "hour", "5"] {
            assert!(bucket(wrong).is_err(), "{wrong}");
        }
    }
}
