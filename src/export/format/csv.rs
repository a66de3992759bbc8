//! CSV (RFC 4180, but with line feeds) with XFlow's ten columns.
//!
//! Collectors read line by line, also inside quotes, so no value ever holds a line end: it becomes the two
//! characters `\n`. Other control characters become a space (tab) or U+FFFD.

use std::borrow::Cow;

use csv::{Terminator, Writer, WriterBuilder};

use crate::domain::event::{RecordedEvent, Severity};

/// Shorter than the 256 bytes by which Splunk knows a file, so that two files never look the same.
const HEADER: [&str; 10] = [
    "timestamp",
    "severity",
    "user_id",
    "name",
    "national_id",
    "email",
    "initials",
    "organization_id",
    "ip_address",
    "action_description",
];

/// Room for one ordinary line, so that most are written at once.
const LINE_BYTES: usize = 512;

pub(super) fn write_header(out: &mut Vec<u8>) {
    out.extend_from_slice(HEADER.join(",").as_bytes());
    out.push(b'\n');
}

pub(super) fn write(
    recorded: &RecordedEvent,
    with_national_id: bool,
    formula_guard: bool,
    out: &mut Vec<u8>,
) -> Result<(), csv::Error> {
    let event = &recorded.event;
    let actor = &event.actor;
    let national_id = event
        .personal
        .as_ref()
        .filter(|_| with_national_id)
        .map(|personal| personal.actor_national_id.as_str())
        .unwrap_or_default();
    let occurred = event.occurred.to_string();
    let action = action(recorded);
    let fields = [
        &occurred,
        severity(event.severity),
        &actor.user_id,
        &actor.name,
        national_id,
        &actor.email,
        &actor.initials,
        &actor.organization_id,
        &event.source.ip_address,
        &action,
    ];
    let mut writer = line_writer(out);
    writer.write_record(fields.map(|field| cell(field, formula_guard)).iter().map(|cell| cell.as_bytes()))?;
    writer.flush()?;
    Ok(())
}

fn line_writer(out: &mut Vec<u8>) -> Writer<&mut Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::Any(b'\n')).buffer_capacity(LINE_BYTES).from_writer(out)
}

/// `"Read" on form with TaskId 4711`: the verb or the type's own name, and what the product said.
fn action(recorded: &RecordedEvent) -> String {
    let event = &recorded.event;
    let separator = if event.description.is_empty() { "" } else { " " };
    format!("\"{}\"{separator}{}", event.type_name(), event.description)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Debug => "Debug",
        Severity::Information => "Information",
        Severity::Notice => "Notice",
        Severity::Warning => "Warning",
        Severity::Error => "Error",
        Severity::Critical => "Critical",
        Severity::Alert => "Alert",
        Severity::Emergency => "Emergency",
    }
}

/// A value that is safe in a line, and in a spreadsheet if `formula_guard`.
fn cell(value: &str, formula_guard: bool) -> Cow<'_, str> {
    let guard = formula_guard && value.starts_with(runs_as_formula);
    if !guard && !value.contains(breaks_line) {
        return Cow::Borrowed(value);
    }
    let mut safe = String::with_capacity(value.len() + 8);
    if guard {
        safe.push('\'');
    }
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                // Carriage return and line feed are one line end.
                characters.next_if_eq(&'\n');
                safe.push_str("\\n");
            }
            '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => safe.push_str("\\n"),
            '\t' => safe.push(' '),
            control if control.is_control() => safe.push('\u{FFFD}'),
            plain => safe.push(plain),
        }
    }
    Cow::Owned(safe)
}

fn breaks_line(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Spreadsheets take the full-width forms for the plain ones.
fn runs_as_formula(character: char) -> bool {
    matches!(character, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_breaks_a_line() {
        assert_eq!(cell("a\r\nb\rc\nd\u{85}e\u{2028}f\u{2029}g", true), "a\\nb\\nc\\nd\\ne\\nf\\ng");
        assert_eq!(cell("tab\there\0\u{1b}[31m\u{9b}", true), "tab here\u{FFFD}\u{FFFD}[31m\u{FFFD}");
        assert_eq!(cell("Åse \"O'Neill\", 東京", true), "Åse \"O'Neill\", 東京");
    }

    #[test]
    fn formulas_are_guarded_unless_the_job_says_no() {
        for formula in ["=1+1", "+45", "-1", "@SUM", "＝1"] {
            assert_eq!(cell(formula, true), format!("'{formula}"));
            assert_eq!(cell(formula, false), formula);
        }
        assert_eq!(cell("\t=1", true), "' =1");
        assert_eq!(cell("\r=1", true), "'\\n=1");
        assert_eq!(cell("a=1", true), "a=1");
        assert_eq!(cell("", true), "");
    }

    #[test]
    fn the_header_is_shorter_than_what_splunk_knows_a_file_by() {
        let mut header = Vec::new();
        write_header(&mut header);
        assert!(header.len() < 256, "{}", header.len());
    }
}
