//! The event catalogue on the wire.

use crate::{
    codec::{filter::category_to_proto, proto::v1},
    domain::catalogue::CATALOGUE,
};

/// Every event type, by number.
pub fn event_types() -> Vec<v1::EventTypeInfo> {
    let entries = CATALOGUE.iter().map(|info| v1::EventTypeInfo {
        r#type: info.number,
        name: info.name.to_owned(),
        type_code: info.code.map(i32::from),
        type_name: info.original.to_owned(),
        category: category_to_proto(info.category).into(),
        meaning: info.meaning.to_owned(),
    });
    entries.collect()
}
