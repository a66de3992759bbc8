//! No room of `src/` reaches into one that it must not know.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A room, and the crates and rooms that it must not know (architecture: "Rooms and who may know whom").
const RULES: [(&str, &[&str]); 12] = [
    ("domain", &["tonic", "prost", "prost_types", "sea_orm", "sqlx", "opendal", "tokio", "russh", "crate"]),
    ("service", &["tonic", "prost", "sea_orm", "sqlx", "opendal", "crate::api", "crate::app", "crate::cli"]),
    ("codec", &["tonic", "sea_orm", "sqlx", "opendal", "crate::api", "crate::service", "crate::store"]),
    ("store", &["tonic", "opendal", "crate::api", "crate::service", "crate::export"]),
    ("log", &["tonic", "sea_orm", "sqlx"]),
    ("vault", &["tonic", "sea_orm", "sqlx", "opendal", "crate"]),
    ("export", &["tonic", "sea_orm", "sqlx", "crate::api", "crate::service"]),
    ("api", &["sea_orm", "sqlx", "opendal", "crate::store", "crate::export", "crate::app", "crate::cli"]),
    ("jobs", &["tonic", "crate::api"]),
    (
        "client",
        &[
            "sea_orm",
            "sqlx",
            "opendal",
            "crate::api",
            "crate::app",
            "crate::cli",
            "crate::config",
            "crate::export",
            "crate::service",
            "crate::store",
            "crate::vault",
        ],
    ),
    ("cli", &["sea_orm", "sqlx", "opendal", "crate::store", "crate::service", "crate::api"]),
    (
        "config",
        &["tonic", "sea_orm", "sqlx", "opendal", "crate::api", "crate::app", "crate::cli", "crate::store"],
    ),
];

/// What a rule forbids in general and a room is still allowed: itself and what the table says it may know.
fn allowed(room: &str, file: &Path, path: &str) -> bool {
    let own = format!("crate::{room}");
    is_below(path, &own)
        // The client's spool is an SQLite file of its own; nothing else of the client knows a database.
        || (file.starts_with("client/spool") && is_below(path, "sqlx"))
        // Plain data may be known by keys too: secrets are a type of the domain.
        || (room == "vault" && is_below(path, "crate::domain"))
}

fn is_below(path: &str, root: &str) -> bool {
    path == root || path.strip_prefix(root).is_some_and(|rest| rest.starts_with("::"))
}

#[test]
fn no_room_reaches_into_one_that_it_must_not_know() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut reached = Vec::new();
    for (room, forbidden) in RULES {
        for file in files(&src.join(room)) {
            let text = fs::read_to_string(&file).unwrap();
            let file = file.strip_prefix(&src).unwrap();
            for path in uses(&text) {
                let wrong = forbidden.iter().any(|root| is_below(&path, root)) && !allowed(room, file, &path);
                if wrong {
                    reached.push(format!("{}: {path}", file.display()));
                }
            }
        }
    }
    assert!(reached.is_empty(), "rooms reach into others:\n{}", reached.join("\n"));
}

#[test]
fn the_paths_of_use_lines_are_found() {
    let text = "use std::{fs, io::{self, Read}};\npub use crate::{store::{Store, sql}, api};\n    use tonic::Code;\n";
    let mut found = uses(text);
    found.sort();
    assert_eq!(
        found,
        [
            "crate::api",
            "crate::store::Store",
            "crate::store::sql",
            "std::fs",
            "std::io::Read",
            "std::io::self",
            "tonic::Code",
        ]
    );
}

/// Every Rust file below a room; generated code stands in `proto.rs`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") && path.file_name().unwrap() != "proto.rs" {
            found.push(path);
        }
    }
    found
}

/// The full path of everything that `use` lines name; of the code that tests are not.
fn uses(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    let mut found = Vec::new();
    for part in code.split(';') {
        let statement = part
            .lines()
            .skip_while(|line| {
                let line = line.trim_start();
                !(line.starts_with("use ") || (line.starts_with("pub") && line.contains("use ")))
            })
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(" ");
        if let Some((_, tree)) = statement.split_once("use ") {
            expand("", tree.trim(), &mut found);
        }
    }
    found
}

/// Takes a use tree apart: `a::{b, c::{d}}` is `a::b` and `a::c::d`.
fn expand(prefix: &str, tree: &str, found: &mut Vec<String>) {
    match tree.split_once('{') {
        None => {
            let path = tree.split(" as ").next().unwrap_or(tree).trim();
            if !path.is_empty() {
                found.push(format!("{prefix}{path}"));
            }
        }
        Some((head, rest)) => {
            let prefix = format!("{prefix}{}", head.trim());
            let inner = rest.trim_end().strip_suffix('}').unwrap_or(rest);
            let (mut depth, mut start) = (0_usize, 0);
            for (i, c) in inner.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    ',' if depth == 0 => {
                        expand(&prefix, inner[start..i].trim(), found);
                        start = i + 1;
                    }
                    _ => {}
                }
            }
            expand(&prefix, inner[start..].trim(), found);
        }
    }
}
