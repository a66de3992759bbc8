//! A folder for what a measurement writes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::error::{BenchError, io};

/// A new folder that goes with this value.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes one in `parent`, for this user only.
    pub(super) fn make(parent: &Path) -> Result<Self, BenchError> {
        let path = parent.join(format!("vidne-bench-{}", Uuid::new_v4().simple()));
        let failed = || io(format!("make the folder {}", path.display()));
        // `create_dir`, not `create_dir_all`: it must be ours and new.
        fs::create_dir(&path).map_err(failed())?;
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).map_err(failed())?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Best effort: its name says what it is.
        let _ = fs::remove_dir_all(&self.0);
    }
}
