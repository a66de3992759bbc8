//! From a TOML table to the bytes of a message of the contract. Names are the contract's; all that is wrong is
//! collected.

use prost::encoding;
use prost_types::{FieldDescriptorProto, field_descriptor_proto::Type};
use toml::{Table, Value};

use super::{
    keys::{Key, Place, keys},
    schema::{Schema, is_repeated},
};
use crate::{
    config::units::{DURATION_SHAPE, duration},
    domain::{time::Timestamp, violation::Violations},
};

const DURATION: &str = ".google.protobuf.Duration";
const TIMESTAMP: &str = ".google.protobuf.Timestamp";
/// More names than these are not listed in a message.
const LISTED: usize = 12;

/// Where a declaration says that a secret is.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) place: Place,
    pub(super) name: String,
}

/// Writes messages.
pub(super) struct Writer<'a> {
    pub(super) schema: &'a Schema,
    pub(super) wrong: Violations,
    /// Every secret that was named.
    pub(super) sources: Vec<Source>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(schema: &'a Schema) -> Self {
        Self { schema, wrong: Violations::new(), sources: Vec::new() }
    }

    /// The bytes of a message; `path` is the table's own in the file. `only` names its inputs, none: all fields.
    pub(super) fn message(&mut self, message: &str, table: &Table, path: &str, only: &[&str]) -> Vec<u8> {
        let known = keys(self.schema, message, only);
        let mut out = Vec::new();
        let mut given: Vec<(String, &str)> = Vec::new();
        for (name, value) in table {
            let path = format!("{path}.{name}");
            let Some((_, key)) = known.iter().find(|(known, _)| known == name) else {
                let names: Vec<&str> = usable(&known).collect();
                self.wrong.add(path, format!("not known{}", way_out(name, &names)));
                continue;
            };
            if let Some(group) = group(key)
                && let Some((_, other)) = given.iter().find(|(of, _)| *of == group)
            {
                self.wrong.add(path, format!("given together with {other}; give one of them"));
                continue;
            }
            given.extend(group(key).map(|group| (group, name.as_str())));
            match key {
                Key::Field(field) => self.field(field, value, &path, &mut out),
                Key::Source { field, place, .. } => self.source(field, *place, value, path, &mut out),
                Key::Secret => self.wrong.add(
                    path,
                    format!(
                        "secrets do not belong into this file; put it into a file or an environment variable of \
                         the server and name that with {name}_file or {name}_env"
                    ),
                ),
            }
        }
        out
    }

    fn source(
        &mut self,
        field: &FieldDescriptorProto,
        place: Place,
        value: &Value,
        path: String,
        out: &mut Vec<u8>,
    ) {
        let Value::String(name) = value else {
            self.wrong.add(path, "must be a text in quotes");
            return;
        };
        let mut inner = Vec::new();
        let tag = match place {
            Place::Env => 1,
            Place::File => 2,
        };
        encoding::string::encode(tag, name, &mut inner);
        encoding::bytes::encode(tag_of(field), &inner, out);
        self.sources.push(Source { path, place, name: name.clone() });
    }

    fn field(&mut self, field: &FieldDescriptorProto, value: &Value, path: &str, out: &mut Vec<u8>) {
        if !is_repeated(field) {
            return self.value(field, value, path, out);
        }
        let entry = field.type_name();
        match value {
            Value::Table(map) if self.schema.is_map(entry) => {
                for (key, value) in map {
                    let pair = Table::from_iter([
                        ("key".to_owned(), Value::String(key.clone())),
                        ("value".to_owned(), value.clone()),
                    ]);
                    let bytes = self.message(entry, &pair, &format!("{path}.{key}"), &[]);
                    encoding::bytes::encode(tag_of(field), &bytes, out);
                }
            }
            Value::Array(list) if !self.schema.is_map(entry) => {
                for (i, value) in list.iter().enumerate() {
                    self.value(field, value, &format!("{path}[{i}]"), out);
                }
            }
            _ if self.schema.is_map(entry) => {
                self.wrong.add(path, "must be a table, such as { name = \"value\" }")
            }
            _ => self.wrong.add(path, "must be a list, such as [\"...\"]"),
        }
    }

    fn value(&mut self, field: &FieldDescriptorProto, value: &Value, path: &str, out: &mut Vec<u8>) {
        let tag = tag_of(field);
        match (field.r#type(), value) {
            (Type::String, Value::String(text)) => encoding::string::encode(tag, text, out),
            (Type::Bool, Value::Boolean(flag)) => encoding::bool::encode(tag, flag, out),
            (Type::Uint64, Value::Integer(number)) if *number >= 0 => {
                encoding::uint64::encode(tag, &number.unsigned_abs(), out);
            }
            (Type::Uint32, Value::Integer(number)) if u32::try_from(*number).is_ok() => {
                encoding::uint64::encode(tag, &number.unsigned_abs(), out);
            }
            (Type::Enum, Value::String(text)) => self.name(field, text, path, out),
            (Type::Message, value) => self.inner(field, value, path, out),
            (Type::String, _) => self.wrong.add(path, "must be a text in quotes"),
            (Type::Bool, _) => self.wrong.add(path, "must be true or false"),
            (Type::Enum, _) => self.name(field, "", path, out),
            (Type::Uint32, _) => {
                self.wrong.add(path, format!("must be a whole number from 0 to {}", u32::MAX))
            }
            _ => self.wrong.add(path, "must be a whole number, 0 or more"),
        }
    }

    fn name(&mut self, field: &FieldDescriptorProto, text: &str, path: &str, out: &mut Vec<u8>) {
        let names = self.schema.names(field.type_name());
        match names.iter().find(|(name, _)| name == text) {
            Some((_, number)) => encoding::int32::encode(tag_of(field), number, out),
            None => {
                let names: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
                self.wrong.add(path, format!("not a known name{}", way_out(text, &names)));
            }
        }
    }

    fn inner(&mut self, field: &FieldDescriptorProto, value: &Value, path: &str, out: &mut Vec<u8>) {
        let tag = tag_of(field);
        match (field.type_name(), value) {
            (DURATION, value) => {
                let time = value.as_str().and_then(duration);
                match time.and_then(|time| prost_types::Duration::try_from(time).ok()) {
                    Some(time) => encoding::message::encode(tag, &time, out),
                    None => self.wrong.add(path, format!("must be {DURATION_SHAPE}")),
                }
            }
            (TIMESTAMP, value) => {
                let time = match value {
                    Value::Datetime(time) => Timestamp::parse(&time.to_string()),
                    Value::String(text) => Timestamp::parse(text),
                    _ => None,
                };
                match time {
                    Some(time) => {
                        let (seconds, nanos) = (time.seconds(), time.subsec_nanos());
                        encoding::message::encode(tag, &prost_types::Timestamp { seconds, nanos }, out);
                    }
                    None => {
                        self.wrong.add(path, "must be a time with its zone, such as 2026-11-22T09:30:00Z")
                    }
                }
            }
            (message, Value::Table(table)) => {
                let bytes = self.message(message, table, path, &[]);
                encoding::bytes::encode(tag, &bytes, out);
            }
            _ => self.wrong.add(path, "must be a table, such as { name = \"value\" }"),
        }
    }
}

/// Keys of one group cannot be given together: the fields of a `oneof`, or the two places of a secret.
fn group(key: &Key<'_>) -> Option<String> {
    match key {
        Key::Field(field) if !field.proto3_optional() => field.oneof_index.map(|index| index.to_string()),
        Key::Source { secret, .. } => Some((*secret).to_owned()),
        Key::Field(_) | Key::Secret => None,
    }
}

/// The names that a message offers.
fn usable<'k>(known: &'k [(String, Key<'_>)]) -> impl Iterator<Item = &'k str> {
    known.iter().filter(|(_, key)| !matches!(key, Key::Secret)).map(|(name, _)| name.as_str())
}

/// The name that was meant, or all there are.
pub(super) fn way_out(name: &str, known: &[&str]) -> String {
    let close = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(score, _)| *score > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match close {
        Some((_, candidate)) => format!("; did you mean {candidate}?"),
        None if known.len() <= LISTED => format!("; give one of {}", known.join(", ")),
        None => "; the contract (proto/vidne/v1) lists them".to_owned(),
    }
}

/// Field numbers are never negative.
fn tag_of(field: &FieldDescriptorProto) -> u32 {
    field.number().unsigned_abs()
}
