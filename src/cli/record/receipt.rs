//! Receipts, as a line and as JSON.

use serde_json::{Value as Json, json};

use crate::codec::{
    json::hex,
    proto::v1::{Disposition, Receipt},
};

use super::super::output::{escape::escape, json::time, style::Style};

/// For a person.
pub fn line(receipt: &Receipt, style: Style) -> String {
    let (tenant, id) = (escape(&receipt.tenant_id), escape(&receipt.event_id));
    let place = format!("{tenant}#{}", receipt.sequence);
    match receipt.disposition() {
        Disposition::Recorded => {
            format!("{} as {} (event id {id})", style.green("recorded"), style.bold(&place))
        }
        Disposition::Duplicate => {
            format!("{} before as {} (event id {id})", style.yellow("recorded"), style.bold(&place))
        }
        Disposition::NotRecorded => format!(
            "{}: tenant {tenant} has this category of events switched off; see `vidne tenant update --help`",
            style.yellow("not recorded")
        ),
        Disposition::Unspecified => format!("the server says nothing about event {id}"),
    }
}

/// For a program; `line` is that of the input file.
pub fn json(receipt: &Receipt, line: Option<u64>) -> Json {
    let mut value = json!({});
    if let Some(line) = line {
        value["line"] = line.into();
    }
    value["event_id"] = receipt.event_id.as_str().into();
    value["tenant_id"] = receipt.tenant_id.as_str().into();
    value["disposition"] = receipt.disposition().as_str_name().trim_start_matches("DISPOSITION_").into();
    if receipt.sequence > 0 {
        value["sequence"] = receipt.sequence.into();
        value["recorded_time"] = time(receipt.recorded_time.as_ref()).into();
        value["leaf_hash"] = hex(&receipt.leaf_hash).into();
    }
    value
}
