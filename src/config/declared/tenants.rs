//! Declared tenants.

use std::collections::BTreeSet;

use prost::Message as _;
use toml::Table;

use super::{message::Writer, schema::Schema};
use crate::{
    codec::proto::v1,
    domain::{
        declared::DeclaredTenant,
        id::{NAME_SHAPE, TenantId},
        limits::INDEXED_BYTES,
        tenant::TenantChange,
        violation::Violations,
    },
};

const MESSAGE: &str = ".vidne.v1.Tenant";
/// What is no output.
const FIELDS: [&str; 3] = ["tenant_id", "display_name", "settings"];

/// Reads them; a value that is not given is not declared.
pub(super) fn read(
    schema: &Schema,
    tables: &[(String, &Table)],
    wrong: &mut Violations,
) -> Vec<DeclaredTenant> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (path, table) in tables {
        let mut writer = Writer::new(schema);
        let bytes = writer.message(MESSAGE, table, path, &FIELDS);
        writer.wrong.iter().for_each(|v| wrong.add(&v.field, &v.description));
        let tenant = v1::Tenant::decode(bytes.as_slice()).unwrap_or_default();
        let settings = tenant.settings.unwrap_or_default();
        if tenant.display_name.len() > INDEXED_BYTES {
            let message = format!("{} bytes; at most {INDEXED_BYTES}", tenant.display_name.len());
            wrong.add(format!("{path}.display_name"), message);
        }
        let Some(id) = TenantId::parse(&tenant.tenant_id) else {
            wrong.add(format!("{path}.tenant_id"), format!("not a tenant id; give {NAME_SHAPE}"));
            continue;
        };
        if !seen.insert(id.clone()) {
            wrong.add(format!("{path}.tenant_id"), "declared twice; declare a tenant once");
            continue;
        }
        let values = TenantChange {
            display_name: table.contains_key("display_name").then_some(tenant.display_name),
            security_events_enabled: settings.security_events_enabled,
            data_access_events_enabled: settings.data_access_events_enabled,
            custom_events_enabled: settings.custom_events_enabled,
        };
        found.push(DeclaredTenant { id, values });
    }
    found
}
