//! The file of a spool, and the lock that keeps others away.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::error::SpoolError;

/// The file in a folder that is named as a spool.
pub const SPOOL_FILE: &str = "vidne-spool.db";

/// A file that belongs to this process as long as the value lives. The operating system lets go of it when the process
/// ends, however it ends.
#[derive(Debug)]
pub(super) struct SpoolFile {
    path: PathBuf,
    _lock: File,
}

impl SpoolFile {
    /// Takes the file, and creates it (empty, and readable by its owner alone) if it is not there.
    pub(super) fn lock(path: &Path) -> Result<Self, SpoolError> {
        let path = if path.is_dir() { path.join(SPOOL_FILE) } else { path.to_owned() };
        let failed = |source| SpoolError::File { path: path.clone(), source };
        // A file of its own: SQLite has locks on the other one, which closing any handle of it would drop.
        let mut lock_path = path.clone().into_os_string();
        lock_path.push(".lock");
        let lock = create(Path::new(&lock_path)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SpoolError::Busy { path }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // SQLite gives its other files the rights of this one.
        drop(create(&path).map_err(failed)?);
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn failed(&self, source: sqlx::Error) -> SpoolError {
        SpoolError::Database { path: self.path.clone(), source }
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
