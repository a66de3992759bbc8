//! Where values come from, and their order.

use std::{collections::BTreeMap, fmt, fs, path::PathBuf};

use toml::{Table, Value};

use super::{DEFAULTS, declared::Declarations, env, error::ConfigError};

/// What a configuration is made of, beside the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// Environment variables; those that do not begin with `VIDNE_` are ignored.
    pub variables: Vec<(String, String)>,
    /// What flags of the command line say.
    pub flags: Vec<Flag>,
}

/// A value from the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// Its name, such as `--listen`.
    pub name: &'static str,
    /// The key that it sets.
    pub key: &'static str,
    /// The value as text.
    pub text: String,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    File(PathBuf),
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Every key with the value in force, and what the file declares; nothing checked but that the keys are known.
#[derive(Clone, Debug)]
pub struct Values {
    pub(super) keys: BTreeMap<String, (Value, Origin)>,
    pub(super) declarations: Declarations,
}

impl Values {
    /// Reads all sources.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let defaults = parse(DEFAULTS, "the defaults")?;
        let mut keys = BTreeMap::new();
        for (key, value) in leaves(defaults) {
            keys.insert(key, (value, Origin::Default));
        }
        let mut values = Self { keys, declarations: Declarations::default() };
        if let Some(path) = &sources.file {
            values.take_file(path)?;
        }
        for (key, name, text) in env::assignments(values.keys.keys().map(String::as_str), &sources.variables)?
        {
            values.take_text(&key, text, Origin::Variable(name))?;
        }
        for Flag { name, key, text } in &sources.flags {
            values.take_text(key, text.clone(), Origin::Flag(name))?;
        }
        Ok(values)
    }

    fn take_file(&mut self, path: &PathBuf) -> Result<(), ConfigError> {
        let place = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|error| ConfigError::one(format!("the file {place} cannot be read: {error}")))?;
        let mut wrong = ConfigError::new();
        let mut table = parse(&text, &format!("the file {place}"))?;
        self.declarations = Declarations::take(&mut table, path);
        for (key, value) in leaves(table) {
            match self.keys.get_mut(&key) {
                Some(entry) => *entry = (value, Origin::File(path.clone())),
                None => {
                    let hint = suggestion(&key, self.keys.keys().map(String::as_str));
                    wrong.add(format!("the key {key} in {place} is not known{hint}"));
                }
            }
        }
        wrong.into_result(())
    }

    /// Text becomes a value of the type that the key has by default.
    fn take_text(&mut self, key: &str, text: String, origin: Origin) -> Result<(), ConfigError> {
        let Some(entry) = self.keys.get_mut(key) else {
            return Err(ConfigError::one(format!("the key {key} of {origin} is not known")));
        };
        let value = match &entry.0 {
            Value::Boolean(_) => text.trim().parse().map(Value::Boolean).ok(),
            Value::Integer(_) => text.trim().parse().map(Value::Integer).ok(),
            Value::Float(_) => text.trim().parse().map(Value::Float).ok(),
            _ => None,
        };
        *entry = (value.unwrap_or(Value::String(text)), origin);
        Ok(())
    }
}

fn parse(text: &str, place: &str) -> Result<Table, ConfigError> {
    text.parse::<Table>().map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        // The message alone: the error's own display would print the line, and a secret may stand in it.
        ConfigError::one(format!("{place} is not TOML: line {line}: {}", error.message()))
    })
}

/// Every value by its dotted key.
fn leaves(table: Table) -> Vec<(String, Value)> {
    fn walk(prefix: &str, table: Table, found: &mut Vec<(String, Value)>) {
        for (name, value) in table {
            let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            match value {
                Value::Table(inner) => walk(&key, inner, found),
                value => found.push((key, value)),
            }
        }
    }
    let mut found = Vec::new();
    walk("", table, &mut found);
    found
}

/// `; did you mean ...?` if a known name is close enough.
pub(super) fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let close = known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(score, _)| *score > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match close {
        Some((_, candidate)) => format!("; did you mean {candidate}?"),
        None => "; `vidne config default` lists all keys".to_owned(),
    }
}
