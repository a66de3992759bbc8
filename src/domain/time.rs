//! Instants in microseconds, and where "now" comes from.

use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering},
};

use jiff::tz::TimeZone;

/// An instant: microseconds since 1970-01-01T00:00:00Z. The finest that every store keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z, the earliest that an event may have.
    pub const MIN: Self = Self(0);
    /// 9999-12-30T22:00:00.999999Z, the latest that can be written in every time zone with a four-digit year.
    pub const MAX: Self = Self(253_402_207_200_999_999);

    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From seconds and nanoseconds, cut to microseconds; `None` outside `MIN..=MAX` or with
    /// nanoseconds outside 0 to 999,999,999.
    pub fn from_parts(seconds: i64, nanos: i32) -> Option<Self> {
        if !(0..1_000_000_000).contains(&nanos) {
            return None;
        }
        let micros = seconds.checked_mul(1_000_000)?.checked_add(i64::from(nanos / 1_000))?;
        let time = Self(micros);
        (Self::MIN..=Self::MAX).contains(&time).then_some(time)
    }

    /// Reads RFC 3339 (`2026-11-22T09:30:00.5Z`, with any offset), cut to microseconds.
    pub fn parse(text: &str) -> Option<Self> {
        let time: jiff::Timestamp = text.parse().ok()?;
        let micros = time.as_microsecond();
        (Self::MIN.0..=Self::MAX.0).contains(&micros).then_some(Self(micros))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Nanoseconds within the second; a multiple of 1,000.
    pub const fn subsec_nanos(self) -> i32 {
        (self.0.rem_euclid(1_000_000) * 1_000) as i32
    }

    /// This instant, `micros` later (earlier if negative), saturating.
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// `20261122T093000Z`, for file names.
    pub fn compact(self) -> String {
        self.zoned().strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    /// RFC 3339 in UTC with six digits: `2026-11-22T09:30:00.500000Z`. By hand, since an export writes millions of
    /// them. A time outside `MIN..=MAX`, which no event has, becomes the nearest one inside.
    pub fn rfc3339(self) -> [u8; 27] {
        let micros = self.clamp(Self::MIN, Self::MAX).0.unsigned_abs();
        let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil(days);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        digits(&mut text[0..4], year);
        digits(&mut text[5..7], month);
        digits(&mut text[8..10], day);
        digits(&mut text[11..13], second / 3_600);
        digits(&mut text[14..16], second / 60 % 60);
        digits(&mut text[17..19], second % 60);
        digits(&mut text[20..26], fraction);
        text
    }

    fn zoned(self) -> jiff::Zoned {
        // By seconds: the last microseconds before `MAX` are beyond what jiff takes as one number.
        jiff::Timestamp::new(self.seconds(), self.subsec_nanos())
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(TimeZone::UTC)
    }
}

/// RFC 3339 in UTC with six digits, always of the same length: `2026-11-22T09:30:00.500000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if (Self::MIN..=Self::MAX).contains(self)
            && let Ok(text) = std::str::from_utf8(&self.rfc3339())
        {
            return f.write_str(text);
        }
        write!(f, "{}", self.zoned().strftime("%Y-%m-%dT%H:%M:%S.%6fZ"))
    }
}

fn digits(text: &mut [u8], mut number: u64) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day so many days after 1970-01-01. Years are taken to begin in March: then a leap day is the
/// last of its year, and the months before it have the same lengths in every year.
fn civil(days: u64) -> (u64, u64, u64) {
    const YEAR: u64 = 365;
    const FOUR: u64 = 4 * YEAR + 1;
    const CENTURY: u64 = 25 * FOUR - 1;
    const FOUR_CENTURIES: u64 = 4 * CENTURY + 1;
    /// Days from 0000-03-01 to 1970-01-01.
    const BEFORE: u64 = 719_468;
    let days = days + BEFORE;
    let (cycles, days) = (days / FOUR_CENTURIES, days % FOUR_CENTURIES);
    // The last day of a longer span is its leap day, and not the first of another part.
    let centuries = (days / CENTURY).min(3);
    let days = days - centuries * CENTURY;
    let (fours, days) = (days / FOUR, days % FOUR);
    let years = (days / YEAR).min(3);
    let day_of_year = days - years * YEAR;
    let year = cycles * 400 + centuries * 100 + fours * 4 + years;
    // Five months have 153 days, from March on and from August on.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

/// Where "now" comes from. Handed in, so that tests set it.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }
}

/// A clock that stands still until it is set, for tests.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `time`.
    pub fn at(time: Timestamp) -> Self {
        Self(AtomicI64::new(time.micros()))
    }

    /// Sets it, forward or back.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_with_six_digits_and_read_back() {
        let time = Timestamp::from_parts(1_700_000_000, 5_999).unwrap();
        assert_eq!(time.to_string(), "2023-11-14T22:13:20.000005Z");
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        assert_eq!(Timestamp::parse("2023-11-14T23:13:20.0000059+01:00"), Some(time));
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-30T22:00:00.999999Z");
        assert_eq!(time.compact(), "20231114T221320Z");
    }

    #[test]
    fn every_day_is_printed_as_the_calendar_has_it() {
        let days = Timestamp::MAX.seconds() / 86_400;
        let mut date = jiff::civil::date(1970, 1, 1);
        for day in 0..days {
            let time = Timestamp::from_micros(day * 86_400_000_000 + 86_399_999_999);
            let expected = format!("{date}T23:59:59.999999Z");
            assert_eq!(time.to_string(), expected);
            date = date.tomorrow().unwrap();
        }
    }

    #[test]
    fn times_outside_the_range_are_refused() {
        assert_eq!(Timestamp::from_parts(-1, 0), None);
        assert_eq!(Timestamp::from_parts(0, -1), None);
        assert_eq!(Timestamp::from_parts(0, 1_000_000_000), None);
        assert_eq!(Timestamp::from_parts(253_402_207_201, 0), None);
        assert_eq!(Timestamp::parse("1969-12-31T23:59:59Z"), None);
        assert_eq!(Timestamp::parse("yesterday"), None);
    }
}
