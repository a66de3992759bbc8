//! `details`: `google.protobuf.Struct` and JSON <-> domain values.

use std::collections::BTreeMap;

use prost_types::{ListValue, Struct, Value, value::Kind};
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
