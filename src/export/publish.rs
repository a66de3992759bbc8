//! Giving an uploaded file its final name, exactly once, whatever happened before.
//!
//! The same steps serve the ordinary case and recovery: look first, then act, and look again where an answer
//! got lost. What no client can know: whether a server that crashed has lost a rename that it acknowledged.

use super::{
    ExportError,
    destination::{DropFolder, Published},
};
use crate::domain::export::ExportFile;

/// Looks after an act whose outcome is unknown; more would be a race with somebody else's acts.
const LOOKS: usize = 3;

/// Who uploaded the temporary file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Uploader {
    /// This run, a moment ago.
    Us,
    /// An earlier run; the server may have crashed since.
    Earlier,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// The file has its final name, or had it and was taken by its consumer.
    Published,
    /// The temporary file is not what was uploaded; nothing has the final name.
    PartDamaged,
}

enum Look {
    Published,
    PartWhole,
    PartDamaged,
}

/// Publishes `file`, which is in state `Uploaded`. Fails if another file has its name.
pub(super) async fn settle(
    folder: &dyn DropFolder,
    file: &ExportFile,
    uploader: Uploader,
) -> Result<Settled, ExportError> {
    let part = file.part_path();
    let mut failed = None;
    for _ in 0..LOOKS {
        let found = match (look(folder, file, &part, uploader).await, failed.take()) {
            // The act's own error says more than that of looking afterwards.
            (Err(error), cause) => return Err(cause.unwrap_or(error)),
            (Ok(Look::PartWhole), Some(cause)) => return Err(cause),
            (Ok(found), _) => found,
        };
        match found {
            Look::Published => return Ok(Settled::Published),
            Look::PartDamaged => return Ok(Settled::PartDamaged),
            Look::PartWhole => match folder.publish(&part, &file.path()).await {
                Ok(Published::Done) => return Ok(Settled::Published),
                Ok(Published::NameTaken | Published::PartMissing) => {}
                Err(error) => failed = Some(error),
            },
        }
    }
    let message = format!("the folder keeps changing while {} gets its final name; run again", file.path());
    Err(failed.unwrap_or_else(|| ExportError::unavailable(message)))
}

async fn look(
    folder: &dyn DropFolder,
    file: &ExportFile,
    part: &str,
    uploader: Uploader,
) -> Result<Look, ExportError> {
    if let Some(size) = folder.size(&file.path()).await? {
        let same = size == file.size_bytes && is_or_may_be(folder, &file.path(), file).await?;
        if !same {
            return Err(in_the_way(file));
        }
        // Both names are there after a crash between link and unlink.
        folder.delete(part).await?;
        return Ok(Look::Published);
    }
    match folder.size(part).await? {
        Some(size) if size != file.size_bytes => Ok(Look::PartDamaged),
        Some(_) if uploader == Uploader::Us => Ok(Look::PartWhole),
        Some(_) if is_or_may_be(folder, part, file).await? => Ok(Look::PartWhole),
        Some(_) => Ok(Look::PartDamaged),
        None if folder.is_there().await? => Ok(Look::Published),
        None => Err(ExportError::destination(format!(
            "the destination's folder is gone, so nobody can tell whether {} was published; bring it back",
            file.path()
        ))),
    }
}

/// Whether the bytes are the recorded ones; they may be where they cannot be read.
async fn is_or_may_be(folder: &dyn DropFolder, name: &str, file: &ExportFile) -> Result<bool, ExportError> {
    Ok(folder.sha256(name).await?.is_none_or(|digest| digest == file.sha256))
}

pub(super) fn in_the_way(file: &ExportFile) -> ExportError {
    ExportError::destination(format!(
        "another file named {} is at the destination; vidne never replaces one: move it away and run again",
        file.path()
    ))
}
