//! Which keys the table of a message may have.

use prost_types::FieldDescriptorProto;

use super::schema::Schema;

const SECRET_SOURCE: &str = ".vidne.v1.SecretSource";

/// What a key of a table is.
pub(super) enum Key<'a> {
    /// A field of the message.
    Field(&'a FieldDescriptorProto),
    /// The file, or the environment variable, that a secret is in: of which secret, the field `..._from`, and which.
    Source { secret: &'a str, field: &'a FieldDescriptorProto, place: Place },
    /// A secret itself, which has no place here.
    Secret,
}

/// Where the server finds a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    File,
    Env,
}

/// Every key by its name. The message's own names, but for outputs (`only` lists the others, if there are some
/// that do not begin with `has_`) and for secrets, which become `..._file` and `..._env`.
pub(super) fn keys<'a>(schema: &'a Schema, message: &str, only: &[&str]) -> Vec<(String, Key<'a>)> {
    let mut found = Vec::new();
    let fields = schema.fields(message);
    for field in fields {
        let name = field.name();
        if name.starts_with("has_") || (!only.is_empty() && !only.contains(&name)) {
            continue;
        }
        let is_source = |field: &FieldDescriptorProto| field.type_name() == SECRET_SOURCE;
        if let (true, Some(secret)) = (is_source(field), name.strip_suffix("_from")) {
            found.push((format!("{secret}_file"), Key::Source { secret, field, place: Place::File }));
            found.push((format!("{secret}_env"), Key::Source { secret, field, place: Place::Env }));
        } else if fields.iter().any(|f| is_source(f) && f.name().strip_suffix("_from") == Some(name)) {
            found.push((name.to_owned(), Key::Secret));
        } else {
            found.push((name.to_owned(), Key::Field(field)));
        }
    }
    found
}
