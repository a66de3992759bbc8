//! Prints the configuration in force.

use std::fmt::Write;

use toml::Value;

use super::{
    settings::Settings,
    source::{Origin, Values},
};

const MASK: &str = "***";

/// Each key with its value and where that came from, and what is declared, as TOML. Secrets are masked.
pub fn show(values: &Values) -> String {
    let mut text = String::new();
    let mut section = "";
    // Keys without a section come first, or they would belong to the section before.
    let (plain, sectioned): (Vec<_>, Vec<_>) = values.keys.iter().partition(|(key, _)| !key.contains('.'));
    for (key, (value, origin)) in plain.into_iter().chain(sectioned) {
        let (of, name) = key.rsplit_once('.').unwrap_or(("", key));
        if of != section {
            section = of;
            let _ = writeln!(text, "\n[{section}]");
        }
        let from = match origin {
            Origin::Default => String::new(),
            origin => format!(" # {origin}"),
        };
        let _ = writeln!(text, "{name} = {}{from}", masked(key, value));
    }
    text.push_str(&values.declarations.show(Settings::new(values).is_ok()));
    text
}

fn masked(key: &str, value: &Value) -> Value {
    match (key, value) {
        ("keys.key", Value::String(text)) if !text.is_empty() => Value::String(MASK.to_owned()),
        ("database.url", Value::String(text)) => Value::String(masked_url(text)),
        _ => value.clone(),
    }
}

/// Without the user, the password and the options, in which a password may stand too.
pub(super) fn masked_url(url: &str) -> String {
    let (url, options) = match url.split_once('?') {
        Some((url, _)) => (url, "?***"),
        None => (url, ""),
    };
    let Some((scheme, rest)) = url.split_once("://") else {
        return if url.is_empty() { String::new() } else { MASK.to_owned() };
    };
    match rest.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}://{MASK}@{place}{options}"),
        None => format!("{scheme}://{rest}{options}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        for (url, shown) in [
            ("", ""),
            ("postgres://db.example/vidne", "postgres://db.example/vidne"),
            ("postgres://vidne:hun@ter2@db.example:5432/vidne", "postgres://***@db.example:5432/vidne"),
            ("postgres://db/vidne?password=hunter2", "postgres://db/vidne?***"),
            ("hunter2", "***"),
        ] {
            assert_eq!(masked_url(url), shown);
        }
    }
}
