//! ECS, checked against the fields and categories that it has.

use serde_json::Value as Json;
use vidne::domain::event::{RecordedEvent, TargetType};

use super::{
    ecs,
    expected::{Parties, fact, id, name, national_id},
    line, sample,
};

/// Of ECS 9.4's fields those that may be used; everything below `vidne` is ours.
const FIELDS: [&str; 40] = [
    "@timestamp",
    "ecs.version",
    "event.action",
    "event.category",
    "event.code",
    "event.created",
    "event.dataset",
    "event.id",
    "event.kind",
    "event.module",
    "event.outcome",
    "event.provider",
    "event.reason",
    "event.sequence",
    "event.severity",
    "event.type",
    "group.id",
    "group.name",
    "labels.tenant_id",
    "log.level",
    "log.syslog.severity.code",
    "message",
    "observer.product",
    "observer.vendor",
    "observer.version",
    "organization.id",
    "related.ip",
    "related.user",
    "source.address",
    "source.domain",
    "source.ip",
    "span.id",
    "tags",
    "trace.id",
    "user.email",
    "user.id",
    "user.name",
    "user.target.id",
    "user.target.name",
    "user_agent.original",
];
const MEMBERSHIP: [&str; 2] = ["user.target.group.id", "user.target.group.name"];

/// Which types ECS expects of a category.
fn expected_types(category: &str) -> &'static [&'static str] {
    match category {
        "iam" => &["admin", "change", "creation", "deletion", "group", "info", "user"],
        "configuration" => &["access", "change", "creation", "deletion", "info"],
        "database" => &["access", "change", "info", "error"],
        other => panic!("category {other}"),
    }
}

fn fields(json: &Json, path: &str, found: &mut Vec<String>) {
    match json {
        Json::Object(members) => {
            assert!(!members.is_empty(), "{path} is empty");
            for (key, value) in members {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                if path != "vidne" {
                    fields(value, &path, found);
                }
            }
        }
        _ => found.push(path.to_owned()),
    }
}

fn texts(json: &Json) -> Vec<&str> {
    json.as_array().map_or(Vec::new(), |list| list.iter().map(|text| text.as_str().unwrap()).collect())
}

pub fn check(line: &str, event: &RecordedEvent, crud: bool) {
    let json: Json = serde_json::from_str(line).unwrap();
    let (e, parties) = (&event.event, Parties::of(event));
    let mut found = Vec::new();
    fields(&json, "", &mut found);
    for field in &found {
        let field = field.as_str();
        assert!(FIELDS.contains(&field) || MEMBERSHIP.contains(&field), "{field} is no field of ECS");
    }
    let (categories, types) = (texts(&json["event"]["category"]), texts(&json["event"]["type"]));
    match fact(event) {
        Some(fact) => {
            assert_eq!(categories, [fact.ecs_category]);
            let is = |kind| parties.principal.is_some_and(|t| t.target_type == kind);
            let by_kind = matches!(fact.code, Some(4 | 5)) && !is(TargetType::User);
            let expected = match fact.ecs_types {
                _ if crud && !fact.ecs_crud.is_empty() => fact.ecs_crud,
                _ if by_kind && is(TargetType::Group) => "group,change",
                _ if by_kind => "admin,change",
                types => types,
            };
            assert_eq!(types.join(","), expected);
            let fits = |kind: &&str| expected_types(categories[0]).contains(kind);
            assert!(types.iter().all(fits) || (crud && !fact.ecs_crud.is_empty()), "{types:?}");
            assert_eq!(json["event"]["action"], fact.ecs_action);
        }
        None => {
            assert!(categories.is_empty() && types.is_empty());
            assert_eq!(json["event"]["action"], e.custom_type);
        }
    }
    let occurred = e.occurred.to_string();
    assert_eq!(json["@timestamp"], format!("{}Z", &occurred[..23]));
    assert_eq!(json["ecs"]["version"], "9.4.0");
    assert_eq!(json["event"]["kind"], "event");
    assert_eq!(json["event"]["sequence"], event.sequence);
    assert!(["success", "failure", "unknown"].contains(&json["event"]["outcome"].as_str().unwrap()));
    let text = |path: &str| json.pointer(path).map_or("", |text| text.as_str().expect(path)).to_owned();
    let principal = parties.principal.filter(|t| t.target_type != TargetType::Group);
    let group = parties.principal.filter(|t| t.target_type == TargetType::Group);
    for (path, expected) in [
        ("/event/id", e.id.to_string().as_str()),
        ("/event/code", e.type_name()),
        ("/event/reason", &e.outcome_reason),
        ("/message", &e.description),
        ("/user/id", &e.actor.user_id),
        ("/user/name", &e.actor.name),
        ("/user/email", &e.actor.email),
        ("/user/target/id", id(principal)),
        ("/user/target/name", name(principal)),
        ("/user/target/group/id", id(parties.group)),
        ("/group/id", id(group)),
        ("/organization/id", &e.actor.organization_id),
        ("/user_agent/original", &e.source.user_agent),
        ("/vidne/actor/initials", &e.actor.initials),
        ("/vidne/actor/national_id", national_id(event)),
        ("/vidne/actor/tenant/id", &e.actor.tenant_id),
        ("/vidne/target/tenant/id", parties.tenant),
        ("/vidne/resource/id", parties.resource_id()),
        ("/vidne/resource/name", name(parties.resource)),
        ("/vidne/task/id", id(parties.task)),
    ] {
        assert_eq!(text(path), expected, "{path}");
    }
    let ip: Option<std::net::IpAddr> = e.source.ip_address.trim().parse().ok();
    assert_eq!(text("/source/ip").parse().ok(), ip);
    if !e.source.ip_address.is_empty() {
        assert_eq!(text("/source/address"), e.source.ip_address);
    }
    assert_eq!(texts(&json["related"]["ip"]).len(), usize::from(ip.is_some()));
    let related = texts(&json["related"]["user"]);
    for seen in [e.actor.name.as_str(), &e.actor.user_id, id(principal)] {
        assert!(seen.is_empty() || related.iter().filter(|user| **user == seen).count() == 1, "{related:?}");
    }
    assert_eq!(json["vidne"]["targets"].as_array().map_or(0, Vec::len), e.targets.len());
    assert_eq!(texts(&json["vidne"]["truncated_fields"]), e.truncated_fields);
    assert_eq!(json["vidne"]["type_code"].as_u64(), e.event_type.info().code.map(u64::from));
}

#[test]
fn ecs_reads_back_field_by_field_and_has_only_fields_and_categories_of_ecs() {
    for event in sample() {
        for crud in [false, true] {
            check(&line(&ecs(crud), &event), &event, crud);
        }
    }
}
