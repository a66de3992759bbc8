//! Where files go: one folder, with the few things that publishing needs of it.

mod factory;
mod local;
#[cfg(feature = "object-store")]
mod object;
#[cfg(feature = "object-store")]
mod object_probe;
mod ops;
mod scrubbed;
mod sftp;
mod store;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

pub use factory::{DestinationConfig, OpendalDestinations};

use super::{ExportError, host_key::HostKey};
use crate::domain::export::{Destination, DestinationSecrets, SftpDestination};

/// Makes folders of settings. Handed in, so that tests make folders that fail.
#[async_trait]
pub trait Destinations: Send + Sync + 'static {
    /// The folder of a destination. Connects to nothing yet and makes nothing; fails where settings or secrets
    /// cannot be used.
    async fn open(
        &self,
        destination: &Destination,
        secrets: &DestinationSecrets,
    ) -> Result<Arc<dyn DropFolder>, ExportError>;

    /// Looks up the name of a server, without connecting to it; fails if it has no address.
    async fn resolve(&self, destination: &SftpDestination) -> Result<(), ExportError>;

    /// The key that a server presents, without logging in.
    async fn host_key(&self, destination: &SftpDestination) -> Result<HostKey, ExportError>;
}

/// One folder. Names are relative paths: a file's folder below this one, if it has one, and its name.
///
/// Every method is bounded in time. An error may come after the effect: whoever acts on it looks again.
#[async_trait]
pub trait DropFolder: Send + Sync + 'static {
    /// Whether the folder itself is there; where it is not, nothing can be said about its files.
    async fn is_there(&self) -> Result<bool, ExportError>;

    /// The size of a file in bytes; `None` if there is none.
    async fn size(&self, name: &str) -> Result<Option<u64>, ExportError>;

    /// The SHA-256 of a file's bytes; `None` if it is not there or may not be read.
    async fn sha256(&self, name: &str) -> Result<Option<[u8; 32]>, ExportError>;

    /// Begins a new file; MUST fail, here or later, if one is there. Makes folders below if need be, and a local
    /// folder itself.
    async fn create(&self, name: &str) -> Result<Box<dyn NewFile>, ExportError>;

    /// Gives a file its final name. MUST NOT replace; MUST be all or nothing for whoever watches the final
    /// name.
    async fn publish(&self, part: &str, name: &str) -> Result<Published, ExportError>;

    /// Deletes a file; one that is not there counts as deleted.
    async fn delete(&self, name: &str) -> Result<(), ExportError>;

    /// What to know about the mode that files were to get, once a file that was written did not get it.
    fn mode_refused(&self) -> Option<String> {
        None
    }

    /// The names of hidden temporary files (`.*.part`) in a folder below this one, or, if that is empty, in this one;
    /// at most `limit`.
    async fn parts(&self, directory: &str, limit: usize) -> Result<Vec<String>, ExportError>;
}

/// A file that is being written. Dropping it leaves what was written so far.
#[async_trait]
pub trait NewFile: Send {
    /// Appends. After an error the file is of no use.
    async fn write(&mut self, bytes: Bytes) -> Result<(), ExportError>;

    /// Completes it: `Ok` means that the destination has taken every byte, and put them on disk where it can
    /// be asked to.
    async fn close(&mut self) -> Result<(), ExportError>;
}

/// What became of giving a file its final name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// It has it.
    Done,
    /// Something has the final name already; nothing was changed.
    NameTaken,
    /// The temporary file is not there.
    PartMissing,
}
