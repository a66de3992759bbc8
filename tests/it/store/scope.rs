//! Every read and change of a tenant's data begins at its tenant.

use std::{fs, path::Path};

/// As they are called in `src/store/sql/`.
const SCOPED: [&str; 5] = ["events", "heads", "jobs", "revisions", "files"];
const UNSCOPED: [&str; 5] = ["find(", "find_by_id(", "update_many(", "delete_many(", "delete_by_id("];

#[test]
fn g7_no_tenants_rows_are_read_or_changed_without_naming_the_tenant() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sql");
    let mut looked_at = 0;
    for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.is_dir() {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for entity in SCOPED {
            looked_at += text.matches(&format!("{entity}::Entity::of(")).count();
            for method in UNSCOPED {
                let call = format!("{entity}::Entity::{method}");
                assert!(!text.contains(&call), "{} calls {call}", file.display());
            }
        }
    }
    assert!(looked_at >= 10, "the names above are out of date: {looked_at}");
}
