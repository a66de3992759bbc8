//! Every event type in every format: with everything, with nothing, with values that would break it; read back
//! by parsers that know only the formats' own rules.

mod any_event;
mod cef;
mod csv;
mod ecs;
mod expected;
mod facts;
mod golden;
mod leef;
mod lognormalizer;
mod ocsf;
mod rfc5424;

use vidne::{
    domain::{
        catalogue::{Category, EventType},
        event::{Personal, RecordedEvent, Source},
        export::{Format, JobSettings, NationalIdMode},
        format::{
            CefOptions, CefVersion, CsvColumns, CsvOptions, EcsOptions, LeefOptions, LeefVersion,
            OcsfOptions, OcsfVersion, Rfc5424Options,
        },
        input::{ActorInput, EventInput, TargetInput},
        validate::validate,
    },
    export::format::Renderer,
};

use super::bed::settings;
use crate::support::events::{NOW, bare, call, full, limits, recordable};

const MARK: &str = "...(cut)";
const NATIONAL_ID: &str = "0101701234";

/// Separators of every format, quotes, line ends, control characters, other scripts, formulas, forged fields.
const HOSTILE: &str = "a|b=c\\d\"e]f^g,h;i'j` [x y=\"z\"] src=6.6.6.6 \r\nCEF:0|forged\n<13>1 forged\tt\0\u{1b}[31m\u{7f}\
                       \u{85}\u{9b}\u{2028}\u{2029}\u{feff}\u{202e}Åse 東京 ✓ 👩‍💻 é \\n \\";

fn recorded(sequence: u64, input: EventInput) -> RecordedEvent {
    let event_id = uuid::Uuid::from_u128(u128::from(sequence)).to_string();
    let event = validate(EventInput { event_id, ..input }, "event", &limits(), &call()).unwrap();
    RecordedEvent { sequence, recorded: NOW, event }
}

/// Every free text says `text`; ids, which may not hold control characters, say what is left of it.
fn filled_with(event_type: EventType, text: &str) -> EventInput {
    let base = full(event_type);
    let id: String = text.chars().filter(|c| !c.is_control()).take(100).collect();
    let target = |target: TargetInput| TargetInput {
        id: id.clone(),
        name: text.to_owned(),
        tenant_id: id.clone(),
        ..target
    };
    let mut targets: Vec<TargetInput> = base.targets.iter().cloned().map(target).collect();
    targets.push(TargetInput { target_type: 13, name: text.to_owned(), ..TargetInput::default() });
    let mut changes = base.changes.clone();
    changes[0].new_value = text.to_owned();
    EventInput {
        occurred: Some((0, 1_999)),
        severity: 8,
        outcome: 2,
        outcome_reason: text.to_owned(),
        actor: ActorInput {
            actor_type: 2,
            user_id: id.clone(),
            name: text.to_owned(),
            email: text.to_owned(),
            initials: text.to_owned(),
            organization_id: id.clone(),
            tenant_id: id.clone(),
        },
        source: Source {
            ip_address: "fe80::1|=\\".to_owned(),
            host: text.to_owned(),
            user_agent: text.to_owned(),
        },
        targets,
        description: text.to_owned(),
        labels: [("a".to_owned(), text.to_owned()), ("a.b".to_owned(), "nested".to_owned())].into(),
        changes,
        personal: Personal { actor_national_id: "=0101|701234".to_owned(), subject_national_ids: Vec::new() },
        ..base
    }
}

/// Each type with all fields, with only the required ones, and with hostile values; addresses of both kinds; a
/// permission of a group; values longer than any format takes; the ends of time.
fn sample() -> Vec<RecordedEvent> {
    let mut inputs = Vec::new();
    for event_type in recordable() {
        inputs.extend([full(event_type), bare(event_type), filled_with(event_type, HOSTILE)]);
    }
    let read = EventType::from_name("RECORD_READ").unwrap();
    let granted = EventType::from_name("PERMISSION_ADDED").unwrap();
    let from = |ip: &str| Source { ip_address: ip.to_owned(), ..Source::default() };
    let to = |role, target_type, id: &str| TargetInput {
        role,
        target_type,
        id: id.to_owned(),
        ..TargetInput::default()
    };
    inputs.extend([
        EventInput { source: from("192.0.2.10"), ..bare(read) },
        EventInput { source: from("2001:db8::1"), ..bare(read) },
        EventInput { source: from("::ffff:192.0.2.10"), ..bare(read) },
        EventInput { targets: vec![to(2, 2, "g-1"), to(1, 13, "p-1")], ..bare(granted) },
        EventInput { targets: vec![to(1, 1, "u-1"), to(1, 13, "p-1")], ..bare(granted) },
        EventInput { targets: vec![to(1, 6, "task-1")], ..bare(read) },
        filled_with(read, &"é|\\\"=]^ \n".repeat(2_000)),
        EventInput { occurred: Some((253_402_207_200, 0)), ..bare(read) },
        EventInput { custom_type: format!("a{}", ".long-name".repeat(12)), ..bare(EventType::CUSTOM) },
        EventInput { description: " \t around \r\n ".to_owned(), ..bare(read) },
    ]);
    (1..).zip(inputs).map(|(sequence, input)| recorded(sequence, input)).collect()
}

/// vidne's own events, which no client can record.
fn own() -> Vec<RecordedEvent> {
    let service = EventType::all().filter(|t| t.category() == Category::Service);
    let event = |(sequence, event_type)| {
        let mut event = recorded(sequence, full(EventType::CUSTOM));
        event.event.event_type = event_type;
        event.event.custom_type = String::new();
        event
    };
    (1..).zip(service).map(event).collect()
}

fn job(format: Format) -> JobSettings {
    JobSettings { format, national_id: NationalIdMode::Full, ..settings() }
}

fn line(settings: &JobSettings, event: &RecordedEvent) -> String {
    let mut out = b"what was there before".to_vec();
    let before = out.len();
    Renderer::new(settings).event(event, &mut out).unwrap();
    let line = String::from_utf8(out.split_off(before)).unwrap();
    let line = line.strip_suffix('\n').unwrap().to_owned();
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    assert!(!line.contains(breaks) || line.chars().all(|c| c == '\t' || !breaks(c)), "{line:?}");
    line
}

fn cef(version: CefVersion, defensive: bool) -> JobSettings {
    job(Format::Cef(CefOptions { version, defensive }))
}

fn leef(version: LeefVersion, defensive: bool) -> JobSettings {
    job(Format::Leef(LeefOptions { version, defensive }))
}

fn rfc5424(max_line_bytes: u32, defensive: bool) -> JobSettings {
    let hostname = "audit.example.org".to_owned();
    job(Format::Rfc5424(Rfc5424Options { hostname, enterprise_number: 32_473, max_line_bytes, defensive }))
}

fn ecs(crud_types: bool) -> JobSettings {
    job(Format::Ecs(EcsOptions { crud_types }))
}

fn ocsf(version: OcsfVersion) -> JobSettings {
    job(Format::Ocsf(OcsfOptions { version }))
}

fn csv(columns: CsvColumns, header: bool, formula_guard: bool) -> JobSettings {
    job(Format::Csv(CsvOptions { columns, header, formula_guard }))
}
