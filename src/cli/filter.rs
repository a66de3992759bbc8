//! Which events: flags for every field of `EventFilter`.

use clap::Args;

use crate::{
    codec::proto::v1::{EventCategory, EventFilter},
    domain::{
        catalogue::EventType,
        event::{Outcome, Severity, TargetType},
        time::Timestamp,
    },
};

use super::input::{self, wire_time};

/// Which events. Flags of different names must all hold; of one flag given several times, any.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Which events (different flags must all hold; one flag given twice: either)")]
pub struct FilterArgs {
    /// Type, such as record_read, UserCreated or 0; `vidne types` lists them.
    #[arg(long = "type", value_name = "TYPE", value_parser = input::event_type)]
    types: Vec<EventType>,
    /// Custom type, such as invoice.approved. One group with --type.
    #[arg(long = "custom-type", value_name = "NAME")]
    custom_types: Vec<String>,
    /// Category: data_access, security_administration, custom or service.
    #[arg(long = "category", value_name = "CATEGORY", value_parser = input::category)]
    categories: Vec<EventCategory>,
    /// The actor's user id.
    #[arg(long = "actor-id", value_name = "ID")]
    actor_user_ids: Vec<String>,
    /// The actor's e-mail address, in any case.
    #[arg(long = "actor-email", value_name = "ADDRESS")]
    actor_emails: Vec<String>,
    /// The actor's tenant.
    #[arg(long = "actor-tenant", value_name = "ID")]
    actor_tenant_ids: Vec<String>,
    /// The actor's organisation.
    #[arg(long = "actor-organization", value_name = "ID")]
    organization_ids: Vec<String>,
    /// The actor's national id, or @FILE that holds it: other users of this machine can see the command line.
    #[arg(long, value_name = "ID|@FILE", value_parser = input::national_id)]
    actor_national_id: Option<String>,
    /// The national id of a person whose data it was about, or @FILE that holds it.
    #[arg(long, value_name = "ID|@FILE", value_parser = input::national_id)]
    subject_national_id: Option<String>,
    /// What a target is, such as form or user. The three --target flags mean one and the same target.
    #[arg(long, value_name = "TYPE", value_parser = input::target_type)]
    target_type: Option<TargetType>,
    /// A target's id.
    #[arg(long = "target-id", value_name = "ID")]
    target_ids: Vec<String>,
    /// A target's tenant.
    #[arg(long = "target-tenant", value_name = "ID")]
    target_tenant_ids: Vec<String>,
    /// Address or network it came from, such as 192.0.2.7 or 2001:db8::/32.
    #[arg(long = "ip", value_name = "ADDRESS")]
    source_ips: Vec<String>,
    /// How it ended: success, failure or unknown.
    #[arg(long = "outcome", value_name = "OUTCOME", value_parser = input::outcome)]
    outcomes: Vec<Outcome>,
    /// This severity or a more serious one: debug, information, notice, warning, error, critical, alert, emergency.
    #[arg(long, value_name = "SEVERITY", value_parser = input::severity)]
    minimum_severity: Option<Severity>,
    /// It happened at or after this: 2026-11-22T09:30:00Z, 2026-11-22, or how long ago (15m, 2h, 7d).
    #[arg(long = "since", visible_alias = "occurred-from", value_name = "TIME", value_parser = input::time)]
    occurred_from: Option<Timestamp>,
    /// It happened before this.
    #[arg(long = "until", visible_alias = "occurred-before", value_name = "TIME", value_parser = input::time)]
    occurred_before: Option<Timestamp>,
    /// It was recorded at or after this.
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    recorded_from: Option<Timestamp>,
    /// It was recorded before this.
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    recorded_before: Option<Timestamp>,
    /// Its sequence number is this or higher.
    #[arg(long, value_name = "NUMBER")]
    sequence_from: Option<u64>,
    /// Its sequence number is lower than this.
    #[arg(long, value_name = "NUMBER")]
    sequence_before: Option<u64>,
    /// A label with this value; given several times: all of them.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = input::pair)]
    labels: Vec<(String, String)>,
    /// Text within the description, in any case.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Event id.
    #[arg(long = "event-id", value_name = "UUID")]
    event_ids: Vec<String>,
}

impl FilterArgs {
    /// The filter on the wire; `None` if no flag was given.
    pub fn filter(&self) -> Option<EventFilter> {
        let filter = EventFilter {
            types: self.types.iter().map(|t| t.info().number).collect(),
            custom_types: self.custom_types.clone(),
            categories: self.categories.iter().map(|&c| c.into()).collect(),
            actor_user_ids: self.actor_user_ids.clone(),
            actor_emails: self.actor_emails.clone(),
            actor_tenant_ids: self.actor_tenant_ids.clone(),
            organization_ids: self.organization_ids.clone(),
            actor_national_id: self.actor_national_id.clone().unwrap_or_default(),
            subject_national_id: self.subject_national_id.clone().unwrap_or_default(),
            target_type: self.target_type.map_or(0, TargetType::number),
            target_ids: self.target_ids.clone(),
            target_tenant_ids: self.target_tenant_ids.clone(),
            source_ips: self.source_ips.clone(),
            outcomes: self.outcomes.iter().map(|o| o.number()).collect(),
            minimum_severity: self.minimum_severity.map_or(0, Severity::number),
            occurred_from: self.occurred_from.map(wire_time),
            occurred_before: self.occurred_before.map(wire_time),
            recorded_from: self.recorded_from.map(wire_time),
            recorded_before: self.recorded_before.map(wire_time),
            sequence_from: self.sequence_from.unwrap_or_default(),
            sequence_before: self.sequence_before.unwrap_or_default(),
            labels: self.labels.iter().cloned().collect(),
            text: self.text.clone().unwrap_or_default(),
            event_ids: self.event_ids.clone(),
        };
        (filter != EventFilter::default()).then_some(filter)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        filter: FilterArgs,
    }

    fn parse(arguments: &[&str]) -> Option<EventFilter> {
        Only::parse_from(std::iter::once(&"x").chain(arguments)).filter.filter()
    }

    #[test]
    fn no_flags_are_no_filter() {
        assert_eq!(parse(&[]), None);
    }

    #[test]
    fn every_field_has_a_flag() {
        let filter = parse(&[
            "--type=read",
            "--custom-type=a.b",
            "--category=security",
            "--actor-id=1",
            "--actor-email=a@b",
            "--actor-tenant=t",
            "--actor-organization=o",
            "--actor-national-id=n",
            "--subject-national-id=s",
            "--target-type=hot-folder",
            "--target-id=9",
            "--target-tenant=tt",
            "--ip=192.0.2.0/24",
            "--outcome=failure",
            "--minimum-severity=warning",
            "--since=2026-01-01",
            "--until=2026-01-02",
            "--recorded-from=2026-01-03",
            "--recorded-before=2026-01-04",
            "--sequence-from=5",
            "--sequence-before=7",
            "--label=a=b",
            "--text=x",
            "--event-id=e",
        ])
        .unwrap();
        let debug = format!("{filter:?}");
        for empty in ["None", "[]", "\"\"", ": 0,"] {
            assert!(
                !debug.replace("nanos: 0,", "").replace("nanos: 0 ", "").contains(empty),
                "{empty}: {debug}"
            );
        }
        assert_eq!(filter.types, [2]);
        assert_eq!(filter.target_type, TargetType::HotFolder.number());
    }
}
