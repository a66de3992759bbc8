//! `vidne.v1.EventFilter` <-> the domain's filter.

mod read;
mod write;

use prost::Message;

pub use read::filter_from_proto;
pub use write::{category_to_proto, filter_to_proto};

use super::{error::DecodeError, proto::v1};
use crate::domain::filter::EventFilter;

/// The bytes of a filter that a store keeps: a `vidne.v1.EventFilter`. The same filter gives the same bytes.
pub fn encode_filter(filter: &EventFilter) -> Vec<u8> {
    filter_to_proto(filter).encode_to_vec()
}

/// Reads them back.
pub fn decode_filter(bytes: &[u8]) -> Result<EventFilter, DecodeError> {
    let filter = v1::EventFilter::decode(bytes)?;
    filter_from_proto(filter, "filter").map_err(|_| DecodeError::OutOfRange("filter"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::limits::FILTER_VALUES;

    #[test]
    fn a_filter_comes_back_as_it_was() {
        let filter = v1::EventFilter {
            types: vec![2, 126],
            custom_types: vec!["invoice.approved".into()],
            categories: vec![1, 4],
            actor_user_ids: vec!["u1".into()],
            actor_emails: vec!["ÅSE@example.org".into()],
            actor_tenant_ids: vec!["t".into()],
            organization_ids: vec!["o".into()],
            actor_national_id: "0101011234".into(),
            subject_national_id: "0202021234".into(),
            target_type: 5,
            target_ids: vec!["4711".into()],
            target_tenant_ids: vec!["tt".into()],
            source_ips: vec!["192.0.2.7".into(), "2001:db8::1/64".into()],
            outcomes: vec![2],
            minimum_severity: 4,
            occurred_from: Some(prost_types::Timestamp { seconds: 1, nanos: 2_000 }),
            occurred_before: Some(prost_types::Timestamp { seconds: 2, nanos: 0 }),
            recorded_from: Some(prost_types::Timestamp { seconds: 3, nanos: 0 }),
            recorded_before: Some(prost_types::Timestamp { seconds: 4, nanos: 0 }),
            sequence_from: 5,
            sequence_before: 6,
            labels: BTreeMap::from([("k".into(), "v".into())]),
            text: "Blanket".into(),
            event_ids: vec!["01890A5DAC96774BBCCEB302099A8057".into()],
        };
        let read = filter_from_proto(filter, "filter").unwrap();
        assert_eq!(read.actor_emails, ["åse@example.org"]);
        assert_eq!(read.text, "blanket");
        let written = filter_to_proto(&read);
        assert_eq!(written.source_ips, ["192.0.2.7", "2001:db8::/64"]);
        assert_eq!(filter_from_proto(written, "filter").unwrap(), read);
        assert_eq!(decode_filter(&encode_filter(&read)).unwrap(), read);
        assert!(decode_filter(&[0xFF]).is_err());
    }

    #[test]
    fn everything_wrong_is_reported_at_once_with_its_path() {
        let filter = v1::EventFilter {
            types: vec![2, 0, 99],
            categories: vec![9],
            source_ips: vec!["192.0.2.0/33".into()],
            outcomes: vec![0],
            minimum_severity: 77,
            target_type: 99,
            occurred_from: Some(prost_types::Timestamp { seconds: -1, nanos: 0 }),
            event_ids: vec!["4711".into()],
            ..Default::default()
        };
        let wrong = filter_from_proto(filter, "job.filter").unwrap_err();
        let fields: Vec<&str> = wrong.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "job.filter.types[1]",
                "job.filter.types[2]",
                "job.filter.categories[0]",
                "job.filter.target_type",
                "job.filter.source_ips[0]",
                "job.filter.outcomes[0]",
                "job.filter.minimum_severity",
                "job.filter.occurred_from",
                "job.filter.event_ids[0]",
            ]
        );
    }

    #[test]
    fn a_thousand_values_are_taken_and_one_more_is_refused() {
        let of = |n: usize| v1::EventFilter {
            actor_user_ids: vec!["u".into(); n - 1],
            text: "x".into(),
            ..Default::default()
        };
        assert!(filter_from_proto(of(FILTER_VALUES), "filter").is_ok());
        let wrong = filter_from_proto(of(FILTER_VALUES + 1), "filter").unwrap_err();
        assert_eq!(wrong.iter().next().unwrap().field, "filter");
    }

    #[test]
    fn any_category_among_others_means_any() {
        let filter = v1::EventFilter { categories: vec![1, 0], ..Default::default() };
        assert!(filter_from_proto(filter, "filter").unwrap().categories.is_empty());
    }
}
