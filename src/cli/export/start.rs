//! With which event a new job begins, from a flag and in words.

use super::super::{
    input::{self, wire_time},
    output::json,
};
use crate::codec::proto::v1::{ExportStart, export_start::Kind};

/// `beginning`, `now`, a time or a position.
///
/// # Errors
///
/// In words, if it is none of these.
pub fn start(text: &str) -> Result<ExportStart, String> {
    let kind = match text {
        "beginning" => Kind::Beginning(true),
        "now" => Kind::Now(true),
        text => match text.parse::<u64>() {
            Ok(0) => return Err("positions begin at 1".to_owned()),
            Ok(sequence) => Kind::Sequence(sequence),
            Err(_) => Kind::Time(input::time(text).map(wire_time).map_err(|_| {
                "expected beginning, now, a time such as 2026-11-22T09:30:00Z, or a position such as 4711"
                    .to_owned()
            })?),
        },
    };
    Ok(ExportStart { kind: Some(kind) })
}

/// In words.
pub fn describe(start: Option<&ExportStart>) -> String {
    match start.and_then(|start| start.kind.as_ref()) {
        Some(Kind::Beginning(_)) => "the beginning".to_owned(),
        Some(Kind::Now(_)) => "when it was created".to_owned(),
        Some(Kind::Time(time)) => json::time(Some(time)),
        Some(Kind::Sequence(sequence)) => format!("#{sequence}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_a_word_a_time_or_a_position() {
        let kind = |text| start(text).unwrap().kind.unwrap();
        assert_eq!(kind("beginning"), Kind::Beginning(true));
        assert_eq!(kind("now"), Kind::Now(true));
        assert_eq!(kind("4711"), Kind::Sequence(4_711));
        assert!(matches!(kind("2026-11-22T09:30:00Z"), Kind::Time(time) if time.seconds == 1_795_339_800));
        for wrong in ["", "0", "-1", "first", "2026-13-01"] {
            assert!(start(wrong).is_err(), "{wrong}");
        }
    }
}
