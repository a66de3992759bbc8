//! What the bytes of a payload tell of a filter before anything is decoded.
//!
//! The encoding of an event holds each of its texts as they are, behind a tag and a length. So an event whose payload
//! does not hold the encoded form of anything that a field of a filter asks for does not match; one that does may
//! match. A database can look for bytes, and then need not send what cannot match.

use prost::Message;

use super::proto::v1;
use crate::domain::{
    event::{Outcome, Severity, TargetType},
    filter::EventFilter,
};

/// Fields with more values than this are left to whoever decodes: each value is looked for on its own.
const MOST_VALUES: usize = 8;

/// Byte strings that belong to one field of a filter: the payload of an event that matches holds at least one.
pub type Needles = Vec<Vec<u8>>;

/// One entry for each field of a filter that bytes can tell of; every one of them must hold. None for what is
/// compared otherwise than by its bytes (text, e-mail addresses, networks), what is not in the payload (personal
/// data), and what has a column of its own.
pub fn needles(filter: &EventFilter) -> Vec<Needles> {
    // A field that is missing in the encoding has its default value, which can be asked for too.
    let custom_types = if filter.types.is_empty() { filter.custom_types.as_slice() } else { &[] };
    let fields = [
        texts(custom_types, |custom_type| v1::Event { custom_type, ..Default::default() }),
        texts(&filter.actor_user_ids, |user_id| v1::Actor { user_id, ..Default::default() }),
        texts(&filter.actor_tenant_ids, |tenant_id| v1::Actor { tenant_id, ..Default::default() }),
        texts(&filter.organization_ids, |organization_id| v1::Actor {
            organization_id,
            ..Default::default()
        }),
        texts(&filter.target_ids, |id| v1::Target { id, ..Default::default() }),
        texts(&filter.target_tenant_ids, |tenant_id| v1::Target { tenant_id, ..Default::default() }),
        target_types(filter),
        outcomes(filter),
        severities(filter),
    ];
    let labels = filter.labels.iter().map(|(key, value)| {
        vec![
            v1::Event { labels: [(key.clone(), value.clone())].into(), ..Default::default() }.encode_to_vec(),
        ]
    });
    fields.into_iter().flatten().chain(labels).collect()
}

fn texts<M: Message>(values: &[String], message: impl Fn(String) -> M) -> Option<Needles> {
    let tells =
        !values.is_empty() && values.len() <= MOST_VALUES && values.iter().all(|value| !value.is_empty());
    tells.then(|| values.iter().map(|value| message(value.clone()).encode_to_vec()).collect())
}

fn target_types(filter: &EventFilter) -> Option<Needles> {
    let wanted = filter.target_type.filter(|wanted| *wanted != TargetType::default())?;
    Some(vec![v1::Target { r#type: wanted.number(), ..Default::default() }.encode_to_vec()])
}

fn outcomes(filter: &EventFilter) -> Option<Needles> {
    let wanted = &filter.outcomes;
    let tells = !wanted.is_empty() && wanted.len() <= MOST_VALUES && !wanted.contains(&Outcome::default());
    let encoded =
        |outcome: &Outcome| v1::Event { outcome: outcome.number(), ..Default::default() }.encode_to_vec();
    tells.then(|| wanted.iter().map(encoded).collect())
}

fn severities(filter: &EventFilter) -> Option<Needles> {
    let minimum = filter.minimum_severity.filter(|minimum| *minimum > Severity::default())?;
    let wanted = Severity::ALL.iter().filter(|severity| **severity >= minimum);
    Some(
        wanted
            .map(|severity| v1::Event { severity: severity.number(), ..Default::default() }.encode_to_vec())
            .collect(),
    )
}
