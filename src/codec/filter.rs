//! Stub.
use super::proto::v1;
use crate::domain::filter::EventFilter;
/// To the wire.
pub fn filter_to_proto(_filter: &EventFilter) -> v1::EventFilter {
    v1::EventFilter::default()
}
