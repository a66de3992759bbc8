//! The SFTP side: requests on the folder.

use std::collections::HashMap;
use std::fs::{OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use russh_sftp::protocol::{
    Attrs, Data, File as Entry, FileAttributes, Handle, Name, OpenFlags, Packet, Status, StatusCode, Version,
};
use russh_sftp::server::{Handler, StatusReply};
use tokio::fs;

use super::Quirks;
use super::code11;
use super::files::{self, Open, blocking};
use super::folder::Folder;

const FSYNC: &str = "fsync@openssh.com";

pub(super) struct Sftp {
    folder: Folder,
    quirks: Quirks,
    open: Open,
}

type Reply<T> = Result<T, Refusal>;

/// Why a request is refused.
pub(super) struct Refusal(StatusReply);

impl From<Refusal> for StatusReply {
    fn from(refusal: Refusal) -> Self {
        refusal.0
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::NotFound => StatusCode::NoSuchFile,
            io::ErrorKind::PermissionDenied => StatusCode::PermissionDenied,
            _ => StatusCode::Failure,
        };
        // The operating system's words; paths are not in them.
        Self(code.with_message(error.to_string()))
    }
}

impl From<StatusCode> for Refusal {
    fn from(code: StatusCode) -> Self {
        Self(code.into())
    }
}

impl Sftp {
    pub(super) fn new(folder: Folder, quirks: Quirks) -> Self {
        Self { folder, quirks, open: Open::default() }
    }

    fn allowed(&self) -> Reply<()> {
        if self.quirks.refuses_everything { Err(StatusCode::PermissionDenied.into()) } else { Ok(()) }
    }

    /// The real path, unless it is the folder itself, which clients must not change.
    async fn changeable(&self, path: &str) -> Reply<std::path::PathBuf> {
        self.allowed()?;
        if Folder::is_root(path) {
            return Err(StatusCode::PermissionDenied.into());
        }
        Ok(self.folder.real(path).await?)
    }

    async fn attributes(&self, path: &str) -> Reply<FileAttributes> {
        self.allowed()?;
        let real = self.folder.real(path).await?;
        Ok(attributes(&fs::symlink_metadata(real).await?))
    }

    async fn rename_over(&self, from: &Path, to: &Path) -> Reply<()> {
        if self.quirks.rename_replaces {
            return Ok(fs::rename(from, to).await?);
        }
        if fs::symlink_metadata(from).await?.is_dir() {
            // Folders cannot be linked; an empty one in the way would be replaced.
            if fs::try_exists(to).await? {
                return Err(self.in_the_way());
            }
            return Ok(fs::rename(from, to).await?);
        }
        // Linking fails if there is something already, with no moment in between.
        match fs::hard_link(from, to).await {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(self.in_the_way()),
            linked => {
                linked?;
                Ok(fs::remove_file(from).await?)
            }
        }
    }

    fn in_the_way(&self) -> Refusal {
        if self.quirks.rename_answers_code_11 {
            Refusal(StatusCode::Failure.with_message(code11::MARK))
        } else {
            StatusCode::Failure.into()
        }
    }
}

impl Handler for Sftp {
    type Error = Refusal;

    fn unimplemented(&self) -> Refusal {
        StatusCode::OpUnsupported.into()
    }

    async fn init(&mut self, _: u32, _: HashMap<String, String>) -> Reply<Version> {
        let mut version = Version::new();
        version.extensions.insert(FSYNC.to_owned(), "1".to_owned());
        Ok(version)
    }

    async fn open(&mut self, id: u32, path: String, flags: OpenFlags, _: FileAttributes) -> Reply<Handle> {
        let real = self.changeable(&path).await?;
        let has = |flag| flags.contains(flag);
        let mut options = OpenOptions::new();
        options.read(has(OpenFlags::READ)).write(has(OpenFlags::WRITE)).append(has(OpenFlags::APPEND));
        if has(OpenFlags::CREATE) {
            options.create(true).create_new(has(OpenFlags::EXCLUDE)).truncate(has(OpenFlags::TRUNCATE));
        }
        let file = blocking(move || {
            let file = options.open(real)?;
            if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
        });
        let handle = self.open.add_file(file.await?)?;
        Ok(Handle { id, handle })
    }

    async fn close(&mut self, id: u32, handle: String) -> Reply<Status> {
        self.open.close(&handle)?;
        Ok(ok(id))
    }

    async fn read(&mut self, id: u32, handle: String, offset: u64, len: u32) -> Reply<Data> {
        self.allowed()?;
        let data = files::read(self.open.file(&handle)?, offset, len).await?;
        if data.is_empty() && len > 0 {
            return Err(StatusCode::Eof.into());
        }
        Ok(Data { id, data })
    }

    async fn write(&mut self, id: u32, handle: String, offset: u64, data: Vec<u8>) -> Reply<Status> {
        self.allowed()?;
        files::write(self.open.file(&handle)?, offset, data).await?;
        Ok(ok(id))
    }

    async fn stat(&mut self, id: u32, path: String) -> Reply<Attrs> {
        Ok(Attrs { id, attrs: self.attributes(&path).await? })
    }

    async fn lstat(&mut self, id: u32, path: String) -> Reply<Attrs> {
        Ok(Attrs { id, attrs: self.attributes(&path).await? })
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Reply<Attrs> {
        self.allowed()?;
        let file = self.open.file(&handle)?;
        let metadata = blocking(move || file.metadata()).await?;
        Ok(Attrs { id, attrs: attributes(&metadata) })
    }

    async fn setstat(&mut self, id: u32, path: String, attrs: FileAttributes) -> Reply<Status> {
        let real = self.changeable(&path).await?;
        if let Some(mode) = attrs.permissions {
            fs::set_permissions(&real, Permissions::from_mode(mode & 0o777)).await?;
        }
        if let Some(size) = attrs.size {
            blocking(move || OpenOptions::new().write(true).open(real)?.set_len(size)).await?;
        }
        Ok(ok(id))
    }

    async fn opendir(&mut self, id: u32, path: String) -> Reply<Handle> {
        self.allowed()?;
        let mut listed = fs::read_dir(self.folder.real(&path).await?).await?;
        let mut entries = Vec::new();
        while let Some(entry) = listed.next_entry().await? {
            let name = entry.file_name().to_string_lossy().into_owned();
            entries.push(Entry::new(name, attributes(&fs::symlink_metadata(entry.path()).await?)));
        }
        let handle = self.open.add_folder(entries)?;
        Ok(Handle { id, handle })
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Reply<Name> {
        self.allowed()?;
        let files = self.open.entries(&handle)?;
        if files.is_empty() { Err(StatusCode::Eof.into()) } else { Ok(Name { id, files }) }
    }

    async fn mkdir(&mut self, id: u32, path: String, _: FileAttributes) -> Reply<Status> {
        fs::create_dir(self.changeable(&path).await?).await?;
        Ok(ok(id))
    }

    async fn rmdir(&mut self, id: u32, path: String) -> Reply<Status> {
        fs::remove_dir(self.changeable(&path).await?).await?;
        Ok(ok(id))
    }

    async fn remove(&mut self, id: u32, path: String) -> Reply<Status> {
        fs::remove_file(self.changeable(&path).await?).await?;
        Ok(ok(id))
    }

    async fn rename(&mut self, id: u32, from: String, to: String) -> Reply<Status> {
        let (from, to) = (self.changeable(&from).await?, self.changeable(&to).await?);
        self.rename_over(&from, &to).await?;
        Ok(ok(id))
    }

    async fn realpath(&mut self, id: u32, path: String) -> Reply<Name> {
        let entry = Entry {
            filename: Folder::absolute(&path),
            longname: String::new(),
            attrs: FileAttributes::empty(),
        };
        Ok(Name { id, files: vec![entry] })
    }

    async fn extended(&mut self, id: u32, request: String, data: Vec<u8>) -> Reply<Packet> {
        self.allowed()?;
        if request != FSYNC {
            return Err(StatusCode::OpUnsupported.into());
        }
        // The handle, as SSH writes strings: its length, then its letters.
        let handle = data.get(4..).and_then(|handle| std::str::from_utf8(handle).ok()).unwrap_or_default();
        let file = self.open.file(handle)?;
        blocking(move || file.sync_all()).await?;
        Ok(Packet::Status(ok(id)))
    }
}

fn attributes(metadata: &std::fs::Metadata) -> FileAttributes {
    let mut attributes = FileAttributes::from(metadata);
    attributes.permissions = Some(metadata.permissions().mode());
    attributes
}

fn ok(id: u32) -> Status {
    Status { id, status_code: StatusCode::Ok, error_message: "Ok".to_owned(), language_tag: "en".to_owned() }
}
