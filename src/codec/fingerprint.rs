//! Telling the same content from other content when an event id comes again.
//!
//! The fingerprint is HMAC-SHA256, under the installation's key, over a version byte and the deterministic
//! encoding of the event as the client sent it, normalised so that two honest spellings of one event agree:
//!
//! | field | rule of version 1 |
//! |---|---|
//! | `event_id`, `tenant_id` | left out: they are the key under which the fingerprint stands |
//! | output fields | left out |
//! | a trace from the call's metadata | left out; `trace` in the event itself counts |
//! | `severity`, `outcome`, `actor.type`, `targets.role`, `targets.type` | 0 becomes the default |
//! | `occurred_time` | cut to microseconds; absent stays absent, since the time of receipt differs by try |
//! | `actor` absent or empty | the same |
//! | `source`, `details`, `personal` absent or empty | the same |
//! | `source.ip_address` | an address in its one canonical spelling (RFC 5952; IPv4-mapped becomes IPv4) |
//! | `details` | members sorted, -0 becomes 0 |
//! | `labels` | sorted by key |
//! | every other text | byte by byte, before any cutting |
//!
//! The version stands in the row, so that the rule can change without making old retries fail.

use std::collections::BTreeMap;

use prost::Message;

use super::wire_input::input_to_proto;
use crate::domain::{
    event::{ActorType, Detail, Outcome, Severity, TargetRole, TargetType},
    filter::parse_address,
    input::EventInput,
};

/// The rule above.
pub const VERSION: u8 = 1;

/// What the HMAC is taken over.
pub fn normalised(input: &EventInput) -> Vec<u8> {
    let mut input = input.clone();
    input.event_id.clear();
    input.tenant_id.clear();
    fill(&mut input.severity, Severity::default().number());
    fill(&mut input.outcome, Outcome::default().number());
    fill(&mut input.actor.actor_type, ActorType::default().number());
    for target in &mut input.targets {
        fill(&mut target.role, TargetRole::default().number());
        fill(&mut target.target_type, TargetType::default().number());
    }
    input.occurred = input.occurred.map(|(seconds, nanos)| (seconds, nanos / 1_000 * 1_000));
    if let Some(address) = parse_address(&input.source.ip_address) {
        input.source.ip_address = address.to_string();
    }
    without_negative_zero(&mut input.details);
    let mut bytes = vec![VERSION];
    bytes.extend(input_to_proto(&input).encode_to_vec());
    bytes
}

fn fill(number: &mut i32, default: i32) {
    if *number == 0 {
        *number = default;
    }
}

fn without_negative_zero(details: &mut BTreeMap<String, Detail>) {
    details.values_mut().for_each(normalise_zero);
}

fn normalise_zero(detail: &mut Detail) {
    match detail {
        Detail::Number(number) if *number == 0.0 => *number = 0.0,
        Detail::List(items) => items.iter_mut().for_each(normalise_zero),
        Detail::Map(members) => without_negative_zero(members),
        _ => {}
    }
}
