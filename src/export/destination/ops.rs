//! What all kinds of folders do the same way through OpenDAL.

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use opendal::{ErrorKind, Operator, Writer};
use sha2::{Digest, Sha256};

use super::NewFile;
use crate::export::ExportError;

const READ_BYTES: usize = 1024 * 1024;

pub(super) async fn size(operator: &Operator, path: &str) -> Result<Option<u64>, ExportError> {
    match operator.stat(path).await {
        Ok(found) => Ok(Some(found.content_length())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ExportError::opendal("looking for a file", error)),
    }
}

pub(super) async fn sha256(operator: &Operator, path: &str) -> Result<Option<[u8; 32]>, ExportError> {
    match read(operator, path).await {
        Ok(digest) => Ok(Some(digest)),
        // A folder may be for writing only.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::Unsupported
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(ExportError::opendal("reading a file back", error)),
    }
}

async fn read(operator: &Operator, path: &str) -> opendal::Result<[u8; 32]> {
    let reader = operator.reader_with(path).chunk(READ_BYTES).await?;
    let mut bytes = reader.into_stream(..).await?;
    let mut digest = Sha256::new();
    while let Some(chunk) = bytes.try_next().await? {
        for part in chunk {
            digest.update(&part);
        }
    }
    Ok(digest.finalize().into())
}

pub(super) async fn create(operator: &Operator, path: &str) -> Result<Box<dyn NewFile>, ExportError> {
    boxed(operator.writer_with(path).if_not_exists(true).await)
}

/// The same for a service that takes pieces of a certain size.
#[cfg(feature = "object-store")]
pub(super) async fn create_in_chunks(
    operator: &Operator,
    path: &str,
    chunk: usize,
) -> Result<Box<dyn NewFile>, ExportError> {
    boxed(operator.writer_with(path).if_not_exists(true).chunk(chunk).await)
}

fn boxed(writer: opendal::Result<Writer>) -> Result<Box<dyn NewFile>, ExportError> {
    writer
        .map(|writer| Box::new(OpendalFile(writer)) as Box<dyn NewFile>)
        .map_err(|error| ExportError::opendal("beginning a file", error))
}

pub(super) async fn delete(operator: &Operator, path: &str) -> Result<(), ExportError> {
    match operator.delete(path).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done.map_err(|error| ExportError::opendal("deleting a temporary file", error)),
    }
}

pub(super) async fn parts(
    operator: &Operator,
    folder: &str,
    limit: usize,
) -> Result<Vec<String>, ExportError> {
    let failed = |error| ExportError::opendal("listing the folder", error);
    let entries = operator.lister(folder).await.map_err(failed)?;
    entries
        .try_filter_map(async |entry| {
            let name = entry.name();
            let is_part = name.starts_with('.') && name.ends_with(".part");
            Ok(is_part.then(|| name.to_owned()))
        })
        .take(limit)
        .try_collect()
        .await
        .map_err(failed)
}

struct OpendalFile(Writer);

#[async_trait]
impl NewFile for OpendalFile {
    async fn write(&mut self, bytes: Bytes) -> Result<(), ExportError> {
        self.0.write(bytes).await.map_err(|error| ExportError::opendal("writing a file", error))
    }

    async fn close(&mut self) -> Result<(), ExportError> {
        self.0.close().await.map_err(|error| ExportError::opendal("completing a file", error))?;
        Ok(())
    }
}
