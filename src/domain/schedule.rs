//! When a job runs by itself.

use std::{fmt, time::Duration};

use cronexpr::{MakeTimestamp, parse_crontab};
use jiff::tz::TimeZone;

use super::time::Timestamp;

/// By the clock, and as soon as enough waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// By the clock.
    pub rhythm: Rhythm,
    /// Also as soon as this many events wait.
    pub waiting_events: Option<u64>,
    /// Also as soon as events of this many stored bytes wait.
    pub waiting_bytes: Option<u64>,
}

/// By the clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rhythm {
    /// Not at all.
    #[default]
    Never,
    /// Each time so much time has gone by.
    Every(Duration),
    /// At the times of a cron expression.
    Cron(Cron),
}

/// A cron expression in a time zone, known to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    expression: String,
    time_zone: String,
}

/// A cron expression that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// The expression.
    #[error(
        "not a cron expression that ever comes true; give minute, hour, day of month, month and day of week, such \
         as `0 3 * * *`"
    )]
    Expression,
    /// The zone.
    #[error("not a time zone; give an IANA name such as Europe/Copenhagen")]
    TimeZone,
}

impl Cron {
    /// Five fields and an IANA name; no name is `UTC`.
    ///
    /// # Errors
    ///
    /// If one of them is none, or the expression never comes true.
    pub fn new(expression: &str, time_zone: &str) -> Result<Self, CronError> {
        let time_zone = if time_zone.is_empty() { "UTC" } else { time_zone };
        TimeZone::get(time_zone).map_err(|_| CronError::TimeZone)?;
        // A sixth field would be a time zone of its own.
        let fields: Vec<&str> = expression.split_ascii_whitespace().collect();
        if fields.len() != 5 {
            return Err(CronError::Expression);
        }
        let cron = Self { expression: fields.join(" "), time_zone: time_zone.to_owned() };
        cron.next(Timestamp::from_micros(0)).map(|_| cron).ok_or(CronError::Expression)
    }

    /// The expression, with single spaces.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The IANA name.
    pub fn time_zone(&self) -> &str {
        &self.time_zone
    }

    /// The first time after `now`; `None` if there is none within four years.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let crontab = parse_crontab(&format!("{} {}", self.expression, self.time_zone)).ok()?;
        let now = jiff::Timestamp::from_microsecond(now.micros()).ok()?;
        let next = crontab.find_next(MakeTimestamp(now)).ok()?;
        Some(Timestamp::from_micros(next.timestamp().as_microsecond()))
    }
}

impl Schedule {
    /// When a job runs next by the clock, after `now`.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.rhythm {
            Rhythm::Never => None,
            Rhythm::Every(interval) => {
                Some(now.plus_micros(i64::try_from(interval.as_micros()).unwrap_or(i64::MAX)))
            }
            Rhythm::Cron(cron) => cron.next(now),
        }
    }

    /// It runs by hand only.
    pub fn is_manual(&self) -> bool {
        *self == Self::default()
    }
}

/// For people: `every 60s, or when 1000 events wait`.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        match &self.rhythm {
            Rhythm::Never => {}
            Rhythm::Every(interval) => parts.push(format!("every {}", in_words(*interval))),
            Rhythm::Cron(cron) => parts.push(format!("at {} ({})", cron.expression, cron.time_zone)),
        }
        if let Some(events) = self.waiting_events {
            parts.push(format!("when {events} events wait"));
        }
        if let Some(bytes) = self.waiting_bytes {
            parts.push(format!("when {bytes} bytes wait"));
        }
        if parts.is_empty() { f.write_str("by hand") } else { f.write_str(&parts.join(", or ")) }
    }
}

/// For people: `90 s`, `1 h`.
pub fn in_words(interval: Duration) -> String {
    let seconds = interval.as_secs();
    match seconds {
        _ if interval.subsec_nanos() > 0 => format!("{} ms", interval.as_millis()),
        s if s >= 86_400 && s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s >= 3_600 && s % 3_600 == 0 => format!("{} h", s / 3_600),
        s if s >= 60 && s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn next(expression: &str, zone: &str, now: &str) -> String {
        Cron::new(expression, zone).unwrap().next(time(now)).unwrap().to_string()
    }

    #[test]
    fn the_next_time_is_in_the_schedules_own_zone() {
        assert_eq!(next("0 3 * * *", "", "2026-11-22T09:00:00Z"), "2026-11-23T03:00:00.000000Z");
        let copenhagen = "Europe/Copenhagen";
        assert_eq!(next("0 3 * * *", copenhagen, "2026-11-22T09:00:00Z"), "2026-11-23T02:00:00.000000Z");
        assert_eq!(next("*/15 * * * *", "", "2026-11-22T09:00:00Z"), "2026-11-22T09:15:00.000000Z");
        assert_eq!(next("0 0 29 2 *", "", "2026-11-22T09:00:00Z"), "2028-02-29T00:00:00.000000Z");
    }

    #[test]
    fn a_time_that_a_day_does_not_have_is_left_out_and_one_that_it_has_twice_is_taken_twice() {
        let zone = "Europe/Copenhagen";
        // 29 March 2026: 02:00 becomes 03:00.
        assert_eq!(next("30 2 * * *", zone, "2026-03-29T00:00:00Z"), "2026-03-30T00:30:00.000000Z");
        // 25 October 2026: 02:30 comes twice.
        let first = next("30 2 * * *", zone, "2026-10-24T12:00:00Z");
        assert_eq!(first, "2026-10-25T00:30:00.000000Z");
        let second = next("30 2 * * *", zone, &first);
        assert_eq!(second, "2026-10-25T01:30:00.000000Z");
        assert_eq!(next("30 2 * * *", zone, &second), "2026-10-26T01:30:00.000000Z");
    }

    #[test]
    fn what_is_no_expression_or_no_zone_is_refused() {
        for wrong in ["", "* * * *", "* * * * * *", "61 * * * *", "0 3 31 2 *", "a b c d e", "0 3 * * * UTC"]
        {
            assert_eq!(Cron::new(wrong, "").unwrap_err(), CronError::Expression, "{wrong}");
        }
        assert_eq!(Cron::new("0 3 * * *", "Mars/Olympus").unwrap_err(), CronError::TimeZone);
    }

    #[test]
    fn a_schedule_reads_like_a_sentence() {
        let minute = Schedule { rhythm: Rhythm::Every(Duration::from_secs(60)), ..Schedule::default() };
        assert_eq!(minute.to_string(), "every 1 min");
        let cron = Schedule {
            rhythm: Rhythm::Cron(Cron::new("0  3 * * *", "").unwrap()),
            waiting_events: Some(10),
            waiting_bytes: None,
        };
        assert_eq!(cron.to_string(), "at 0 3 * * * (UTC), or when 10 events wait");
        assert_eq!(Schedule::default().to_string(), "by hand");
        assert!(Schedule::default().is_manual() && !minute.is_manual());
    }
}
