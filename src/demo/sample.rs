//! A morning in a Danish municipality: case workers on XFlow forms, administrators in FlexiCapture.
//!
//! Everybody in it is made up, and so are the national ids: no month has 32 days.

use prost_types::{Struct, Value, value::Kind};

use crate::{
    codec::proto::v1::{
        Actor, Change, Event, EventType, Outcome, Personal, Source, Target, TargetRole, TargetType,
    },
    domain::time::Timestamp,
};

struct CaseWorker {
    id: &'static str,
    name: &'static str,
    email: &'static str,
    initials: &'static str,
    organization: &'static str,
    national_id: &'static str,
    ip: &'static str,
}

const METTE: CaseWorker = CaseWorker {
    id: "4711",
    name: "Mette Holm",
    email: "mette.holm@soeby.example",
    initials: "MEHO",
    organization: "101-BORGERSERVICE",
    national_id: "320185-0001",
    ip: "10.20.4.17",
};
const SOREN: CaseWorker = CaseWorker {
    id: "4733",
    name: "Søren Ærø",
    email: "soeren.aeroe@soeby.example",
    initials: "SOAE",
    organization: "101-BORGERSERVICE",
    national_id: "320179-0002",
    ip: "2001:db8:20:4::2a",
};
const AYSE: CaseWorker = CaseWorker {
    id: "5120",
    name: "Ayşe Kaya",
    email: "ayse.kaya@soeby.example",
    initials: "AYKA",
    organization: "240-FAMILIEHUSET",
    national_id: "320191-0003",
    ip: "10.20.9.3",
};

/// XFlow: Search, Read, Create, Edit and Delete on forms, with all ten fields.
pub fn case_work() -> Vec<Event> {
    use EventType::{RecordCreated, RecordDeleted, RecordEdited, RecordRead, RecordSearched};
    let mut denied = form(&AYSE, RecordRead, "88131", "BL-2051", "Underretning om et barn");
    denied.outcome = Outcome::Failure.into();
    denied.outcome_reason = "not assigned to the case".to_owned();
    let mut hostile = form(&SOREN, RecordEdited, "88124", "BL-2044", "Ansøgning om boligstøtte");
    hostile.description.push_str(": \u{1b}[2J\u{1b}[31m <- tries to clear your screen");
    let mut search = form(&METTE, RecordSearched, "88120", "", "");
    search.description = "har udført handlingen \"Search\" på blanketter: \"Jensen, Søby\"".to_owned();
    search.details = details(&[("query", "Jensen, Søby"), ("hits", "3")]);
    vec![
        search,
        form(&METTE, RecordRead, "88120", "BL-2043", "Ansøgning om førtidspension"),
        form(&METTE, RecordEdited, "88120", "BL-2043", "Ansøgning om førtidspension"),
        form(&SOREN, RecordCreated, "88124", "BL-2044", "Ansøgning om boligstøtte"),
        hostile,
        denied,
        form(&AYSE, RecordRead, "88140", "BL-2060", "Pladsanvisning"),
        form(&SOREN, RecordDeleted, "88102", "BL-1990", "Kladde"),
    ]
}

/// FlexiCapture: security administration, with all eight attributes.
pub fn administration() -> Vec<Event> {
    use EventType as E;
    let user = |role, id: &str, name: &str| target(role, TargetType::User, id, name, "7");
    let group = |id: &str, name: &str| target(TargetRole::Group, TargetType::Group, id, name, "7");
    let object = |kind, id: &str, name: &str| target(TargetRole::Object, kind, id, name, "7");
    let principal = TargetRole::Principal;
    let mut rights = admin(E::GroupModified, "Approvers may release batches");
    rights.targets = vec![target(principal, TargetType::Group, "g-12", "Approvers", "7")];
    rights.changes = vec![change("permissions", "verify", "verify, release")];
    let mut project = admin(E::ProjectChanged, "Recognition language changed");
    project.targets = vec![object(TargetType::Project, "p-3", "Fakturaer 2026")];
    project.changes = vec![change("language", "Danish", "Danish, English")];
    vec![
        with(
            admin(E::UserCreated, "Account for a new colleague"),
            vec![user(principal, "u-88", "ida.friis")],
        ),
        with(
            admin(E::AddToGroup, "ida.friis joins the verifiers"),
            vec![user(principal, "u-88", "ida.friis"), group("g-11", "Verifiers")],
        ),
        with(admin(E::PermissionAdded, "May open project p-3"), vec![user(principal, "u-88", "ida.friis")]),
        rights,
        with(admin(E::UserPasswordReset, "Forgotten password"), vec![user(principal, "u-41", "bo.lund")]),
        project,
        with(
            admin(E::BatchTypeCreated, "For the new scanner"),
            vec![object(TargetType::BatchType, "bt-9", "Post ind")],
        ),
        with(
            admin(E::TemplateChanged, "Field for the EAN number"),
            vec![object(TargetType::DocumentDefinition, "dd-31", "Faktura")],
        ),
        with(
            admin(E::ProjectHotFolderDiable, "Moved to the new server"),
            vec![object(TargetType::HotFolder, "hf-2", r"\\scan01\ind")],
        ),
        with(
            admin(E::RemoveFromGroup, "bo.lund leaves the verifiers"),
            vec![user(principal, "u-41", "bo.lund"), group("g-11", "Verifiers")],
        ),
    ]
}

/// Case work and administration as they would arrive: in turns, over the last hour.
pub fn morning(now: Timestamp) -> Vec<Event> {
    let (mut work, mut admin) = (case_work().into_iter(), administration().into_iter());
    let mut events: Vec<Event> = Vec::new();
    loop {
        let turn = [work.next(), admin.next()];
        if turn.iter().all(Option::is_none) {
            break;
        }
        events.extend(turn.into_iter().flatten());
    }
    let minutes_ago = |n: usize| now.plus_micros(-60_000_000 * 3 * n as i64);
    let count = events.len();
    for (i, event) in events.iter_mut().enumerate() {
        let time = minutes_ago(count - i);
        event.occurred_time =
            Some(prost_types::Timestamp { seconds: time.seconds(), nanos: time.subsec_nanos() });
    }
    events
}

fn form(who: &CaseWorker, kind: EventType, task: &str, form: &str, title: &str) -> Event {
    let verb = match kind {
        EventType::RecordSearched => "Search",
        EventType::RecordRead => "Read",
        EventType::RecordDeleted => "Delete",
        EventType::RecordEdited => "Edit",
        _ => "Create",
    };
    let mut targets = vec![target(TargetRole::Object, TargetType::Task, task, "", "")];
    if !form.is_empty() {
        targets.push(target(TargetRole::Object, TargetType::Form, form, title, ""));
    }
    Event {
        r#type: kind.into(),
        actor: Some(Actor {
            user_id: who.id.to_owned(),
            name: who.name.to_owned(),
            email: who.email.to_owned(),
            initials: who.initials.to_owned(),
            organization_id: who.organization.to_owned(),
            ..Actor::default()
        }),
        source: Some(Source { ip_address: who.ip.to_owned(), ..Source::default() }),
        targets,
        description: format!(
            "har udført handlingen \"{verb}\" på blanket med TaskId {task}, BlanketID {form}"
        ),
        labels: [("product".to_owned(), "xflow".to_owned())].into(),
        personal: Some(Personal { actor_national_id: who.national_id.to_owned(), ..Personal::default() }),
        ..Event::default()
    }
}

fn admin(kind: EventType, details: &str) -> Event {
    Event {
        r#type: kind.into(),
        actor: Some(Actor {
            user_id: "u-1".to_owned(),
            name: "claire.dubois".to_owned(),
            tenant_id: "1".to_owned(),
            ..Actor::default()
        }),
        source: Some(Source {
            ip_address: "192.0.2.44".to_owned(),
            host: "adm-ws-07".to_owned(),
            ..Source::default()
        }),
        description: details.to_owned(),
        labels: [("product".to_owned(), "flexicapture".to_owned())].into(),
        ..Event::default()
    }
}

fn with(event: Event, targets: Vec<Target>) -> Event {
    Event { targets, ..event }
}

fn target(role: TargetRole, kind: TargetType, id: &str, name: &str, tenant: &str) -> Target {
    Target {
        role: role.into(),
        r#type: kind.into(),
        id: id.to_owned(),
        name: name.to_owned(),
        tenant_id: tenant.to_owned(),
    }
}

fn change(field: &str, old: &str, new: &str) -> Change {
    Change { field: field.to_owned(), old_value: old.to_owned(), new_value: new.to_owned() }
}

fn details(fields: &[(&str, &str)]) -> Option<Struct> {
    let field = |&(name, value): &(&str, &str)| {
        (name.to_owned(), Value { kind: Some(Kind::StringValue(value.to_owned())) })
    };
    Some(Struct { fields: fields.iter().map(field).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        codec::wire_input::input_from_proto,
        domain::{
            limits::Limits,
            validate::{CallContext, validate},
        },
    };

    #[test]
    fn the_whole_sample_is_valid_and_nothing_of_it_is_cut() {
        let received = Timestamp::from_micros(1_800_000_000_000_000);
        let call = CallContext { received, recorded_by: "anonymous".to_owned(), trace: String::new() };
        for event in morning(received) {
            let event = validate(input_from_proto(event), "event", &Limits::default(), &call).unwrap();
            assert!(event.truncated_fields.is_empty() && event.occurred < received);
        }
    }

    #[test]
    fn every_case_work_event_has_the_ten_xflow_fields() {
        for event in morning(Timestamp::from_micros(1_800_000_000_000_000)).iter().filter(|e| e.r#type < 100)
        {
            let actor = event.actor.as_ref().unwrap();
            let texts = [&actor.user_id, &actor.name, &actor.email, &actor.initials, &actor.organization_id];
            assert!(texts.iter().all(|text| !text.is_empty()));
            assert!(!event.source.as_ref().unwrap().ip_address.is_empty());
            assert!(!event.personal.as_ref().unwrap().actor_national_id.is_empty());
            assert!(!event.description.is_empty() && event.occurred_time.is_some());
        }
    }

    #[test]
    fn every_administration_event_has_the_eight_flexicapture_attributes() {
        for event in morning(Timestamp::from_micros(1_800_000_000_000_000)).iter().filter(|e| e.r#type >= 100)
        {
            let actor = event.actor.as_ref().unwrap();
            assert!(!actor.user_id.is_empty() && !actor.tenant_id.is_empty());
            assert!(event.targets.iter().all(|target| !target.id.is_empty() && target.tenant_id == "7"));
            assert!(!event.targets.is_empty() && !event.description.is_empty());
            assert!(!event.source.as_ref().unwrap().ip_address.is_empty() && event.occurred_time.is_some());
        }
    }
}
