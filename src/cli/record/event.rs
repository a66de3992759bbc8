//! One event from flags.

use std::path::PathBuf;

use clap::Args;

use crate::{
    codec::detail,
    domain::{
        catalogue::EventType,
        event::{Change, Detail, Outcome, Personal, Severity, Source},
        input::{ActorInput, EventInput, TargetInput},
        time::Timestamp,
    },
};

use super::{super::input, target};

/// One event.
#[derive(Debug, Args)]
#[group(id = "one_event", multiple = true)]
#[command(next_help_heading = "One event")]
pub struct EventArgs {
    /// What happened: record_read, UserCreated, 0, custom, ...; `vidne types` lists all.
    #[arg(long = "type", value_name = "TYPE", value_parser = input::event_type)]
    event_type: Option<EventType>,
    /// With --type custom: a dotted lower-case name, such as invoice.approved.
    #[arg(long, value_name = "NAME")]
    custom_type: Option<String>,
    /// Who did it: the product's own id of the user.
    #[arg(long, value_name = "ID")]
    actor_id: Option<String>,
    /// The actor's name.
    #[arg(long, value_name = "NAME")]
    actor_name: Option<String>,
    /// The actor's e-mail address.
    #[arg(long, value_name = "ADDRESS")]
    actor_email: Option<String>,
    /// The actor's initials.
    #[arg(long, value_name = "INITIALS")]
    actor_initials: Option<String>,
    /// The organisation the actor belongs to.
    #[arg(long, value_name = "ID")]
    actor_organization: Option<String>,
    /// The tenant the actor belongs to, in the product.
    #[arg(long, value_name = "ID")]
    actor_tenant: Option<String>,
    /// The actor's national id. Other users of this machine can see it here: better from a variable or a file.
    #[arg(long, value_name = "ID")]
    actor_national_id: Option<String>,
    /// An environment variable that holds the actor's national id.
    #[arg(long, value_name = "NAME", conflicts_with = "actor_national_id")]
    actor_national_id_env: Option<String>,
    /// A file that holds the actor's national id.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["actor_national_id", "actor_national_id_env"])]
    actor_national_id_file: Option<PathBuf>,
    /// A file that holds national ids of those whose data it was about, one per line.
    #[arg(long, value_name = "PATH")]
    subject_national_ids_file: Option<PathBuf>,
    /// The IP address it came from.
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    /// The host it came from.
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// The program it came from.
    #[arg(long, value_name = "TEXT")]
    user_agent: Option<String>,
    /// To what or whom: [ROLE=]TYPE:ID[:NAME][;tenant=ID], such as form:BL-88, principal=user:jh:Jens or
    /// group=group:clerks. Roles: object (default), principal, group, subject. Repeatable.
    #[arg(long = "target", value_name = "TARGET", value_parser = target::parse)]
    targets: Vec<TargetInput>,
    /// What was done, in words.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// A short value by name. Repeatable.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = input::pair)]
    labels: Vec<(String, String)>,
    /// Anything else, as text. Repeatable.
    #[arg(long = "detail", value_name = "NAME=TEXT", value_parser = input::pair)]
    details: Vec<(String, String)>,
    /// Anything else, as JSON. Repeatable.
    #[arg(long = "detail:json", value_name = "NAME=JSON", value_parser = json_pair)]
    json_details: Vec<(String, Detail)>,
    /// A field that changed. Repeatable.
    #[arg(long = "change", value_name = "FIELD:OLD=>NEW", value_parser = change)]
    changes: Vec<Change>,
    /// How it ended: success (default), failure or unknown.
    #[arg(long, value_name = "OUTCOME", value_parser = input::outcome)]
    outcome: Option<Outcome>,
    /// Why it ended so.
    #[arg(long, value_name = "TEXT")]
    outcome_reason: Option<String>,
    /// How serious: debug, information (default), notice, warning, error, critical, alert, emergency.
    #[arg(long, value_name = "SEVERITY", value_parser = input::severity)]
    severity: Option<Severity>,
    /// When it happened: 2026-11-22T09:30:00Z, or how long ago (15m, 2h). Default: now.
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    occurred: Option<Timestamp>,
    /// A UUID, to be able to send the same event again.
    #[arg(long, value_name = "UUID")]
    event_id: Option<String>,
    /// W3C traceparent of the action.
    #[arg(long, value_name = "TRACEPARENT")]
    trace: Option<String>,
}

impl EventArgs {
    /// The event; in words what does not go together.
    pub fn input(self) -> Result<EventInput, String> {
        let personal = self.personal()?;
        let event_type = match (self.event_type, &self.custom_type) {
            (Some(event_type), _) => event_type,
            (None, Some(_)) => EventType::CUSTOM,
            (None, None) => return Err("--type is required (or --file, for many events)".to_owned()),
        };
        let text = Option::unwrap_or_default;
        let texts = self.details.into_iter().map(|(name, value)| (name, Detail::Text(value)));
        Ok(EventInput {
            event_id: text(self.event_id),
            tenant_id: String::new(),
            event_type: event_type.info().number,
            custom_type: text(self.custom_type),
            severity: self.severity.map_or(0, Severity::number),
            occurred: self.occurred.map(|time| (time.seconds(), time.subsec_nanos())),
            outcome: self.outcome.map_or(0, Outcome::number),
            outcome_reason: text(self.outcome_reason),
            actor: ActorInput {
                actor_type: 0,
                user_id: text(self.actor_id),
                name: text(self.actor_name),
                email: text(self.actor_email),
                initials: text(self.actor_initials),
                organization_id: text(self.actor_organization),
                tenant_id: text(self.actor_tenant),
            },
            source: Source {
                ip_address: text(self.ip),
                host: text(self.host),
                user_agent: text(self.user_agent),
            },
            targets: self.targets,
            description: text(self.description),
            details: texts.chain(self.json_details).collect(),
            labels: self.labels.into_iter().collect(),
            changes: self.changes,
            trace: text(self.trace),
            personal,
        })
    }

    fn personal(&self) -> Result<Personal, String> {
        let actor_national_id = if let Some(path) = &self.actor_national_id_file {
            input::secret_file(path)?.expose().trim().to_owned()
        } else if let Some(name) = &self.actor_national_id_env {
            input::secret_env(name)?.expose().trim().to_owned()
        } else {
            self.actor_national_id.clone().unwrap_or_default()
        };
        let subjects =
            self.subject_national_ids_file.as_ref().map(|path| input::secret_file(path)).transpose()?;
        let lines = subjects.as_ref().map_or("", |subjects| subjects.expose()).lines();
        let subject_national_ids =
            lines.map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
        Ok(Personal { actor_national_id, subject_national_ids })
    }
}

fn json_pair(text: &str) -> Result<(String, Detail), String> {
    let (name, value) = input::pair(text)?;
    let value = serde_json::from_str(&value).map_err(|error| format!("the value is not JSON: {error}"))?;
    Ok((name, detail::from_json(value)))
}

/// A field's name has no colon; its values may.
fn change(text: &str) -> Result<Change, String> {
    let parts = text.split_once(':').and_then(|(field, values)| Some((field, values.split_once("=>")?)));
    match parts {
        Some((field, (old, new))) if !field.is_empty() => {
            Ok(Change { field: field.to_owned(), old_value: old.to_owned(), new_value: new.to_owned() })
        }
        _ => Err("expected FIELD:OLD=>NEW; either value may be empty".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        event: EventArgs,
    }

    fn parse(arguments: &[&str]) -> Result<EventInput, String> {
        Only::try_parse_from(std::iter::once(&"x").chain(arguments)).map_err(|e| e.to_string())?.event.input()
    }

    #[test]
    fn only_the_type_is_required() {
        assert_eq!(
            parse(&["--type", "read"]).unwrap(),
            EventInput { event_type: 2, ..EventInput::default() }
        );
        assert!(parse(&["--actor-id", "1"]).unwrap_err().contains("--type"));
    }

    #[test]
    fn a_custom_type_needs_no_type() {
        let event = parse(&["--custom-type", "invoice.approved"]).unwrap();
        assert_eq!((event.event_type, event.custom_type.as_str()), (1000, "invoice.approved"));
    }

    #[test]
    fn details_are_text_unless_they_are_said_to_be_json() {
        let event = parse(&["--type=read", "--detail=id=0012", "--detail:json=n=12", "--label=a=b"]).unwrap();
        assert_eq!(event.details["id"], Detail::Text("0012".into()));
        assert_eq!(event.details["n"], Detail::Number(12.0));
        assert_eq!(event.labels["a"], "b");
        assert!(parse(&["--type=read", "--detail:json=n=nope"]).unwrap_err().contains("not JSON"));
    }

    #[test]
    fn changes_have_two_values_that_may_be_empty() {
        let event = parse(&["--type=read", "--change=role:=>clerk", "--change=unit:a=>b:c"]).unwrap();
        assert_eq!(event.changes[0].field, "role");
        assert_eq!((event.changes[0].old_value.as_str(), event.changes[0].new_value.as_str()), ("", "clerk"));
        assert_eq!(event.changes[1].new_value, "b:c");
    }

    #[test]
    fn national_ids_are_read_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let (actor, subjects) = (folder.path().join("actor"), folder.path().join("subjects"));
        std::fs::write(&actor, "010190-1234\n").unwrap();
        std::fs::write(&subjects, "020290-1234\n\n030390-1234\n").unwrap();
        let (actor, subjects) = (actor.to_str().unwrap(), subjects.to_str().unwrap());
        let flags =
            ["--type=read", "--actor-national-id-file", actor, "--subject-national-ids-file", subjects];
        let personal = parse(&flags).unwrap().personal;
        assert_eq!(personal.actor_national_id, "010190-1234");
        assert_eq!(personal.subject_national_ids, ["020290-1234", "030390-1234"]);
    }
}
