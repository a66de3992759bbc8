//! A folder whose errors cannot hold the secrets it was opened with.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::{DropFolder, NewFile, Published};
use crate::{domain::export::DestinationSecrets, export::ExportError};

/// Whoever handles a run's errors knows only the secrets that are kept. One that was found elsewhere is taken out
/// here, should a server repeat it.
pub(super) struct Scrubbed {
    pub(super) folder: Arc<dyn DropFolder>,
    pub(super) secrets: Arc<DestinationSecrets>,
}

impl Scrubbed {
    fn clean<T>(&self, done: Result<T, ExportError>) -> Result<T, ExportError> {
        done.map_err(|error| error.scrubbed(&self.secrets))
    }
}

#[async_trait]
impl DropFolder for Scrubbed {
    async fn is_there(&self) -> Result<bool, ExportError> {
        self.clean(self.folder.is_there().await)
    }

    async fn size(&self, name: &str) -> Result<Option<u64>, ExportError> {
        self.clean(self.folder.size(name).await)
    }

    async fn sha256(&self, name: &str) -> Result<Option<[u8; 32]>, ExportError> {
        self.clean(self.folder.sha256(name).await)
    }

    async fn create(&self, name: &str) -> Result<Box<dyn NewFile>, ExportError> {
        let file = self.clean(self.folder.create(name).await)?;
        Ok(Box::new(ScrubbedFile { file, secrets: self.secrets.clone() }))
    }

    async fn publish(&self, part: &str, name: &str) -> Result<Published, ExportError> {
        self.clean(self.folder.publish(part, name).await)
    }

    async fn delete(&self, name: &str) -> Result<(), ExportError> {
        self.clean(self.folder.delete(name).await)
    }

    fn mode_refused(&self) -> Option<String> {
        self.folder.mode_refused()
    }

    async fn parts(&self, directory: &str, limit: usize) -> Result<Vec<String>, ExportError> {
        self.clean(self.folder.parts(directory, limit).await)
    }
}

struct ScrubbedFile {
    file: Box<dyn NewFile>,
    secrets: Arc<DestinationSecrets>,
}

#[async_trait]
impl NewFile for ScrubbedFile {
    async fn write(&mut self, bytes: Bytes) -> Result<(), ExportError> {
        self.file.write(bytes).await.map_err(|error| error.scrubbed(&self.secrets))
    }

    async fn close(&mut self) -> Result<(), ExportError> {
        self.file.close().await.map_err(|error| error.scrubbed(&self.secrets))
    }
}
