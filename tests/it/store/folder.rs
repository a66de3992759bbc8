//! The data folder belongs to one server at a time.

use tempfile::TempDir;
use vidne::store::{StoreError, folder::DataFolder};

#[test]
fn a_folder_is_made_and_held_by_one_at_a_time() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("deep/vidne-data");
    let held = DataFolder::lock(&path).unwrap();
    assert_eq!(held.path(), path);

    let Err(StoreError::Incompatible(words)) = DataFolder::lock(&path) else { panic!("refused") };
    assert!(words.contains(path.to_str().unwrap()), "{words}");
    assert!(words.contains("in use by another vidne server"), "{words}");
    assert!(words.contains("stop that one or name another folder"), "{words}");

    drop(held);
    DataFolder::lock(&path).unwrap();
}

#[cfg(unix)]
#[test]
fn a_folder_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = TempDir::new().unwrap();
    let folder = DataFolder::lock(&parent.path().join("vidne-data")).unwrap();
    assert_eq!(folder.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_folder_that_cannot_be_made_is_refused_in_plain_words() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let Err(StoreError::Incompatible(words)) = DataFolder::lock(&file.join("vidne-data")) else {
        panic!("refused")
    };
    assert!(words.contains("cannot be created") && words.contains("name another folder"), "{words}");
}
