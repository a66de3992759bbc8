//! Times in the zone that was asked for.

use jiff::tz::TimeZone;

use crate::domain::time::Timestamp;

/// A time zone for output.
#[derive(Clone, Debug)]
pub struct Zone {
    zone: TimeZone,
    utc: bool,
}

impl Default for Zone {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, utc: true }
    }
}

impl Zone {
    /// The zone of this machine (`TZ`, or what the system is set to).
    ///
    /// # Errors
    ///
    /// In words, if the machine does not tell.
    pub fn local() -> Result<Self, String> {
        match TimeZone::try_system() {
            Ok(zone) => Ok(Self { zone, utc: false }),
            Err(error) => {
                Err(format!("cannot tell the time zone of this machine ({error}): name one with --time-zone"))
            }
        }
    }

    /// A zone by its IANA name, such as `Europe/Copenhagen`.
    ///
    /// # Errors
    ///
    /// In words, if there is none of this name.
    pub fn named(name: &str) -> Result<Self, String> {
        if name.eq_ignore_ascii_case("utc") {
            return Ok(Self::default());
        }
        match TimeZone::get(name) {
            Ok(zone) => Ok(Self { zone, utc: false }),
            Err(_) => {
                Err("expected a name such as Europe/Copenhagen or UTC; names are those of the time zone \
                           database of this machine (package tzdata)"
                    .to_owned())
            }
        }
    }

    /// `2026-11-22 09:30:00Z`, or `2026-11-22 10:30:00+01:00`.
    pub fn short(&self, time: Timestamp) -> String {
        self.format(time, "%Y-%m-%d %H:%M:%S", true)
    }

    /// RFC 3339 with microseconds: `2026-11-22T09:30:00.000000Z`, or `2026-11-22T10:30:00.000000+01:00`.
    pub fn exact(&self, time: Timestamp) -> String {
        self.format(time, "%Y-%m-%dT%H:%M:%S.%6f", true)
    }

    /// `2026-11-22 10:30:00`, without saying where.
    pub fn plain(&self, time: Timestamp) -> String {
        self.format(time, "%Y-%m-%d %H:%M:%S", false)
    }

    /// Its name, as people know it.
    pub fn name(&self) -> String {
        match self.zone.iana_name() {
            Some(name) if !self.utc => name.to_owned(),
            None if !self.utc => "local time".to_owned(),
            _ => "UTC".to_owned(),
        }
    }

    fn format(&self, time: Timestamp, format: &str, with_offset: bool) -> String {
        let instant = jiff::Timestamp::new(time.seconds(), time.subsec_nanos());
        let zoned = instant.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_zoned(self.zone.clone());
        let offset = match (with_offset, self.utc) {
            (false, _) => String::new(),
            (true, true) => "Z".to_owned(),
            (true, false) => zoned.strftime("%:z").to_string(),
        };
        format!("{}{offset}", zoned.strftime(format))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_the_same_instant_in_every_zone() {
        let time = Timestamp::parse("2026-07-01T09:30:00.25Z").unwrap();
        let utc = Zone::default();
        assert_eq!(utc.short(time), "2026-07-01 09:30:00Z");
        assert_eq!(utc.exact(time), "2026-07-01T09:30:00.250000Z");
        let denmark = Zone { zone: TimeZone::fixed(jiff::tz::offset(2)), utc: false };
        assert_eq!(denmark.short(time), "2026-07-01 11:30:00+02:00");
        assert_eq!(Timestamp::parse(&denmark.exact(time)), Some(time));
        assert_eq!(denmark.plain(time), "2026-07-01 11:30:00");
    }

    #[test]
    fn the_ends_of_time_can_be_written() {
        let east = Zone { zone: TimeZone::fixed(jiff::tz::offset(2)), utc: false };
        assert_eq!(east.short(Timestamp::MAX), "9999-12-31 00:00:00+02:00");
        assert_eq!(Zone::default().short(Timestamp::MIN), "1970-01-01 00:00:00Z");
    }

    #[test]
    fn an_unknown_zone_is_refused_with_an_example() {
        assert!(Zone::named("Middle/Earth").unwrap_err().contains("Europe/Copenhagen"));
        assert_eq!(Zone::named("utc").unwrap().name(), "UTC");
    }
}
