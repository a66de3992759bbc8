//! What of the contract is not an event, as JSON: snake_case names, RFC 3339 times, enumerations without their
//! prefix, no empty fields.

use serde_json::{Value as Json, json};

use crate::{
    codec::proto::v1::{
        CountEventsResponse, EventFilter, ScanExtent, Subscription, SummarizeEventsResponse, SummaryGroup,
        SummaryGroups, SummaryTime, Tenant, TimeBucket,
    },
    domain::{catalogue::EventType, time::Timestamp},
};

/// RFC 3339, or empty.
pub fn time(time: Option<&prost_types::Timestamp>) -> String {
    let time = time.and_then(|time| Timestamp::from_parts(time.seconds, time.nanos));
    time.map(|time| time.to_string()).unwrap_or_default()
}

/// A tenant.
pub fn tenant(tenant: &Tenant) -> Json {
    let settings = tenant.settings.unwrap_or_default();
    without_empty(json!({
        "tenant_id": tenant.tenant_id,
        "display_name": tenant.display_name,
        "state": word(tenant.state().as_str_name(), "TENANT_STATE_"),
        "settings": {
            "security_events_enabled": settings.security_events_enabled,
            "data_access_events_enabled": settings.data_access_events_enabled,
            "custom_events_enabled": settings.custom_events_enabled,
        },
        "revision": tenant.revision,
        "created_time": time(tenant.created_time.as_ref()),
        "updated_time": time(tenant.updated_time.as_ref()),
        "head_sequence": tenant.head_sequence,
    }))
}

/// How many events match.
pub fn count(answer: &CountEventsResponse) -> Json {
    json!({ "count": answer.count, "extent": extent(answer.extent) })
}

/// Counts by time, type, actor and outcome. Nothing is left out, zero least of all.
pub fn summary(answer: &SummarizeEventsResponse, of: SummaryTime) -> Json {
    let bucket = |bucket: &TimeBucket| json!({ "start_time": time(bucket.start_time.as_ref()), "count": bucket.count });
    json!({
        "count": answer.count,
        "extent": extent(answer.extent),
        "time": word(of.as_str_name(), "SUMMARY_TIME_"),
        "bucket_seconds": answer.bucket_width.map_or(0, |width| width.seconds),
        "buckets": answer.buckets.iter().map(bucket).collect::<Vec<_>>(),
        "types": groups(answer.types.as_ref()),
        "actors": groups(answer.actors.as_ref()),
        "outcomes": groups(answer.outcomes.as_ref()),
    })
}

fn extent(extent: Option<ScanExtent>) -> Json {
    let ScanExtent { head_sequence, scanned_sequence, complete } = extent.unwrap_or_default();
    json!({ "head_sequence": head_sequence, "scanned_sequence": scanned_sequence, "complete": complete })
}

fn groups(groups: Option<&SummaryGroups>) -> Json {
    let group = |group: &SummaryGroup| json!({ "value": group.value, "count": group.count });
    let all = groups.map(|groups| groups.groups.iter().map(group).collect::<Vec<_>>());
    json!({ "groups": all.unwrap_or_default(), "other_count": groups.map_or(0, |groups| groups.other_count) })
}

/// A subscription.
pub fn subscription(subscription: &Subscription) -> Json {
    let lag = subscription.lag.as_ref().map(|lag| lag.seconds as f64 + f64::from(lag.nanos) / 1e9);
    without_empty(json!({
        "tenant_id": subscription.tenant_id,
        "name": subscription.name,
        "filter": subscription.filter.as_ref().map(filter),
        "show_personal": subscription.show_personal,
        "created_time": time(subscription.created_time.as_ref()),
        "acknowledged_sequence": subscription.acknowledged_sequence,
        "acknowledged_time": time(subscription.acknowledged_time.as_ref()),
        "head_sequence": subscription.head_sequence,
        "lag_seconds": lag,
        "consumer": subscription.consumer,
        "lease_expire_time": time(subscription.lease_expire_time.as_ref()),
    }))
}

/// A filter; empty if it asks nothing.
pub fn filter(filter: &EventFilter) -> Json {
    let types = filter.types.iter().filter_map(|&number| EventType::from_number(number));
    let severity = filter.minimum_severity;
    without_empty(json!({
        "types": types.map(|t| t.info().name).collect::<Vec<_>>(),
        "custom_types": filter.custom_types,
        "categories": filter.categories().map(|c| word(c.as_str_name(), "EVENT_CATEGORY_")).collect::<Vec<_>>(),
        "actor_user_ids": filter.actor_user_ids,
        "actor_emails": filter.actor_emails,
        "actor_tenant_ids": filter.actor_tenant_ids,
        "organization_ids": filter.organization_ids,
        "actor_national_id": filter.actor_national_id,
        "subject_national_id": filter.subject_national_id,
        "target_type": if filter.target_type == 0 { "" } else { word(filter.target_type().as_str_name(), "TARGET_TYPE_") },
        "target_ids": filter.target_ids,
        "target_tenant_ids": filter.target_tenant_ids,
        "source_ips": filter.source_ips,
        "outcomes": filter.outcomes().map(|o| word(o.as_str_name(), "OUTCOME_")).collect::<Vec<_>>(),
        "minimum_severity": if severity == 0 { "" } else { word(filter.minimum_severity().as_str_name(), "SEVERITY_") },
        "occurred_from": time(filter.occurred_from.as_ref()),
        "occurred_before": time(filter.occurred_before.as_ref()),
        "recorded_from": time(filter.recorded_from.as_ref()),
        "recorded_before": time(filter.recorded_before.as_ref()),
        "sequence_from": if filter.sequence_from == 0 { Json::Null } else { filter.sequence_from.into() },
        "sequence_before": if filter.sequence_before == 0 { Json::Null } else { filter.sequence_before.into() },
        "labels": filter.labels,
        "text": filter.text,
        "event_ids": filter.event_ids,
    }))
}

/// The name of an enum value without the prefix that protobuf needs.
pub fn word(name: &'static str, prefix: &str) -> &'static str {
    name.strip_prefix(prefix).unwrap_or(name)
}

/// Members that hold nothing are left out, at every depth.
pub fn without_empty(value: Json) -> Json {
    match value {
        Json::Object(members) => {
            let kept = members.into_iter().map(|(name, value)| (name, without_empty(value)));
            Json::Object(kept.filter(|(_, value)| !is_empty(value)).collect())
        }
        other => other,
    }
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(values) => values.is_empty(),
        Json::Object(members) => members.is_empty(),
        Json::Bool(_) | Json::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::proto::v1::{TenantSettings, TenantState};

    #[test]
    fn a_tenant_shows_its_switches_and_leaves_out_what_is_empty() {
        let settings = TenantSettings { security_events_enabled: Some(false), ..TenantSettings::default() };
        let tenant = self::tenant(&Tenant {
            tenant_id: "a".into(),
            state: TenantState::Active.into(),
            settings: Some(settings),
            revision: 1,
            ..Tenant::default()
        });
        let expected = json!({
            "tenant_id": "a", "state": "ACTIVE", "settings": { "security_events_enabled": false },
            "revision": 1, "head_sequence": 0,
        });
        assert_eq!(tenant, expected);
    }
}
