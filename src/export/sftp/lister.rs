//! Listing a folder.

use std::collections::VecDeque;
use std::sync::Arc;

use opendal::raw::oio;
use opendal::{Error, MetadataBuilder, Result};
use openssh_sftp_client_lowlevel::{HandleOwned, NameEntry};

use super::link::{Link, Server};
use super::metadata;
use super::sftp_error::SftpError;

/// The entries of one folder, in the server's order, the folder itself first. A folder that does not exist
/// has none.
#[derive(Debug)]
pub struct SftpLister {
    link: Arc<Link>,
    path: String,
    open: Option<OpenFolder>,
    ready: VecDeque<oio::Entry>,
    handed_out: bool,
    done: bool,
}

#[derive(Debug)]
struct OpenFolder {
    server: Arc<Server>,
    handle: HandleOwned,
}

impl Drop for OpenFolder {
    fn drop(&mut self) {
        self.server.session.close_later(&self.handle);
    }
}

impl SftpLister {
    pub(super) fn new(link: Arc<Link>, path: &str) -> Self {
        Self {
            link,
            path: path.to_owned(),
            open: None,
            ready: VecDeque::new(),
            handed_out: false,
            done: false,
        }
    }

    /// Opens the folder; `None` if it does not exist.
    async fn opened(&mut self) -> Result<Option<&OpenFolder>> {
        if self.open.is_none() {
            let server = self.link.server().await?;
            let folder = server.path(&self.path)?;
            let handle = match server.session.open_dir(&folder).await {
                Ok(handle) => handle,
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            self.ready.push_back(oio::Entry::new(&self.path, MetadataBuilder::dir().build()));
            self.open = Some(OpenFolder { server, handle });
        }
        Ok(self.open.as_ref())
    }

    fn entry(&self, listed: &NameEntry) -> Option<oio::Entry> {
        let name = listed.filename.to_str()?;
        if matches!(name, "" | "." | "..") || name.contains('/') {
            return None;
        }
        let folder = if self.path == "/" { "" } else { &self.path };
        let slash = if metadata::is_dir(&listed.attrs) { "/" } else { "" };
        Some(oio::Entry::new(&format!("{folder}{name}{slash}"), metadata::of(&listed.attrs)))
    }
}

impl SftpLister {
    /// Listing can begin again as long as nobody has seen an entry, but not go on.
    fn broken(&mut self, error: SftpError) -> Error {
        self.open = None;
        self.ready.clear();
        self.done = self.handed_out;
        let error = Error::from(error);
        if self.handed_out { error.set_permanent() } else { error }
    }
}

impl oio::List for SftpLister {
    async fn next(&mut self) -> Result<Option<oio::Entry>> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                self.handed_out = true;
                return Ok(Some(entry));
            }
            if self.done {
                return Ok(None);
            }
            let Some(folder) = self.opened().await? else {
                self.done = true;
                continue;
            };
            let listed = match folder.server.session.read_dir(&folder.handle).await {
                Ok(listed) => listed,
                Err(error) => return Err(self.broken(error)),
            };
            if listed.is_empty() {
                self.done = true;
                self.open = None;
            }
            let entries: Vec<oio::Entry> = listed.iter().filter_map(|entry| self.entry(entry)).collect();
            self.ready.extend(entries);
        }
    }
}
