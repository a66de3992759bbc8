//! Trying whether an object store keeps to "only if there is none".

use opendal::{ErrorKind, Operator};

use super::object::{CHUNK_BYTES, Way};
use crate::export::{ExportError, probe::probe_names};

const PROBE: &str = "vidne was here to test this bucket; this object may be deleted\n";
const TRYING: &str = "trying whether the store refuses to replace an object";
/// The smallest piece but the last that S3 takes.
const PIECE_BYTES: usize = 5 * 1024 * 1024;

/// The first of `ways` that this store keeps to. Leaves nothing behind.
pub(super) async fn way(operator: &Operator, ways: &[Way]) -> Result<Way, ExportError> {
    let (one, other) = probe_names()?;
    let found = find(operator, ways, &one, &other).await;
    for name in [&one, &other] {
        if let Err(error) = operator.delete(name).await {
            tracing::debug!(file.name = %name, %error, "a probe may be left over");
        }
    }
    found?.ok_or_else(|| {
        ExportError::destination(
            "this store replaces objects although it is told not to (it ignores If-None-Match), so a file could be \
             lost: vidne does not export to it; use a server that honours conditional writes, or SFTP",
        )
    })
}

async fn find(operator: &Operator, ways: &[Way], one: &str, other: &str) -> Result<Option<Way>, ExportError> {
    let failed = |error| ExportError::opendal(TRYING, error);
    let write = || operator.write_with(one, PROBE).if_not_exists(true);
    write().await.map_err(failed)?;
    if !refused(write().await).map_err(failed)? {
        return Ok(None);
    }
    for way in ways {
        let make = || async {
            match way {
                Way::Copy => operator.copy_with(one, other).if_not_exists(true).await,
                Way::Compose => operator.compose_with([one], other).if_not_exists(true).await,
                Way::Upload { .. } => operator.write_with(other, PROBE).if_not_exists(true).await,
            }
        };
        match make().await {
            Ok(_) => {}
            Err(error) if cannot(error.kind()) => {
                // It may have happened all the same, and would stand in the way of the next one.
                operator.delete(other).await.map_err(failed)?;
                continue;
            }
            Err(error) => return Err(failed(error)),
        }
        if refused(make().await).map_err(failed)? {
            return Ok(Some(*way));
        }
        operator.delete(other).await.map_err(failed)?;
    }
    Ok(None)
}

/// Whether an upload in several pieces keeps to the condition too; refuses the store if not.
pub(super) async fn pieces(operator: &Operator) -> Result<(), ExportError> {
    let failed = |error| ExportError::opendal(TRYING, error);
    let (name, _) = probe_names()?;
    let write = || async {
        let mut writer = operator.writer_with(&name).if_not_exists(true).chunk(PIECE_BYTES).await?;
        writer.write(vec![b'\n'; PIECE_BYTES]).await?;
        writer.write(PROBE).await?;
        let closed = writer.close().await;
        if closed.is_err() {
            // Best effort: pieces that stay behind are never an object.
            let _ = writer.abort().await;
        }
        closed
    };
    let tried = async {
        write().await?;
        refused(write().await)
    }
    .await;
    if let Err(error) = operator.delete(&name).await {
        tracing::debug!(file.name = %name, %error, "a probe may be left over");
    }
    match tried.map_err(failed)? {
        true => Ok(()),
        false => Err(ExportError::destination(format!(
            "this store replaces objects that are uploaded in several pieces although it is told not to, so a file \
             could be lost: let file_limits.max_bytes be {CHUNK_BYTES} at most",
        ))),
    }
}

fn refused<T>(made: opendal::Result<T>) -> opendal::Result<bool> {
    match made {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == ErrorKind::ConditionNotMatch => Ok(true),
        Err(error) => Err(error),
    }
}

/// The store does not know this act at all.
fn cannot(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unsupported | ErrorKind::ConditionNotMatch | ErrorKind::Unexpected)
}
