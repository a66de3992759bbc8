//! CSV, read back by RFC 4180.

use serde_json::Value as Json;
use vidne::domain::{
    event::RecordedEvent,
    format::{CsvColumn, CsvColumns},
};

use super::{
    csv,
    expected::{Parties, fact, first, id, name, national_id, one_line},
    line, sample,
};

/// The fields of one record without a line end.
pub fn read(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let field = fields.last_mut().unwrap();
        match c {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted => {
                assert!(characters.peek().is_none_or(|next| *next == ','), "{line}");
                quoted = false;
            }
            '"' => {
                assert!(field.is_empty(), "a quote inside a field: {line}");
                quoted = true;
            }
            ',' if !quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    assert!(!quoted, "{line}");
    fields
}

/// A cell without its guard.
fn cell(text: &str, guard: bool) -> String {
    let runs = |c: char| "=+-@\t\r＝＋－＠".contains(c);
    let apostrophe = if guard && text.starts_with(runs) { "'" } else { "" };
    format!("{apostrophe}{}", one_line(text, "\\n"))
}

fn severity(event: &RecordedEvent) -> String {
    let name = event.event.severity.name().to_lowercase();
    format!("{}{}", name[..1].to_uppercase(), &name[1..])
}

pub fn check(columns: &CsvColumns, line: &str, event: &RecordedEvent, guard: bool) {
    let (e, parties) = (&event.event, Parties::of(event));
    let code = e.event_type.info().code.map(|code| code.to_string()).unwrap_or_default();
    let action = format!("\"{}\" {}", e.type_name(), e.description);
    let action = if e.description.is_empty() { action.trim_end() } else { &action };
    let (actor, read) = (&e.actor, read(line));
    let occurred = e.occurred.to_string();
    let expected: Vec<&str> = match columns {
        CsvColumns::Xflow => vec![
            &occurred,
            "",
            &actor.user_id,
            &actor.name,
            national_id(event),
            &actor.email,
            &actor.initials,
            &actor.organization_id,
            &e.source.ip_address,
            action,
        ],
        CsvColumns::Flexicapture => vec![
            &code,
            &occurred,
            first(&actor.user_id, &actor.name),
            &actor.tenant_id,
            first(id(parties.principal), name(parties.principal)),
            parties.tenant,
            &e.description,
            &e.source.ip_address,
        ],
        CsvColumns::All | CsvColumns::Chosen(_) => return check_all(&read, event, guard),
    };
    let mut expected: Vec<String> = expected.into_iter().map(|text| cell(text, guard)).collect();
    if *columns == CsvColumns::Xflow {
        expected[1] = severity(event);
    }
    assert_eq!(read, expected);
}

fn check_all(read: &[String], event: &RecordedEvent, guard: bool) {
    let (e, parties, fact) = (&event.event, Parties::of(event), fact(event));
    assert_eq!(read.len(), CsvColumn::ALL.len());
    let of = |column: &str| {
        let place = CsvColumn::ALL.iter().position(|c| c.name() == column).expect(column);
        read[place].as_str()
    };
    let code = e.event_type.info().code.map(|code| code.to_string()).unwrap_or_default();
    let texts = [
        ("sequence", &*event.sequence.to_string()),
        ("event_id", &e.id.to_string()),
        ("tenant_id", "default"),
        ("recorded_time", &event.recorded.to_string()),
        ("severity", &severity(event)),
        ("type", e.event_type.info().name),
        ("type_code", &code),
        ("type_name", e.type_name()),
        ("category", fact.map_or("custom", |f| f.category)),
        ("action", fact.map_or("Custom", |f| f.action)),
        ("outcome", &e.outcome.name().to_lowercase()),
        ("outcome_reason", &e.outcome_reason),
        ("actor_type", e.actor.actor_type.name()),
        ("actor_user_id", &e.actor.user_id),
        ("actor_national_id", national_id(event)),
        ("source_host", &e.source.host),
        ("source_user_agent", &e.source.user_agent),
        ("principal_type", parties.principal.map_or("", |t| t.target_type.name())),
        ("principal_id", id(parties.principal)),
        ("principal_name", name(parties.principal)),
        ("target_tenant_id", parties.tenant),
        ("group_id", id(parties.group)),
        ("group_name", name(parties.group)),
        ("resource_type", parties.resource.map_or("", |t| t.target_type.name())),
        ("resource_id", parties.resource_id()),
        ("resource_name", name(parties.resource)),
        ("task_id", id(parties.task)),
        ("description", &e.description),
        ("trace", &e.trace),
        ("recorded_by", &e.recorded_by),
        ("truncated_fields", &e.truncated_fields.join(" ")),
    ];
    for (column, text) in texts {
        assert_eq!(of(column), cell(text, guard), "{column}");
    }
    let json = |column: &str| -> Json {
        if of(column).is_empty() { Json::Null } else { serde_json::from_str(of(column)).expect(column) }
    };
    assert_eq!(json("targets").as_array().map_or(0, Vec::len), e.targets.len());
    for (i, target) in e.targets.iter().enumerate() {
        assert_eq!(json("targets")[i]["name"].as_str().unwrap_or_default(), target.name);
        assert_eq!(json("targets")[i]["role"], target.role.name());
    }
    assert_eq!(json("details").as_object().map_or(0, |o| o.len()), e.details.len());
    for (key, value) in &e.labels {
        assert_eq!(json("labels")[key].as_str().unwrap_or_default(), value);
    }
    for (i, change) in e.changes.iter().enumerate() {
        assert_eq!(json("changes")[i]["new_value"].as_str().unwrap_or_default(), change.new_value);
    }
}

#[test]
fn csv_reads_back_field_by_field() {
    for event in sample() {
        for columns in [CsvColumns::Xflow, CsvColumns::Flexicapture, CsvColumns::All] {
            for guard in [false, true] {
                check(&columns, &line(&csv(columns.clone(), false, guard), &event), &event, guard);
            }
        }
    }
}

#[test]
fn csv_has_the_chosen_columns_in_their_order() {
    let event = &sample()[0];
    let chosen = CsvColumns::Chosen(vec![CsvColumn::ActorName, CsvColumn::Sequence]);
    assert_eq!(line(&csv(chosen.clone(), false, true), event), "Åse Ørsted,1");
    let mut header = Vec::new();
    vidne::export::format::Renderer::new(&csv(chosen, true, true)).begin(&mut header);
    assert_eq!(header, b"actor_name,sequence\n");
    // One empty column is a record all the same.
    let chosen = CsvColumns::Chosen(vec![CsvColumn::ActorName]);
    assert_eq!(line(&csv(chosen, false, true), &sample()[1]), "\"\"");
}

#[test]
fn the_presets_have_the_products_names() {
    let header = |columns| {
        let mut out = Vec::new();
        vidne::export::format::Renderer::new(&csv(columns, true, true)).begin(&mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        header(CsvColumns::Xflow),
        "timestamp,severity,user_id,name,national_id,email,initials,organization_id,ip_address,action_description\n"
    );
    assert_eq!(
        header(CsvColumns::Flexicapture),
        "SecurityEventTypeId,Date,Writer,WriterTenantId,Principal,TenantId,Details,RemoteHost\n"
    );
}
