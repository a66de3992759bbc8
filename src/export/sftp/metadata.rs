//! What servers tell about files, for OpenDAL.

use opendal::raw::Timestamp;
use opendal::{Metadata, MetadataBuilder};
use openssh_sftp_client_lowlevel::{FileAttrs, FileType};

pub(super) fn is_dir(attrs: &FileAttrs) -> bool {
    attrs.get_filetype() == Some(FileType::Directory)
}

/// OpenDAL's metadata. A server that tells no type means a file, unless the caller knows better.
pub(super) fn of(attrs: &FileAttrs) -> Metadata {
    let mut builder = match attrs.get_filetype() {
        Some(FileType::Directory) => MetadataBuilder::dir(),
        Some(FileType::RegularFile) | None => MetadataBuilder::file(attrs.get_size().unwrap_or(0)),
        Some(_) => MetadataBuilder::unknown(),
    };
    if let Some((_, modified)) = attrs.get_time()
        && let Ok(modified) = Timestamp::from_second(i64::from(modified.into_raw()))
    {
        builder.last_modified(modified);
    }
    builder.build()
}
