//! To the contract.

use crate::{
    codec::{proto::v1, wire::timestamp},
    domain::{
        catalogue::Category,
        event::{Severity, TargetType},
        filter::EventFilter,
    },
};

/// Writes a filter. E-mails and text are in their folded form.
pub fn filter_to_proto(filter: &EventFilter) -> v1::EventFilter {
    let EventFilter {
        types,
        custom_types,
        categories,
        actor_user_ids,
        actor_emails,
        actor_tenant_ids,
        organization_ids,
        actor_national_id,
        subject_national_id,
        target_type,
        target_ids,
        target_tenant_ids,
        source_networks,
        outcomes,
        minimum_severity,
        occurred_from,
        occurred_before,
        recorded_from,
        recorded_before,
        sequence_from,
        sequence_before,
        labels,
        text,
        event_ids,
    } = filter;
    v1::EventFilter {
        types: types.iter().map(|t| t.info().number).collect(),
        custom_types: custom_types.clone(),
        categories: categories.iter().map(|c| category_to_proto(*c).into()).collect(),
        actor_user_ids: actor_user_ids.clone(),
        actor_emails: actor_emails.clone(),
        actor_tenant_ids: actor_tenant_ids.clone(),
        organization_ids: organization_ids.clone(),
        actor_national_id: actor_national_id.clone(),
        subject_national_id: subject_national_id.clone(),
        target_type: target_type.map_or(0, TargetType::number),
        target_ids: target_ids.clone(),
        target_tenant_ids: target_tenant_ids.clone(),
        source_ips: source_networks.iter().map(network_text).collect(),
        outcomes: outcomes.iter().map(|o| o.number()).collect(),
        minimum_severity: minimum_severity.map_or(0, Severity::number),
        occurred_from: occurred_from.map(timestamp),
        occurred_before: occurred_before.map(timestamp),
        recorded_from: recorded_from.map(timestamp),
        recorded_before: recorded_before.map(timestamp),
        sequence_from: *sequence_from,
        sequence_before: *sequence_before,
        labels: labels.clone(),
        text: text.clone(),
        event_ids: event_ids.iter().map(ToString::to_string).collect(),
    }
}

/// The category's value in the contract.
pub fn category_to_proto(category: Category) -> v1::EventCategory {
    match category {
        Category::DataAccess => v1::EventCategory::DataAccess,
        Category::SecurityAdministration => v1::EventCategory::SecurityAdministration,
        Category::Custom => v1::EventCategory::Custom,
        Category::Service => v1::EventCategory::Service,
    }
}

fn network_text(network: &ipnet::IpNet) -> String {
    let single = network.prefix_len() == network.max_prefix_len();
    if single { network.addr().to_string() } else { network.to_string() }
}
