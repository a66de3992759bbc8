//! The data folder of a server that keeps its events in SQLite.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::StoreError;

/// The lock file in the folder. It stays when the server ends; only the lock on it counts.
const LOCK_FILE: &str = "vidne.lock";

/// A folder that belongs to this process as long as the value lives. The operating system lets go of it when
/// the process ends, however it ends.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Creates the folder if it is not there (readable by its owner alone) and takes it. `Incompatible` if
    /// another server holds it, or if it cannot be created or written.
    pub fn lock(path: &Path) -> Result<Self, StoreError> {
        create(path).map_err(|e| refusal(path, "cannot be created", &e))?;
        let file = open(&path.join(LOCK_FILE)).map_err(|e| refusal(path, "cannot be written", &e))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Incompatible(format!(
                "the data folder {} is in use by another vidne server; stop that one or name another folder",
                path.display()
            ))),
            Err(TryLockError::Error(e)) => Err(refusal(path, "cannot be locked", &e)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn create(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn refusal(path: &Path, what: &str, cause: &io::Error) -> StoreError {
    StoreError::Incompatible(format!(
        "the data folder {} {what}: {cause}; give this user the right to it or name another folder",
        path.display()
    ))
}
