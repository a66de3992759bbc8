//! `details`: `google.protobuf.Struct` and JSON <-> domain values.

use std::collections::BTreeMap;

use prost_types::{ListValue, Struct, Value, value::Kind};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use crate::domain::event::Detail;

/// The largest integer up to which every integer is a double: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// From the wire.
pub fn from_struct(details: Struct) -> BTreeMap<String, Detail> {
    details.fields.into_iter().map(|(name, value)| (name, from_value(value))).collect()
}

fn from_value(value: Value) -> Detail {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Detail::Null,
        Some(Kind::BoolValue(value)) => Detail::Bool(value),
        Some(Kind::NumberValue(value)) => Detail::Number(value),
        Some(Kind::StringValue(value)) => Detail::Text(value),
        Some(Kind::ListValue(list)) => Detail::List(list.values.into_iter().map(from_value).collect()),
        Some(Kind::StructValue(members)) => Detail::Map(from_struct(members)),
    }
}

/// To the wire; `None` if there are none.
pub fn to_struct(details: &BTreeMap<String, Detail>) -> Option<Struct> {
    (!details.is_empty()).then(|| members(details))
}

fn members(details: &BTreeMap<String, Detail>) -> Struct {
    Struct { fields: details.iter().map(|(name, value)| (name.clone(), to_value(value))).collect() }
}

fn to_value(detail: &Detail) -> Value {
    let kind = match detail {
        Detail::Null => Kind::NullValue(0),
        Detail::Bool(value) => Kind::BoolValue(*value),
        Detail::Number(value) => Kind::NumberValue(*value),
        Detail::Text(value) => Kind::StringValue(value.clone()),
        Detail::List(items) => Kind::ListValue(ListValue { values: items.iter().map(to_value).collect() }),
        Detail::Map(map) => Kind::StructValue(members(map)),
    };
    Value { kind: Some(kind) }
}

/// From JSON; integers beyond 2^53 become the nearest double.
pub fn from_json(value: Json) -> Detail {
    match value {
        Json::Null => Detail::Null,
        Json::Bool(value) => Detail::Bool(value),
        Json::Number(value) => Detail::Number(value.as_f64().unwrap_or(f64::NAN)),
        Json::String(value) => Detail::Text(value),
        Json::Array(items) => Detail::List(items.into_iter().map(from_json).collect()),
        Json::Object(map) => {
            Detail::Map(map.into_iter().map(|(name, value)| (name, from_json(value))).collect())
        }
    }
}

/// Appends them as one JSON object, the same that [`to_json`] makes, without making it first.
pub fn write_json(details: &BTreeMap<String, Detail>, out: &mut Vec<u8>) {
    let start = out.len();
    // Writing to memory cannot fail, and every key is a string.
    if serde_json::to_writer(&mut *out, &Members(details)).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"{}");
    }
}

struct Members<'a>(&'a BTreeMap<String, Detail>);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, One(value))))
    }
}

struct One<'a>(&'a Detail);

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Detail::Null => serializer.serialize_unit(),
            Detail::Bool(value) => serializer.serialize_bool(*value),
            Detail::Number(value) if value.fract() == 0.0 && value.abs() <= EXACT => {
                serializer.serialize_i64(*value as i64)
            }
            Detail::Number(value) if value.is_finite() => serializer.serialize_f64(*value),
            Detail::Number(_) => serializer.serialize_unit(),
            Detail::Text(value) => serializer.serialize_str(value),
            Detail::List(items) => serializer.collect_seq(items.iter().map(One)),
            Detail::Map(members) => Members(members).serialize(serializer),
        }
    }
}

/// To JSON; whole numbers are written without a fraction.
pub fn to_json(detail: &Detail) -> Json {
    match detail {
        Detail::Null => Json::Null,
        Detail::Bool(value) => Json::Bool(*value),
        Detail::Number(value) if value.fract() == 0.0 && value.abs() <= EXACT => {
            Json::Number((*value as i64).into())
        }
        Detail::Number(value) => serde_json::Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Detail::Text(value) => Json::String(value.clone()),
        Detail::List(items) => Json::Array(items.iter().map(to_json).collect()),
        Detail::Map(map) => {
            Json::Object(map.iter().map(|(name, value)| (name.clone(), to_json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_written_as_their_json() {
        let numbers = [0.0, -0.0, 1.5, -7.0, 1e21, 1e-9, EXACT, EXACT + 2.0, f64::NAN, f64::INFINITY];
        let list = numbers.into_iter().map(Detail::Number).chain([Detail::Null, Detail::Bool(true)]);
        let inner =
            BTreeMap::from([("\"\u{8}\u{85}".to_owned(), Detail::Text("\n\u{c}\u{2028}é".to_owned()))]);
        let details = BTreeMap::from([
            ("b".to_owned(), Detail::List(list.collect())),
            ("a".to_owned(), Detail::Map(inner)),
            ("c".to_owned(), Detail::Map(BTreeMap::new())),
        ]);
        let mut out = Vec::new();
        write_json(&details, &mut out);
        let expected = to_json(&Detail::Map(details)).to_string();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
