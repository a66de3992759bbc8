//! An event in a few words, for people.

use crate::domain::event::{Actor, ActorType, Event, Outcome, RecordedEvent, Target, TargetRole, TargetType};

use super::{
    super::output::{escape::escape, style::Style},
    column::{self, Writing},
};

/// The catalogue name, or the custom type.
pub fn event_type(event: &Event) -> String {
    let name = event.event_type.info().name;
    if event.custom_type.is_empty() { name.to_owned() } else { event.custom_type.clone() }
}

/// `Jens Hansen (4711)`.
pub fn actor(actor: &Actor) -> String {
    let name = [&actor.name, &actor.email, &actor.initials].into_iter().find(|text| !text.is_empty());
    match (name, actor.user_id.as_str()) {
        (Some(name), "") => name.clone(),
        (Some(name), id) if name == id => name.clone(),
        (Some(name), id) => format!("{name} ({id})"),
        (None, "") if actor.actor_type == ActorType::User => "-".to_owned(),
        (None, "") => actor.actor_type.name().to_lowercase(),
        (None, id) => id.to_owned(),
    }
}

/// `form BL-88, principal user jh`.
pub fn targets(targets: &[Target]) -> String {
    targets.iter().map(target).collect::<Vec<_>>().join(", ")
}

fn target(target: &Target) -> String {
    let kind = match target.target_type {
        TargetType::Other => String::new(),
        known => format!("{} ", known.name().to_lowercase().replace('_', " ")),
    };
    let what = match (target.id.as_str(), target.name.as_str()) {
        ("", "") => format!("of tenant {}", target.tenant_id),
        (id, "") | ("", id) => id.to_owned(),
        (id, name) => format!("{id} ({name})"),
    };
    match target.role {
        TargetRole::Object | TargetRole::Principal => format!("{kind}{what}"),
        TargetRole::Group => format!("in {kind}{what}"),
        TargetRole::Subject => format!("about {kind}{what}"),
    }
}

/// The description, led by how it ended where that is not well.
pub fn description(event: &Event) -> String {
    let reason = &event.outcome_reason;
    match event.outcome {
        Outcome::Success => event.description.clone(),
        outcome if reason.is_empty() => format!("[{}] {}", outcome.name(), event.description),
        outcome => format!("[{}: {reason}] {}", outcome.name(), event.description),
    }
}

/// One line, at most `width` characters, times in UTC.
pub fn line(recorded: &RecordedEvent, width: usize, style: Style) -> String {
    line_as(recorded, width, style, &Writing::default())
}

/// One line, at most `width` characters.
pub fn line_as(recorded: &RecordedEvent, width: usize, style: Style, writing: &Writing) -> String {
    let event = &recorded.event;
    let fixed = format!("{:>6}  {}  ", recorded.sequence, writing.zone.short(event.occurred));
    let kind = format!("{:<20} ", event_type(event));
    let who = format!("{}  ", column::actor(recorded, writing));
    let rest = [targets(&event.targets), description(event)].join("  ");
    let (kind, who, rest) = (escape(&kind), escape(&who), escape(rest.trim()));
    let room = width.saturating_sub(fixed.len() + console::measure_text_width(&kind));
    let text = format!("{who}{rest}");
    let text = console::truncate_str(&text, room, "…");
    let shown = if event.outcome == Outcome::Failure { style.red(&kind) } else { style.cyan(&kind) };
    format!("{}{shown}{text}", style.dim(&fixed)).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        codec::{proto::v1, wire::recorded_from_proto},
        domain::event::Severity,
    };

    /// An event as a server would send it.
    fn sample() -> RecordedEvent {
        recorded_from_proto(v1::Event {
            event_id: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
            tenant_id: "default".into(),
            r#type: v1::EventType::RecordRead.into(),
            type_name: "Read".into(),
            severity: Severity::Information.number(),
            outcome: v1::Outcome::Success.into(),
            occurred_time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
            recorded_time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
            sequence: 7,
            actor: Some(v1::Actor {
                r#type: v1::ActorType::User.into(),
                user_id: "4711".into(),
                name: "Jens\u{1b}[2J".into(),
                ..Default::default()
            }),
            targets: vec![v1::Target {
                role: v1::TargetRole::Object.into(),
                r#type: v1::TargetType::Form.into(),
                id: "BL-88".into(),
                ..Default::default()
            }],
            description: "læst\nto linjer".into(),
            ..Default::default()
        })
        .unwrap()
    }

    #[test]
    fn a_line_says_who_did_what_and_cannot_steer_the_terminal() {
        let line = line(&sample(), 200, Style::plain());
        let expected = "     7  2023-11-14 22:13:20Z  RECORD_READ          Jens\\u{1b}[2J (4711)  \
                        form BL-88  læst\\nto linjer";
        assert_eq!(line, expected);
    }

    #[test]
    fn a_line_is_cut_at_the_width_of_the_terminal() {
        let line = line(&sample(), 60, Style::plain());
        assert!(console::measure_text_width(&line) <= 60 && line.ends_with('…'), "{line}");
    }

    #[test]
    fn failures_are_seen_at_once() {
        let mut event = sample().event;
        event.outcome = Outcome::Failure;
        event.outcome_reason = "no permission".into();
        assert!(description(&event).starts_with("[FAILURE: no permission] "));
    }
}
