//! An export format with its options, as JSON.

use serde_json::{Value as Json, json};

use super::json::{without_empty, word};
use crate::codec::proto::v1::{ExportFormat, export_format::Kind};

/// One member, named like the format in the contract.
pub fn format(format: &ExportFormat) -> Json {
    match &format.kind {
        Some(Kind::JsonLines(_)) => json!({ "json_lines": true }),
        Some(Kind::Csv(csv)) => json!({ "csv": without_empty(json!({
            "preset": if csv.columns.is_empty() { word(csv.preset().as_str_name(), "CSV_PRESET_") } else { "" },
            "columns": csv.columns,
            "header": csv.header,
            "formula_guard": csv.formula_guard.unwrap_or(true),
        })) }),
        Some(Kind::Cef(cef)) => json!({ "cef": {
            "version": word(cef.version().as_str_name(), "CEF_VERSION_"),
            "defensive": cef.defensive,
        } }),
        Some(Kind::Leef(leef)) => json!({ "leef": {
            "version": word(leef.version().as_str_name(), "LEEF_VERSION_"),
            "defensive": leef.defensive,
        } }),
        Some(Kind::Rfc5424(rfc5424)) => json!({ "rfc5424": without_empty(json!({
            "hostname": rfc5424.hostname,
            "enterprise_number": rfc5424.enterprise_number,
            "max_line_bytes": rfc5424.max_line_bytes,
            "defensive": rfc5424.defensive,
        })) }),
        Some(Kind::Ecs(ecs)) => json!({ "ecs": { "crud_types": ecs.crud_types } }),
        Some(Kind::Ocsf(ocsf)) => json!({ "ocsf": {
            "version": word(ocsf.version().as_str_name(), "OCSF_VERSION_"),
        } }),
        None => Json::Null,
    }
}
