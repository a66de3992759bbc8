//! Open files and folders of one SFTP session.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use russh_sftp::protocol::File as Entry;

/// Most files and folders a session may have open.
const OPEN_MAX: usize = 512;
/// Most bytes handed out per read.
const READ_MAX: usize = 255 * 1024;
/// Most entries handed out per answer to a folder's reading.
const ENTRIES_MAX: usize = 100;

#[derive(Default)]
pub(super) struct Open {
    next: u64,
    files: HashMap<String, Arc<File>>,
    folders: HashMap<String, Vec<Entry>>,
}

impl Open {
    pub(super) fn add_file(&mut self, file: File) -> io::Result<String> {
        let handle = self.handle()?;
        self.files.insert(handle.clone(), Arc::new(file));
        Ok(handle)
    }

    pub(super) fn add_folder(&mut self, entries: Vec<Entry>) -> io::Result<String> {
        let handle = self.handle()?;
        self.folders.insert(handle.clone(), entries);
        Ok(handle)
    }

    fn handle(&mut self) -> io::Result<String> {
        if self.files.len() + self.folders.len() >= OPEN_MAX {
            return Err(io::Error::other("too many open files"));
        }
        self.next += 1;
        Ok(self.next.to_string())
    }

    pub(super) fn file(&self, handle: &str) -> io::Result<Arc<File>> {
        self.files.get(handle).cloned().ok_or_else(unknown)
    }

    /// The next entries of an open folder; none at its end.
    pub(super) fn entries(&mut self, handle: &str) -> io::Result<Vec<Entry>> {
        let left = self.folders.get_mut(handle).ok_or_else(unknown)?;
        Ok(left.drain(..left.len().min(ENTRIES_MAX)).collect())
    }

    pub(super) fn close(&mut self, handle: &str) -> io::Result<()> {
        let known = self.files.remove(handle).is_some() | self.folders.remove(handle).is_some();
        if known { Ok(()) } else { Err(unknown()) }
    }
}

fn unknown() -> io::Error {
    io::Error::other("no such handle")
}

/// Reads at an offset; empty at the end of the file.
pub(super) async fn read(file: Arc<File>, offset: u64, bytes: u32) -> io::Result<Vec<u8>> {
    blocking(move || {
        let mut data = vec![0; READ_MAX.min(bytes as usize)];
        let read = file.read_at(&mut data, offset)?;
        data.truncate(read);
        Ok(data)
    })
    .await
}

pub(super) async fn write(file: Arc<File>, offset: u64, data: Vec<u8>) -> io::Result<()> {
    blocking(move || file.write_all_at(&data, offset)).await
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
