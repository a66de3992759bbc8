//! The one folder clients see as `/`.

use std::io;
use std::path::{Component, Path, PathBuf};

use tokio::fs;

/// A folder that paths cannot lead out of.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let root = folder.canonicalize()?;
        if !root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { root })
    }

    /// The real path of a client's path. Fails with `PermissionDenied` if a link is on the way: links could
    /// lead anywhere.
    pub(super) async fn real(&self, path: &str) -> io::Result<PathBuf> {
        let mut real = self.root.clone();
        for segment in segments(path) {
            real.push(segment);
            match fs::symlink_metadata(&real).await {
                Ok(found) if found.is_symlink() => return Err(io::ErrorKind::PermissionDenied.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(real)
    }

    /// Whether a client's path is the folder itself.
    pub(super) fn is_root(path: &str) -> bool {
        segments(path).is_empty()
    }

    /// A client's path without `.`, `..` and doubled slashes.
    pub(super) fn absolute(path: &str) -> String {
        format!("/{}", segments(path).join("/"))
    }
}

/// The names a client's path consists of; `..` climbs no higher than the folder.
fn segments(path: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            // Nothing that the operating system would read as more than one plain name.
            name if Path::new(name).components().eq([Component::Normal(name.as_ref())]) => {
                segments.push(name)
            }
            _ => {}
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_do_not_climb_out() {
        assert_eq!(Folder::absolute("../../etc/passwd"), "/etc/passwd");
        assert_eq!(Folder::absolute("/a/./b//../c"), "/a/c");
        assert_eq!(Folder::absolute("."), "/");
        assert!(Folder::is_root("a/.."));
    }

    #[tokio::test]
    async fn links_are_refused_wherever_they_lead() {
        let outside = tempfile::tempdir().unwrap();
        let inside = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), inside.path().join("out")).unwrap();
        let folder = Folder::open(inside.path()).unwrap();
        for path in ["out", "out/secret"] {
            assert_eq!(folder.real(path).await.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        }
        assert!(folder.real("plain/new").await.is_ok());
    }
}
