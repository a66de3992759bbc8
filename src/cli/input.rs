//! Values of flags.

use std::{fs, path::Path};

use jiff::{Span, Zoned, civil::Date, tz::TimeZone};

use crate::{
    codec::proto::v1::EventCategory,
    domain::{
        catalogue::EventType,
        event::{Outcome, Severity, TargetType},
        secret::Secret,
        time::Timestamp,
    },
};

/// An event type: a catalogue name (`USER_CREATED`, `user-created`), an original name (`ProjectHotFolderDiable`, `Read`)
/// or a code from 0 to 26.
pub fn event_type(text: &str) -> Result<EventType, String> {
    let plain = plain(text);
    let named =
        |t: &EventType| plain == self::plain(t.info().name) || plain == self::plain(t.info().original);
    let coded = |t: &EventType| t.info().code.is_some_and(|code| code.to_string() == text);
    EventType::all().filter(|_| !plain.is_empty()).find(|t| named(t) || coded(t)).ok_or_else(|| {
        let is_like = |name: &str| self::plain(name).contains(&plain) || plain.contains(&self::plain(name));
        let likely: Vec<_> = EventType::all()
            .filter(|t| !plain.is_empty() && (is_like(t.info().name) || is_like(t.info().original)))
            // It has no original name, and everything contains that.
            .filter(|t| *t != EventType::CUSTOM)
            .map(|t| t.info().name)
            .take(4)
            .collect();
        let likely =
            if likely.is_empty() { String::new() } else { format!(" (did you mean {}?)", likely.join(", ")) };
        format!("there is no event type of this name{likely}; `vidne types` lists them")
    })
}

/// Letters and digits in lower case.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn name(text: &str) -> String {
    text.replace('-', "_")
}

/// A severity by name.
pub fn severity(text: &str) -> Result<Severity, String> {
    let by_name = if text.eq_ignore_ascii_case("info") {
        Some(Severity::Information)
    } else {
        Severity::from_name(text)
    };
    by_name.ok_or_else(|| one_of(Severity::ALL.iter().map(|s| s.name())))
}

/// An outcome by name.
pub fn outcome(text: &str) -> Result<Outcome, String> {
    Outcome::from_name(text).ok_or_else(|| one_of(Outcome::ALL.iter().map(|o| o.name())))
}

/// A target type by name.
pub fn target_type(text: &str) -> Result<TargetType, String> {
    TargetType::from_name(&name(text)).ok_or_else(|| one_of(TargetType::ALL.iter().map(|t| t.name())))
}

/// A category by name.
pub fn category(text: &str) -> Result<EventCategory, String> {
    match name(text).to_ascii_lowercase().as_str() {
        "data_access" => Ok(EventCategory::DataAccess),
        "security_administration" | "security" => Ok(EventCategory::SecurityAdministration),
        "custom" => Ok(EventCategory::Custom),
        "service" => Ok(EventCategory::Service),
        _ => Err("expected one of data_access, security_administration, custom, service".to_owned()),
    }
}

/// "expected one of ..." in lower case, as the flags are written.
pub fn one_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    format!("expected one of {}", names.map(str::to_lowercase).collect::<Vec<_>>().join(", "))
}

/// An instant: RFC 3339, a date (midnight UTC), or how long ago, such as `15m`, `2h` or `7d`.
pub fn time(text: &str) -> Result<Timestamp, String> {
    if let Some(time) = Timestamp::parse(text) {
        return Ok(time);
    }
    if let Ok(date) = text.parse::<Date>()
        && text.len() == "2026-11-22".len()
        && let Ok(midnight) = date.to_zoned(TimeZone::UTC)
    {
        return Ok(Timestamp::from_micros(midnight.timestamp().as_microsecond()));
    }
    let ago = |span: Span| Zoned::now().with_time_zone(TimeZone::UTC).checked_sub(span.abs()).ok();
    match text.parse::<Span>().ok().and_then(ago) {
        Some(then) => Ok(Timestamp::from_micros(then.timestamp().as_microsecond())),
        None => Err("expected a time such as 2026-11-22T09:30:00Z, a date such as 2026-11-22 (midnight UTC), or how long \
                     ago, such as 15m, 2h or 7d"
            .to_owned()),
    }
}

/// `name=value`, cut at the first `=`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected name=value".to_owned()),
    }
}

/// A national id, or `@PATH` of a file that holds it.
pub fn national_id(text: &str) -> Result<String, String> {
    match text.strip_prefix('@') {
        Some(path) => Ok(secret_file(Path::new(path))?.expose().trim().to_owned()),
        None => Ok(text.to_owned()),
    }
}

/// `on` or `off`.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" => Ok(true),
        "off" | "false" | "no" => Ok(false),
        _ => Err("expected on or off".to_owned()),
    }
}

/// A secret from a file, without the line end after it.
///
/// # Errors
///
/// In words, if the file cannot be read or is empty.
pub fn secret_file(path: &Path) -> Result<Secret, String> {
    let text =
        fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let secret = Secret::new(text.trim_end_matches(['\r', '\n']));
    if secret.is_empty() { Err(format!("{} is empty", path.display())) } else { Ok(secret) }
}

/// A secret of several lines from a file, as it is: a private key.
///
/// # Errors
///
/// In words, if the file cannot be read.
pub fn key_file(path: &Path) -> Result<Secret, String> {
    let text = fs::read_to_string(path);
    text.map(Secret::new).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// A secret from an environment variable.
///
/// # Errors
///
/// In words, if the variable is not set or empty.
pub fn secret_env(name: &str) -> Result<Secret, String> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(Secret::new(value)),
        _ => Err(format!("the environment variable {name} is not set, is empty or is not UTF-8")),
    }
}

/// A time of the wire.
pub fn wire_time(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.seconds(), nanos: time.subsec_nanos() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_types_are_found_by_every_name_they_have() {
        for text in ["USER_CREATED", "user_created", "user-created", "UserCreated", "0"] {
            assert_eq!(event_type(text).unwrap().info().name, "USER_CREATED", "{text}");
        }
        assert_eq!(event_type("read").unwrap().info().name, "RECORD_READ");
        assert_eq!(event_type("ProjectHotFolderDiable").unwrap().info().code, Some(22));
        assert_eq!(event_type("26").unwrap(), EventType::AUDITING_CONFIGURATION_CHANGED);
    }

    #[test]
    fn an_unknown_event_type_is_refused_with_a_suggestion() {
        for text in ["", "27", "_", "nonsense"] {
            assert!(event_type(text).unwrap_err().contains("vidne types"), "{text}");
        }
        assert!(event_type("reads").unwrap_err().contains("RECORD_READ"));
        assert!(event_type("hot_folder").unwrap_err().contains("PROJECT_HOT_FOLDER_DIABLE"));
    }

    #[test]
    fn times_are_exact_days_or_so_long_ago() {
        assert_eq!(time("2026-11-22T10:30:00+01:00").unwrap().to_string(), "2026-11-22T09:30:00.000000Z");
        assert_eq!(time("2026-11-22").unwrap().to_string(), "2026-11-22T00:00:00.000000Z");
        let ago = |text: &str| {
            let then = time(text).unwrap().micros();
            (jiff::Timestamp::now().as_microsecond() - then) / 1_000_000
        };
        assert!((7200..7260).contains(&ago("2h")));
        assert!((604_800..604_860).contains(&ago("7d")));
        for wrong in ["yesterday", "2026-11-22T09:30:00", "", "12"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pairs_are_cut_at_the_first_equals_sign() {
        assert_eq!(pair("a=b=c").unwrap(), ("a".into(), "b=c".into()));
        assert!(pair("=b").is_err());
        assert!(pair("a").is_err());
    }
}
