//! When a job runs by itself, from flags and in words.

use clap::Args;
use jiff::{Span, SpanRelativeTo, Unit};

use super::{super::CliError, words};
use crate::{
    codec::proto::v1::{CronSchedule, ExportJob, ExportSchedule, export_schedule::Kind},
    domain::{
        heartbeat,
        schedule::{Cron, CronError},
    },
};

const LONGEST: f64 = 31.0 * 86_400.0;

/// When it runs by itself.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "When")]
pub struct ScheduleArgs {
    /// Each time so much time has gone by: 1s to 31d, such as 30s, 5m or 12h. Default: 1m, or, with --when-events or
    /// --when-bytes, only when so much waits.
    #[arg(long, value_name = "DURATION", value_parser = every, conflicts_with_all = ["cron", "manual"])]
    every: Option<i64>,
    /// At the times of a cron expression: minute, hour, day of month, month and day of week, such as "0 3 * * *".
    #[arg(long, value_name = "EXPRESSION", conflicts_with = "manual")]
    cron: Option<String>,
    /// The time zone of --cron by its IANA name, such as Europe/Copenhagen. Default: UTC.
    #[arg(long, value_name = "NAME", requires = "cron")]
    time_zone: Option<String>,
    /// Only when told to, by `vidne export run`.
    #[arg(long, conflicts_with_all = ["when_events", "when_bytes"])]
    manual: bool,
    /// Also as soon as this many events wait, whether they match or not. 0: no.
    #[arg(long, value_name = "NUMBER")]
    when_events: Option<u64>,
    /// Also as soon as events of this many bytes wait, as they are stored. 0: no.
    #[arg(long, value_name = "NUMBER")]
    when_bytes: Option<u64>,
    /// A sign of life for a SIEM that watches for silence: after so long without a file, one that says that there were no
    /// events: 1m to 31d, such as 1h. No less than the schedule, since events that wait hold it back. Default: none.
    #[arg(long, value_name = "DURATION", value_parser = silence)]
    heartbeat: Option<i64>,
    /// No sign of life.
    #[arg(long, conflicts_with = "heartbeat")]
    no_heartbeat: bool,
}

impl ScheduleArgs {
    /// Puts what is given into a job's schedule and leaves the rest of it. Whether anything is given.
    ///
    /// # Errors
    ///
    /// If the cron expression or its time zone is none.
    pub fn apply(&self, schedule: &mut Option<ExportSchedule>) -> Result<bool, CliError> {
        let mut new = schedule.clone().unwrap_or_default();
        if self.manual {
            new = ExportSchedule { kind: Some(Kind::Manual(true)), ..ExportSchedule::default() };
        } else if let Some(seconds) = self.every {
            new.kind = Some(Kind::Interval(prost_types::Duration { seconds, nanos: 0 }));
        } else if let Some(expression) = &self.cron {
            let time_zone = self.time_zone.clone().unwrap_or_default();
            check(expression, &time_zone)?;
            new.kind = Some(Kind::Cron(CronSchedule { expression: expression.clone(), time_zone }));
        } else if self.when_events.is_none() && self.when_bytes.is_none() {
            return Ok(false);
        } else if matches!(new.kind, Some(Kind::Manual(_))) {
            new.kind = None;
        }
        new.waiting_events = self.when_events.unwrap_or(new.waiting_events);
        new.waiting_bytes = self.when_bytes.unwrap_or(new.waiting_bytes);
        *schedule = Some(new);
        Ok(true)
    }
}

impl ScheduleArgs {
    /// Puts the heartbeat that is given into a job, or takes it out. Whether anything is given.
    pub fn beat(&self, job: &mut ExportJob) -> bool {
        let given = self.heartbeat.is_some() || self.no_heartbeat;
        if given {
            job.heartbeat_interval =
                self.heartbeat.map(|seconds| prost_types::Duration { seconds, nanos: 0 });
        }
        given
    }
}

/// How long a job may be silent, in words; empty for no heartbeat.
pub fn describe_heartbeat(job: &ExportJob) -> String {
    job.heartbeat_interval
        .map(|interval| format!("after {} without a file", words::exact(interval.seconds)))
        .unwrap_or_default()
}

/// When it runs, in words.
pub fn describe(schedule: Option<&ExportSchedule>) -> String {
    let Some(schedule) = schedule else { return String::new() };
    let clock = match &schedule.kind {
        Some(Kind::Interval(interval)) => Some(format!("every {}", words::exact(interval.seconds))),
        Some(Kind::Cron(cron)) => {
            let zone = if cron.time_zone.is_empty() { "UTC" } else { &cron.time_zone };
            Some(format!("cron {} ({zone})", cron.expression))
        }
        Some(Kind::Manual(_)) => Some("by hand".to_owned()),
        None => None,
    };
    let events = (schedule.waiting_events > 0).then(|| format!("at {} events", schedule.waiting_events));
    let bytes = (schedule.waiting_bytes > 0).then(|| format!("at {} bytes", schedule.waiting_bytes));
    clock.into_iter().chain(events).chain(bytes).collect::<Vec<_>>().join(" or ")
}

fn check(expression: &str, time_zone: &str) -> Result<(), CliError> {
    match Cron::new(expression, time_zone) {
        Ok(_) => Ok(()),
        Err(error @ CronError::Expression) => Err(CliError::Usage(format!("--cron: {error}"))),
        // Where this machine knows no zones at all, the server has to tell.
        Err(CronError::TimeZone) if jiff::tz::db().is_definitively_empty() => Ok(()),
        Err(error @ CronError::TimeZone) => Err(CliError::Usage(format!("--time-zone: {error}"))),
    }
}

/// Seconds between runs.
fn every(text: &str) -> Result<i64, String> {
    whole_seconds(text, 1.0)
        .ok_or_else(|| "expected a duration of whole seconds such as 30s, 5m or 12h, at most 31d".to_owned())
}

/// Seconds without a file.
fn silence(text: &str) -> Result<i64, String> {
    whole_seconds(text, heartbeat::SHORTEST.as_secs_f64())
        .ok_or_else(|| "expected a duration of whole seconds such as 5m or 1h, from 1m to 31d".to_owned())
}

fn whole_seconds(text: &str, shortest: f64) -> Option<i64> {
    let span = text.parse::<Span>().ok()?;
    let seconds = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok()?;
    // In range, so nothing is cut.
    (seconds.fract() == 0.0 && (shortest..=LONGEST).contains(&seconds)).then_some(seconds as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(seconds: i64) -> Option<Kind> {
        Some(Kind::Interval(prost_types::Duration { seconds, nanos: 0 }))
    }

    #[test]
    fn intervals_are_whole_seconds_up_to_31_days() {
        for (text, seconds) in [("1s", 1), ("5m", 300), ("1h30m", 5_400), ("31d", 2_678_400)] {
            assert_eq!(every(text), Ok(seconds), "{text}");
        }
        for wrong in ["", "0s", "500ms", "-5m", "32d", "5", "often"] {
            assert!(every(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_heartbeat_comes_after_a_minute_or_more_and_can_be_taken_out() {
        for (text, seconds) in [("1m", 60), ("1h", 3_600), ("31d", 2_678_400)] {
            assert_eq!(silence(text), Ok(seconds), "{text}");
        }
        for wrong in ["", "59s", "0m", "90500ms", "32d", "never"] {
            assert!(silence(wrong).is_err(), "{wrong}");
        }
        let mut job = ExportJob::default();
        assert!(ScheduleArgs { heartbeat: Some(5_400), ..ScheduleArgs::default() }.beat(&mut job));
        assert_eq!(describe_heartbeat(&job), "after 1h 30m without a file");
        assert!(!ScheduleArgs::default().beat(&mut job) && job.heartbeat_interval.is_some());
        assert!(ScheduleArgs { no_heartbeat: true, ..ScheduleArgs::default() }.beat(&mut job));
        assert_eq!(describe_heartbeat(&job), "");
    }

    #[test]
    fn what_is_not_given_stays() {
        let old = ExportSchedule { kind: interval(300), waiting_events: 10, waiting_bytes: 20 };
        let after = |args: ScheduleArgs| {
            let mut schedule = Some(old.clone());
            assert!(args.apply(&mut schedule).unwrap());
            schedule.unwrap()
        };
        let every = after(ScheduleArgs { every: Some(5), ..ScheduleArgs::default() });
        assert_eq!(every, ExportSchedule { kind: interval(5), ..old.clone() });
        let waiting = after(ScheduleArgs { when_events: Some(0), ..ScheduleArgs::default() });
        assert_eq!(waiting, ExportSchedule { waiting_events: 0, ..old.clone() });
        // Nothing else may stand beside it.
        let manual = after(ScheduleArgs { manual: true, ..ScheduleArgs::default() });
        assert_eq!(manual, ExportSchedule { kind: Some(Kind::Manual(true)), ..ExportSchedule::default() });
        let mut schedule = Some(manual);
        ScheduleArgs { when_bytes: Some(1), ..ScheduleArgs::default() }.apply(&mut schedule).unwrap();
        assert_eq!(schedule, Some(ExportSchedule { waiting_bytes: 1, ..ExportSchedule::default() }));
        assert!(!ScheduleArgs::default().apply(&mut schedule).unwrap());
    }

    #[test]
    fn a_schedule_is_said_in_words() {
        let cron = CronSchedule { expression: "0 3 * * *".into(), time_zone: String::new() };
        let schedule = |kind| ExportSchedule { kind, ..ExportSchedule::default() };
        assert_eq!(describe(Some(&schedule(interval(90)))), "every 1m 30s");
        assert_eq!(describe(Some(&schedule(Some(Kind::Cron(cron))))), "cron 0 3 * * * (UTC)");
        assert_eq!(describe(Some(&schedule(Some(Kind::Manual(true))))), "by hand");
        let both = ExportSchedule { kind: interval(60), waiting_events: 7, waiting_bytes: 0 };
        assert_eq!(describe(Some(&both)), "every 1m or at 7 events");
    }
}
