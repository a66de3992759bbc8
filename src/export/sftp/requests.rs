//! The requests vidne makes, each answered before it returns.

use std::borrow::Cow;
use std::path::Path;

use openssh_sftp_client_lowlevel as sftp;
use sftp::{CreateFlags, FileAttrs, Handle, HandleOwned, Limits, NameEntry, OpenOptions, Permissions};

use super::session::Session;
use super::sftp_error::SftpError;

fn path(path: &str) -> Cow<'_, Path> {
    Cow::Borrowed(Path::new(path))
}

impl Session {
    /// Opens an existing file for reading.
    pub(super) async fn open(&self, file: &str) -> Result<HandleOwned, SftpError> {
        let params = OpenOptions::new().read(true).open(path(file));
        self.call(|requests, id| Ok(requests.send_open_file_request(id, params)?.wait())).await
    }

    /// Opens a file for writing: a new one only, or an empty one in place of what is there.
    pub(super) async fn create(&self, file: &str, flags: CreateFlags) -> Result<HandleOwned, SftpError> {
        let params = OpenOptions::new().write(true).create(path(file), flags, FileAttrs::new());
        self.call(|requests, id| Ok(requests.send_open_file_request(id, params)?.wait())).await
    }

    /// Closes a file or folder and hears whether everything is in place.
    pub(super) async fn close(&self, handle: &Handle) -> Result<(), SftpError> {
        self.call(|requests, id| Ok(requests.send_close_request(id, Cow::Borrowed(handle))?.wait())).await
    }

    /// Closes a file or folder that was only read, without waiting.
    pub(super) fn close_later(&self, handle: &Handle) {
        // If the session has ended, the server has closed it already.
        let _ = self.post(|requests, id| requests.send_close_request(id, Cow::Borrowed(handle)));
    }

    /// Has the server put a file's content on its disk.
    pub(super) async fn fsync(&self, handle: &Handle) -> Result<(), SftpError> {
        self.call(|requests, id| Ok(requests.send_fsync_request(id, Cow::Borrowed(handle))?.wait())).await
    }

    /// What is at a path, links followed.
    pub(super) async fn stat(&self, file: &str) -> Result<FileAttrs, SftpError> {
        self.call(|requests, id| Ok(requests.send_stat_request(id, path(file))?.wait())).await
    }

    /// Sets a file's permissions, and nothing else of it.
    pub(super) async fn set_permissions(&self, file: &str, bits: u32) -> Result<(), SftpError> {
        let mut attrs = FileAttrs::new();
        attrs.set_permissions(Permissions::from_bits_truncate(bits));
        self.call(|requests, id| Ok(requests.send_setstat_request(id, path(file), attrs)?.wait())).await
    }

    /// Whether anything at all is at a path, a dangling link included.
    pub(super) async fn exists(&self, file: &str) -> Result<bool, SftpError> {
        let looked = self.call(|requests, id| Ok(requests.send_lstat_request(id, path(file))?.wait())).await;
        let looked = match looked {
            Err(error) if error.is_unsupported() => self.stat(file).await,
            looked => looked,
        };
        match looked {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn remove(&self, file: &str) -> Result<(), SftpError> {
        self.call(|requests, id| Ok(requests.send_remove_request(id, path(file))?.wait())).await
    }

    pub(super) async fn rmdir(&self, folder: &str) -> Result<(), SftpError> {
        self.call(|requests, id| Ok(requests.send_rmdir_request(id, path(folder))?.wait())).await
    }

    pub(super) async fn mkdir(&self, folder: &str) -> Result<(), SftpError> {
        let attrs = FileAttrs::new();
        self.call(|requests, id| Ok(requests.send_mkdir_request(id, path(folder), attrs)?.wait())).await
    }

    /// The rename of SFTP version 3, which must not replace and on some servers does.
    pub(super) async fn rename(&self, from: &str, to: &str) -> Result<(), SftpError> {
        self.call(|requests, id| Ok(requests.send_rename_request(id, path(from), path(to))?.wait())).await
    }

    /// OpenSSH's rename, which replaces.
    pub(super) async fn posix_rename(&self, from: &str, to: &str) -> Result<(), SftpError> {
        self.call(|requests, id| Ok(requests.send_posix_rename_request(id, path(from), path(to))?.wait()))
            .await
    }

    pub(super) async fn open_dir(&self, folder: &str) -> Result<HandleOwned, SftpError> {
        self.call(|requests, id| Ok(requests.send_opendir_request(id, path(folder))?.wait())).await
    }

    /// Some more entries of a folder; none at its end.
    pub(super) async fn read_dir(&self, handle: &Handle) -> Result<Box<[NameEntry]>, SftpError> {
        self.call(|requests, id| Ok(requests.send_readdir_request(id, Cow::Borrowed(handle))?.wait())).await
    }

    /// The absolute spelling of a path.
    pub(super) async fn real_path(&self, file: &str) -> Result<String, SftpError> {
        let real: Box<Path> =
            self.call(|requests, id| Ok(requests.send_realpath_request(id, path(file))?.wait())).await?;
        Ok(real.to_string_lossy().into_owned())
    }

    pub(super) async fn limits(&self) -> Result<Limits, SftpError> {
        self.call(|requests, id| Ok(requests.send_limits_request(id)?.wait())).await
    }
}
