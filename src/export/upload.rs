//! The second pass: what is kept of a file, and then its other events, rendered and sent under a temporary name.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{
    ExportError, content::Written, destination::DropFolder, format::Renderer, kept::Kept, run::RunError,
    source::Source,
};
use crate::{domain::export::ExportFile, store::StoreError};

/// How many chunks wait to be sent.
const WAITING: usize = 1;

/// Sends the events of `file`'s range as `part`, and makes sure that the destination has every byte. `kept` is what
/// planning kept of this very file.
///
/// Reading, rendering and sending go on side by side: while a chunk is on its way the next one is rendered, and the
/// events after it are read. What waits between them is bounded, so memory is the same whatever the file's size.
pub(super) async fn upload(
    source: &Source,
    renderer: &Renderer,
    kept: Kept,
    folder: &dyn DropFolder,
    file: &ExportFile,
    part: &str,
) -> Result<Written, RunError> {
    let mut out = folder.create(part).await?;
    let (rendered, mut chunks) = mpsc::channel::<Bytes>(WAITING);
    let send = async {
        while let Some(chunk) = chunks.recv().await {
            out.write(chunk).await?;
        }
        Ok(())
    };
    let (sent, ()) = tokio::try_join!(render_all(source, renderer, kept, file, rendered), send)?;
    out.close().await?;
    // Some servers acknowledge a write that their full disk did not take.
    match folder.size(part).await? {
        Some(size) if size == sent.size_bytes => Ok(sent),
        None => Err(ExportError::unavailable(format!(
            "{part} disappeared right after it was sent; let nothing take hidden .part files from the folder"
        ))
        .into()),
        Some(found) => {
            let message = format!(
                "the destination took {found} of {} bytes; its disk may be full or a quota reached",
                sent.size_bytes
            );
            Err(ExportError::unavailable(message).into())
        }
    }
}

/// Hands the whole file on in chunks; an error if its events are not as many as it was cut with.
async fn render_all(
    source: &Source,
    renderer: &Renderer,
    kept: Kept,
    file: &ExportFile,
    rendered: mpsc::Sender<Bytes>,
) -> Result<Written, RunError> {
    let hand_on = async |bytes: Bytes| {
        if !bytes.is_empty() {
            // Fails only if sending has failed, which says so itself.
            let _ = rendered.send(bytes).await;
        }
    };
    let Kept { chunks, mut content, next } = kept;
    for chunk in chunks {
        hand_on(chunk.unpack()?).await;
    }
    let mut steps = source.read(next, file.last_sequence);
    while let Some(step) = steps.next().await? {
        for event in source.events(&step) {
            let event = event?;
            if content.is_full() {
                hand_on(content.take()?).await;
            }
            content.event(renderer, &event)?;
        }
    }
    let (last, written) = content.finish()?;
    if written.events != file.event_count {
        let message =
            format!("file {} was cut with {} events and has {}", file.name, file.event_count, written.events);
        return Err(StoreError::Damaged(message).into());
    }
    for bytes in last {
        hand_on(bytes).await;
    }
    Ok(written)
}
