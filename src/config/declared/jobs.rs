//! Declared export jobs.

use std::collections::BTreeSet;

use prost::Message as _;
use toml::{Table, Value};

use super::{
    keys::Place,
    message::{Source, Writer},
    schema::Schema,
};
use crate::{
    codec::{job::job_from_proto, proto::v1},
    config::sections::ExportSettings,
    domain::{declared::DeclaredJob, violation::Violations},
};

const MESSAGE: &str = ".vidne.v1.ExportJob";
/// What is no output.
const FIELDS: [&str; 14] = [
    "tenant_id",
    "name",
    "filter",
    "format",
    "destination",
    "national_id",
    "file_limits",
    "schedule",
    "naming",
    "compression",
    "start",
    "manifest",
    "heartbeat_interval",
    "paused",
];
/// The one key that the contract does not have.
const ADOPT: &str = "adopt";
const SECRETS: [&str; 4] = ["password", "secret_access_key", "account_key", "credential"];
/// vidne's own variables are never a job's secrets.
const OWN: &str = "VIDNE_";

/// Reads them, with the checks of CreateExportJob.
pub(super) fn read(
    schema: &Schema,
    tables: &[(String, &Table)],
    export: &ExportSettings,
    wrong: &mut Violations,
) -> Vec<DeclaredJob> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (path, table) in tables {
        let Some(job) = job(schema, path, table, export, wrong) else { continue };
        if seen.insert((job.tenant.clone(), job.settings.name.clone())) {
            found.push(job);
        } else {
            wrong.add(
                format!("{path}.name"),
                "declared twice in this tenant; give each job a name of its own",
            );
        }
    }
    found
}

fn job(
    schema: &Schema,
    path: &str,
    table: &Table,
    export: &ExportSettings,
    wrong: &mut Violations,
) -> Option<DeclaredJob> {
    let mut table = table.clone();
    let mut writer = Writer::new(schema);
    let adopt = match table.remove(ADOPT) {
        None => false,
        Some(Value::Boolean(adopt)) => adopt,
        Some(_) => {
            writer.wrong.add(format!("{path}.{ADOPT}"), "must be true or false");
            false
        }
    };
    let bytes = writer.message(MESSAGE, &table, path, &FIELDS);
    let Writer { wrong: mut problems, sources, .. } = writer;
    for source in &sources {
        if let Some(why) = out_of_reach(source, export) {
            problems.add(&source.path, why);
        }
    }
    let job = v1::ExportJob::decode(bytes.as_slice()).unwrap_or_default();
    let paused = job.paused;
    let read = job_from_proto(job, path);
    if let Err(more) = &read {
        for violation in more.iter() {
            let (field, description) = renamed(&violation.field, &violation.description);
            // What could not be read is missing too; that is said once.
            let said = |v: &crate::domain::violation::Violation| is_at_or_below(&v.field, &violation.field);
            if !problems.iter().any(|v| said(v) || v.field == field) {
                problems.add(field, description);
            }
        }
    }
    problems.iter().for_each(|v| wrong.add(&v.field, &v.description));
    match read {
        Ok((settings, _, tenant)) if problems.is_empty() => {
            Some(DeclaredJob { tenant, settings, paused, adopt })
        }
        _ => None,
    }
}

fn is_at_or_below(field: &str, of: &str) -> bool {
    field.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Why the server could not have a secret from there, whatever is there.
fn out_of_reach(source: &Source, export: &ExportSettings) -> Option<String> {
    let said = match (source.place, &export.secret_env_prefix) {
        (Place::File, _) if export.secret_files.is_some() => return None,
        (Place::File, _) => {
            "names a file, but export.secret_files is empty; set it to the folder that the file is in".to_owned()
        }
        (Place::Env, None) => {
            "names an environment variable, but export.secret_env_prefix is empty; set it to what the variable's \
             name begins with"
                .to_owned()
        }
        (Place::Env, Some(_)) if source.name.starts_with(OWN) => {
            format!("names one of vidne's own variables; give one that does not begin with {OWN}")
        }
        (Place::Env, Some(prefix)) if source.name.starts_with(prefix.as_str()) => return None,
        (Place::Env, Some(prefix)) => {
            format!("names an environment variable that does not begin with {prefix} (export.secret_env_prefix)")
        }
    };
    Some(said)
}

/// A violation of the contract in the words of the file, where secrets are `..._file` and `..._env`.
fn renamed(field: &str, description: &str) -> (String, String) {
    if let Some(field) = field.strip_suffix("_from.file") {
        return (format!("{field}_file"), description.to_owned());
    }
    if let Some(field) = field.strip_suffix("_from.env") {
        return (format!("{field}_env"), description.to_owned());
    }
    match field.rsplit_once('.') {
        // None is ever in the message, so this can only say that it is missing.
        Some((_, name)) if SECRETS.contains(&name) => {
            let or = if name == "password" { ", or the same for private_key" } else { "" };
            let way_out = format!("missing; say where the server finds it: {name}_file or {name}_env{or}");
            (format!("{field}_file"), way_out)
        }
        _ => (field.to_owned(), description.to_owned()),
    }
}
