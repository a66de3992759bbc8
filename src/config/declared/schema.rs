//! The messages of the contract, as their descriptors say.

use std::collections::BTreeMap;

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::Label,
};

use crate::codec::proto::DESCRIPTORS;

/// Every message and enumeration by its full name, such as `.vidne.v1.ExportJob`.
pub(super) struct Schema {
    messages: BTreeMap<String, DescriptorProto>,
    enums: BTreeMap<String, EnumDescriptorProto>,
}

impl Schema {
    pub(super) fn new() -> Self {
        let mut schema = Self { messages: BTreeMap::new(), enums: BTreeMap::new() };
        // They are compiled in: a test sees to it that they can be read.
        let files = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default();
        for file in files.file {
            let package = format!(".{}", file.package());
            for message in file.message_type {
                schema.take(&package, message);
            }
            for one in file.enum_type {
                schema.enums.insert(format!("{package}.{}", one.name()), one);
            }
        }
        schema
    }

    fn take(&mut self, parent: &str, mut message: DescriptorProto) {
        let name = format!("{parent}.{}", message.name());
        for nested in std::mem::take(&mut message.nested_type) {
            self.take(&name, nested);
        }
        self.messages.insert(name, message);
    }

    /// A message's fields; none if there is no such message.
    pub(super) fn fields(&self, message: &str) -> &[FieldDescriptorProto] {
        self.messages.get(message).map(|message| message.field.as_slice()).unwrap_or_default()
    }

    /// Whether a field is a map, whose entries are messages of this type.
    pub(super) fn is_map(&self, message: &str) -> bool {
        let options = self.messages.get(message).and_then(|message| message.options.as_ref());
        options.is_some_and(|options| options.map_entry())
    }

    /// The names of an enumeration in lower case and without what they all begin with, and their numbers. What says
    /// nothing is left out.
    pub(super) fn names(&self, enumeration: &str) -> Vec<(String, i32)> {
        let values = self.enums.get(enumeration).map(|one| one.value.as_slice()).unwrap_or_default();
        let nothing = values.iter().find(|value| value.number() == 0).map(|value| value.name());
        let prefix = nothing.and_then(|name| name.strip_suffix("UNSPECIFIED")).unwrap_or_default();
        let named = values.iter().filter(|value| value.number() != 0);
        let short = |name: &str| name.strip_prefix(prefix).unwrap_or(name).to_lowercase();
        named.map(|value| (short(value.name()), value.number())).collect()
    }
}

/// Whether a field may have several values.
pub(super) fn is_repeated(field: &FieldDescriptorProto) -> bool {
    field.label() == Label::Repeated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_is_known() {
        let schema = Schema::new();
        assert!(schema.fields(".vidne.v1.ExportJob").iter().any(|field| field.name() == "destination"));
        assert!(schema.is_map(".vidne.v1.EventFilter.LabelsEntry") && !schema.is_map(".vidne.v1.Tenant"));
        let modes = schema.names(".vidne.v1.NationalIdMode");
        assert_eq!(modes, [("omit".to_owned(), 1), ("full".to_owned(), 2), ("hash".to_owned(), 3)]);
        assert!(schema.names(".vidne.v1.EventType").iter().any(|(name, _)| name == "record_read"));
    }
}
