//! A folder on the server's own machine, below its `export.directory`.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use opendal::Operator;

use super::{DropFolder, NewFile, Published, ops};
use crate::export::{ExportError, file_mode::WantedMode};

/// Files are published with a second link to the same file, which cannot replace; then the first one goes.
/// File and folder are on disk before publishing is called done.
#[derive(Clone)]
pub(super) struct LocalFolder {
    /// Rooted in `root`.
    operator: Operator,
    root: PathBuf,
    directory: String,
    mode: Option<WantedMode>,
}

impl LocalFolder {
    /// `directory` below `root`; refuses one that leads out, also through a link.
    pub(super) async fn open(
        root: PathBuf,
        directory: String,
        layered: impl FnOnce(&Path) -> Result<Operator, ExportError>,
    ) -> Result<Self, ExportError> {
        let (base, below) = (root.clone(), directory.clone());
        let root = blocking("opening export.directory", move || {
            fs::create_dir_all(&base)?;
            let root = base.canonicalize()?;
            confined(&root, &below)?;
            Ok(root)
        })
        .await?;
        let operator = layered(&root)?;
        Ok(Self { operator, root, directory, mode: None })
    }

    /// The same with permissions for its files.
    pub(super) fn with_mode(self, mode: Option<WantedMode>) -> Self {
        Self { mode, ..self }
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.directory)
    }

    /// Runs `act` on the real path of a folder below this one, or of this one, which is checked anew each time.
    async fn within<T: Send + 'static>(
        &self,
        below: &str,
        doing: &'static str,
        act: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ExportError> {
        let (root, directory) = (self.root.clone(), join(&self.directory, below));
        blocking(doing, move || act(&confined(&root, &directory)?)).await
    }
}

/// The folder of a name, and the name in it.
fn folder_of(name: &str) -> (&str, &str) {
    name.rsplit_once('/').unwrap_or(("", name))
}

/// A folder below another.
fn join(directory: &str, below: &str) -> String {
    if below.is_empty() { directory.to_owned() } else { format!("{directory}/{below}") }
}

async fn blocking<T: Send + 'static>(
    doing: &'static str,
    act: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ExportError> {
    let done = tokio::task::spawn_blocking(act).await;
    done.unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
        .map_err(|error| ExportError::io(doing, error))
}

/// The path of `directory` below `root` (which is canonical), whether it exists or not.
fn confined(root: &Path, directory: &str) -> io::Result<PathBuf> {
    let leads_out = || {
        let message = "the folder leads out of the server's export.directory; give one below it";
        io::Error::new(io::ErrorKind::InvalidInput, message)
    };
    let mut path = root.to_owned();
    for part in directory.split('/') {
        if matches!(part, "" | "." | "..") || part.contains('\0') {
            return Err(leads_out());
        }
        path.push(part);
        match path.canonicalize() {
            Ok(real) if real.starts_with(root) => path = real,
            Ok(_) => return Err(leads_out()),
            // A link to nowhere could lead anywhere once its target is made.
            Err(_) if path.is_symlink() => return Err(leads_out()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(path)
}

/// Makes what is missing of `path` below `root`, each folder on disk before the next.
fn make(root: &Path, path: &Path) -> io::Result<()> {
    if path == root || path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(root);
    make(root, parent)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    sync(parent)
}

fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

fn publish(folder: &Path, part: &str, name: &str) -> io::Result<Published> {
    let (part, name) = (folder.join(part), folder.join(name));
    match fs::hard_link(&part, &name) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Published::NameTaken),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Published::PartMissing),
        Err(error) => return Err(error),
    }
    sync(folder)?;
    match fs::remove_file(&part) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        removed => removed?,
    }
    sync(folder)?;
    Ok(Published::Done)
}

#[async_trait]
impl DropFolder for LocalFolder {
    async fn is_there(&self) -> Result<bool, ExportError> {
        self.within("", "looking at the folder", |folder| Ok(folder.is_dir())).await
    }

    async fn size(&self, name: &str) -> Result<Option<u64>, ExportError> {
        ops::size(&self.operator, &self.path(name)).await
    }

    async fn sha256(&self, name: &str) -> Result<Option<[u8; 32]>, ExportError> {
        ops::sha256(&self.operator, &self.path(name)).await
    }

    async fn create(&self, name: &str) -> Result<Box<dyn NewFile>, ExportError> {
        let root = self.root.clone();
        self.within(folder_of(name).0, "making the folder", move |folder| make(&root, folder)).await?;
        let file = ops::create(&self.operator, &self.path(name)).await?;
        Ok(match &self.mode {
            Some(mode) => {
                let (folder, mode, name) = (self.clone(), mode.clone(), name.to_owned());
                Box::new(FileWithMode { file, folder, mode, name })
            }
            None => file,
        })
    }

    async fn publish(&self, part: &str, name: &str) -> Result<Published, ExportError> {
        let (below, name) = folder_of(name);
        let (part, name) = (folder_of(part).1.to_owned(), name.to_owned());
        self.within(below, "giving a file its final name", move |folder| publish(folder, &part, &name)).await
    }

    async fn delete(&self, name: &str) -> Result<(), ExportError> {
        ops::delete(&self.operator, &self.path(name)).await
    }

    fn mode_refused(&self) -> Option<String> {
        self.mode.as_ref().and_then(WantedMode::refused)
    }

    async fn parts(&self, directory: &str, limit: usize) -> Result<Vec<String>, ExportError> {
        ops::parts(&self.operator, &format!("{}/", join(&self.directory, directory)), limit).await
    }
}

/// A file that gets permissions once it is complete, which are on disk before that is said.
struct FileWithMode {
    file: Box<dyn NewFile>,
    folder: LocalFolder,
    mode: WantedMode,
    name: String,
}

#[async_trait]
impl NewFile for FileWithMode {
    async fn write(&mut self, bytes: Bytes) -> Result<(), ExportError> {
        self.file.write(bytes).await
    }

    async fn close(&mut self) -> Result<(), ExportError> {
        self.file.close().await?;
        let (below, name) = folder_of(&self.name);
        let (name, bits) = (name.to_owned(), self.mode.bits());
        let set = move |folder: &Path| {
            let file = fs::File::open(folder.join(name))?;
            match file.set_permissions(fs::Permissions::from_mode(bits)) {
                // A file system without permissions, mostly.
                Err(error) if may_be_left(&error) => return Ok(Some(error.kind())),
                set => set?,
            }
            file.sync_all()?;
            Ok(None)
        };
        let refused = self.folder.within(below, "setting a file's permissions", set).await?;
        refused.into_iter().for_each(|why| self.mode.refuse(why));
        Ok(())
    }
}

fn may_be_left(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_directory_leads_out_of_the_root() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().canonicalize().unwrap().join("export");
        fs::create_dir_all(root.join("real")).unwrap();
        fs::create_dir(outer.path().join("outside")).unwrap();
        std::os::unix::fs::symlink(outer.path().join("outside"), root.join("out")).unwrap();
        std::os::unix::fs::symlink(root.join("real"), root.join("in")).unwrap();
        std::os::unix::fs::symlink("/nowhere/at/all", root.join("dangling")).unwrap();
        for bad in ["..", "a/../../b", "/etc", "", "a//b", "out", "out/deeper", "dangling", "dangling/x"] {
            assert!(confined(&root, bad).is_err(), "{bad}");
        }
        assert_eq!(confined(&root, "in/x").unwrap(), root.join("real/x"));
        assert_eq!(confined(&root, "new/x").unwrap(), root.join("new/x"));
    }

    #[test]
    fn publishing_never_replaces() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".a.part"), "new").unwrap();
        fs::write(folder.path().join("a"), "old").unwrap();
        assert_eq!(publish(folder.path(), ".a.part", "a").unwrap(), Published::NameTaken);
        assert_eq!(fs::read_to_string(folder.path().join("a")).unwrap(), "old");
        assert_eq!(publish(folder.path(), ".a.part", "b").unwrap(), Published::Done);
        assert_eq!(fs::read_to_string(folder.path().join("b")).unwrap(), "new");
        assert_eq!(publish(folder.path(), ".a.part", "c").unwrap(), Published::PartMissing);
    }
}
