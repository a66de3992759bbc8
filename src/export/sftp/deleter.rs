//! Deleting files and empty folders.

use std::sync::Arc;

use opendal::Result;
use opendal::raw::{OpDelete, oio};

use super::link::Link;

/// Deletes one path at a time; what does not exist counts as deleted.
#[derive(Debug)]
pub struct SftpDeleter {
    link: Arc<Link>,
}

impl SftpDeleter {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }
}

impl oio::OneShotDelete for SftpDeleter {
    async fn delete_once(&self, path: String, _: OpDelete) -> Result<()> {
        let server = self.link.server().await?;
        let absolute = server.path(&path)?;
        let deleted = if path.ends_with('/') {
            server.session.rmdir(&absolute).await
        } else {
            server.session.remove(&absolute).await
        };
        match deleted {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }
}
