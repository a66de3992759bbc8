//! A folder in an object store, where an object appears when its upload completes.
//!
//! There is no rename. A file is uploaded as a hidden object and published by the one act of this service that makes
//! an object under the condition that there is none: a copy within the store where it keeps to that condition, else a
//! second upload. What it keeps to is tried before the first upload, since servers that speak a protocol often ignore
//! the parts of it that they do not know.
//!
//! What nobody can know: whether an object was made by an act whose answer got lost, if its consumer has deleted it
//! since. Then the hidden object is still there, and it is published again.

use async_trait::async_trait;
use futures::TryStreamExt as _;
use opendal::{Error, ErrorKind, Operator};
use tokio::sync::OnceCell;

use super::{DropFolder, NewFile, Published, object_probe, ops};
use crate::export::ExportError;

/// What is uploaded at once; a file that is not larger is one request.
pub(super) const CHUNK_BYTES: usize = 8 * 1024 * 1024;
const READ_BYTES: usize = 1024 * 1024;
const PUBLISHING: &str = "giving a file its final name";

/// How an object gets its final name.
#[cfg_attr(
    not(all(feature = "s3", feature = "azblob", feature = "gcs")),
    allow(dead_code, reason = "each store has its own ways")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A conditional copy within the store.
    Copy,
    /// A conditional composition of one object, within the store.
    Compose,
    /// A second, conditional upload.
    Upload {
        /// It is certain that the condition holds for uploads in several pieces too; else it is tried.
        pieces: bool,
    },
}

/// A bucket or container, or what begins with a prefix in it.
pub(super) struct ObjectFolder {
    operator: Operator,
    /// Ways to publish, the best one first.
    ways: &'static [Way],
    way: OnceCell<Way>,
    pieces: OnceCell<()>,
}

impl ObjectFolder {
    pub(super) fn new(operator: Operator, ways: &'static [Way]) -> Self {
        Self { operator, ways, way: OnceCell::new(), pieces: OnceCell::new() }
    }

    /// The way that this store keeps to, tried once.
    async fn way(&self) -> Result<Way, ExportError> {
        self.way.get_or_try_init(|| object_probe::way(&self.operator, self.ways)).await.copied()
    }

    async fn upload_again(&self, part: &str, name: &str, pieces: bool) -> Result<Published, ExportError> {
        let Some(size) = self.size(part).await? else { return Ok(Published::PartMissing) };
        if !pieces && size > CHUNK_BYTES as u64 {
            self.pieces.get_or_try_init(|| object_probe::pieces(&self.operator)).await?;
        }
        published(copy_through(&self.operator, part, name, size).await)
    }
}

/// Makes `to` of the bytes of `from`, unless there is one.
async fn copy_through(operator: &Operator, from: &str, to: &str, size: u64) -> opendal::Result<()> {
    let mut bytes = operator.reader_with(from).chunk(READ_BYTES).await?.into_stream(..size).await?;
    let mut writer = operator.writer_with(to).if_not_exists(true).chunk(CHUNK_BYTES).await?;
    let written = async {
        let mut sent = 0;
        while let Some(chunk) = bytes.try_next().await? {
            sent += chunk.len() as u64;
            writer.write(chunk).await?;
        }
        if sent == size {
            return Ok(());
        }
        let message = format!("{sent} of {size} bytes were read back");
        Err(Error::new(ErrorKind::Unexpected, message).set_temporary())
    }
    .await;
    match written {
        Ok(()) => writer.close().await.map(drop),
        Err(error) => {
            // Best effort: pieces that stay behind are never an object.
            let _ = writer.abort().await;
            Err(error)
        }
    }
}

fn published(made: opendal::Result<()>) -> Result<Published, ExportError> {
    match made {
        Ok(()) => Ok(Published::Done),
        Err(error) if error.kind() == ErrorKind::ConditionNotMatch => Ok(Published::NameTaken),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Published::PartMissing),
        Err(error) => Err(ExportError::opendal(PUBLISHING, error)),
    }
}

#[async_trait]
impl DropFolder for ObjectFolder {
    async fn is_there(&self) -> Result<bool, ExportError> {
        // A prefix is always there; what may be missing is the bucket, and only listing it tells.
        let listed = async { self.operator.lister_with("/").limit(1).await?.try_next().await };
        match listed.await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(ExportError::opendal("looking at the bucket", error)),
        }
    }

    async fn size(&self, name: &str) -> Result<Option<u64>, ExportError> {
        ops::size(&self.operator, name).await
    }

    async fn sha256(&self, name: &str) -> Result<Option<[u8; 32]>, ExportError> {
        ops::sha256(&self.operator, name).await
    }

    async fn create(&self, name: &str) -> Result<Box<dyn NewFile>, ExportError> {
        // A store that cannot publish is refused before anything is sent to it.
        self.way().await?;
        ops::create_in_chunks(&self.operator, name, CHUNK_BYTES).await
    }

    async fn publish(&self, part: &str, name: &str) -> Result<Published, ExportError> {
        let done = match self.way().await? {
            Way::Copy => published(self.operator.copy_with(part, name).if_not_exists(true).await.map(drop)),
            Way::Compose => {
                published(self.operator.compose_with([part], name).if_not_exists(true).await.map(drop))
            }
            Way::Upload { pieces } => self.upload_again(part, name, pieces).await,
        }?;
        if done == Published::Done {
            self.delete(part).await?;
        }
        Ok(done)
    }

    async fn delete(&self, name: &str) -> Result<(), ExportError> {
        ops::delete(&self.operator, name).await
    }

    async fn parts(&self, directory: &str, limit: usize) -> Result<Vec<String>, ExportError> {
        ops::parts(&self.operator, &format!("{directory}/"), limit).await
    }
}
