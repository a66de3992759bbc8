//! Tenants and export jobs that the file declares: `[[tenants]]` and `[[export_jobs]]`.
//!
//! `schema` knows the contract's messages, `keys` which names a table may have, `message` makes a message of a table,
//! `tenants` and `jobs` check what comes out of it as calls do.

mod jobs;
mod keys;
mod message;
mod schema;
mod tenants;

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use self::schema::Schema;
use super::sections::ExportSettings;
use crate::domain::{declared::Declared, violation::Violations};

const TENANTS: &str = "tenants";
const JOBS: &str = "export_jobs";
/// Values of filters that must not be shown.
const PERSONAL: [&str; 2] = ["actor_national_id", "subject_national_id"];
const MASK: &str = "***";

/// What a file declares, unchecked.
#[derive(Clone, Default)]
pub(super) struct Declarations {
    tables: Table,
    file: PathBuf,
}

/// Shows nothing: a secret may stand in what was not checked.
impl std::fmt::Debug for Declarations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Declarations(..)")
    }
}

impl Declarations {
    /// Moves the declarations out of what was read from `file`.
    pub(super) fn take(table: &mut Table, file: &Path) -> Self {
        let taken = [TENANTS, JOBS].into_iter().filter_map(|key| table.remove_entry(key));
        Self { tables: taken.collect(), file: file.to_owned() }
    }

    /// What is declared, and all that is wrong with it.
    pub(super) fn read(&self, export: &ExportSettings) -> (Declared, Vec<String>) {
        let mut wrong = Violations::new();
        let mut declared = Declared::default();
        if !self.tables.is_empty() {
            let schema = Schema::new();
            let tenants = entries(&self.tables, TENANTS, &mut wrong);
            declared.tenants = tenants::read(&schema, &tenants, &mut wrong);
            let jobs = entries(&self.tables, JOBS, &mut wrong);
            declared.jobs = jobs::read(&schema, &jobs, export, &mut wrong);
        }
        let file = self.file.display();
        let problems = wrong.iter().map(|v| format!("{} ({file}): {}", v.field, v.description)).collect();
        (declared, problems)
    }

    /// As TOML, for people. Only what is right is shown: otherwise a secret might stand where none belongs.
    pub(super) fn show(&self, is_right: bool) -> String {
        if self.tables.is_empty() {
            return String::new();
        }
        let file = self.file.display();
        if !is_right {
            return format!(
                "\n# What {file} declares is not shown before the whole configuration is right.\n"
            );
        }
        let mut tables = Value::Table(self.tables.clone());
        mask(&mut tables);
        // Tables of texts, numbers and switches can always be written.
        let text = toml::to_string(&tables).unwrap_or_default();
        format!("\n# {file}\n{text}")
    }
}

/// The tables of one kind with their paths.
fn entries<'a>(tables: &'a Table, key: &str, wrong: &mut Violations) -> Vec<(String, &'a Table)> {
    let mut found = Vec::new();
    let shape = format!("must be a list of tables; begin each with a line [[{key}]]");
    match tables.get(key) {
        None => {}
        Some(Value::Array(list)) => {
            for (i, value) in list.iter().enumerate() {
                match value {
                    Value::Table(table) => found.push((format!("{key}[{i}]"), table)),
                    _ => wrong.add(format!("{key}[{i}]"), shape.as_str()),
                }
            }
        }
        Some(_) => wrong.add(key, shape),
    }
    found
}

fn mask(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(mask),
        Value::Table(table) => {
            for (key, value) in table.iter_mut() {
                if PERSONAL.contains(&key.as_str()) {
                    *value = Value::String(MASK.to_owned());
                } else {
                    mask(value);
                }
            }
        }
        _ => {}
    }
}
