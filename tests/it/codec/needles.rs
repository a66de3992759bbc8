//! What bytes tell of a filter is never wrong.

use proptest::prelude::*;
use vidne::{
    codec::{needles::needles, wire::encode_content},
    domain::{
        catalogue::EventType,
        event::{Event, Outcome, RecordedEvent, Severity, Target, TargetType},
        filter::EventFilter,
        validate::validate,
    },
};

use crate::support::events::{NOW, call, full, limits};

fn holds(payload: &[u8], needle: &[u8]) -> bool {
    payload.windows(needle.len()).any(|part| part == needle)
}

fn tells(filter: &EventFilter, event: &Event) -> bool {
    let payload = encode_content(event);
    needles(filter).iter().all(|field| field.iter().any(|needle| holds(&payload, needle)))
}

fn event() -> Event {
    validate(full(EventType::CUSTOM), "event", &limits(), &call()).unwrap()
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[ab]{0,2}", 0..3)
}

fn filters() -> impl Strategy<Value = EventFilter> {
    let enums = (
        prop::option::of(prop::sample::select(Severity::ALL.to_vec())),
        prop::collection::vec(prop::sample::select(Outcome::ALL.to_vec()), 0..2),
        prop::option::of(prop::sample::select(TargetType::ALL.to_vec())),
    );
    let labels = prop::collection::btree_map("[ab]{1,2}", "[ab]{0,2}", 0..2);
    (texts(), texts(), texts(), texts(), texts(), texts(), labels, enums, any::<bool>()).prop_map(
        |(custom_types, users, tenants, organizations, targets, target_tenants, labels, enums, typed)| {
            EventFilter {
                types: if typed { vec![EventType::TENANT_CREATED] } else { Vec::new() },
                custom_types,
                actor_user_ids: users,
                actor_tenant_ids: tenants,
                organization_ids: organizations,
                target_ids: targets,
                target_tenant_ids: target_tenants,
                labels,
                minimum_severity: enums.0,
                outcomes: enums.1,
                target_type: enums.2,
                ..EventFilter::default()
            }
        },
    )
}

/// An event that is as likely as not to be wanted: its values are taken from the filter.
fn wanted(filter: &EventFilter, pick: usize) -> Event {
    let one = |values: &[String]| values.get(pick % values.len().max(1)).cloned().unwrap_or_default();
    let mut event = event();
    if !filter.types.is_empty() && (pick.is_multiple_of(2) || filter.custom_types.is_empty()) {
        event.event_type = filter.types[0];
    }
    event.custom_type = one(&filter.custom_types);
    event.actor.user_id = one(&filter.actor_user_ids);
    event.actor.tenant_id = one(&filter.actor_tenant_ids);
    event.actor.organization_id = one(&filter.organization_ids);
    event.labels.extend(filter.labels.clone());
    event.severity = filter.minimum_severity.unwrap_or_default();
    event.outcome = filter.outcomes.first().copied().unwrap_or_default();
    event.targets.push(Target {
        target_type: filter.target_type.unwrap_or_default(),
        id: one(&filter.target_ids),
        tenant_id: one(&filter.target_tenant_ids),
        ..Target::default()
    });
    event
}

proptest! {
    #[test]
    fn a_payload_without_the_bytes_is_never_one_that_matches(
        filter in filters(), other in filters(), pick in 0..6_usize,
    ) {
        let event = wanted(&filter, pick);
        let recorded = RecordedEvent { sequence: 1, recorded: NOW, event };
        prop_assert!(filter.matches(&recorded), "made to match");
        for filter in [filter, other] {
            prop_assert!(!filter.matches(&recorded) || tells(&filter, &recorded.event), "{filter:?}");
        }
    }
}

#[test]
fn bytes_tell_most_events_apart() {
    let event = event();
    let asks = |set: &dyn Fn(&mut EventFilter)| {
        let mut filter = EventFilter::default();
        set(&mut filter);
        tells(&filter, &event)
    };
    let text = |value: &str| vec![value.to_owned()];
    assert!(asks(&|f| f.actor_user_ids = text("u-4711")));
    // Part of it, or in another field, is something else.
    assert!(!asks(&|f| f.actor_user_ids = text("u-471")));
    assert!(!asks(&|f| f.organization_ids = text("u-4711")));
    assert!(!asks(&|f| f.outcomes = vec![Outcome::Failure]));
    assert!(!asks(&|f| f.minimum_severity = Some(Severity::Critical)));
    assert!(!asks(&|f| f.labels = [("system".to_owned(), "other".to_owned())].into()));
}
