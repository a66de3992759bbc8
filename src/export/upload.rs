//! The second pass: reading a range, rendering it and sending it under a temporary name, side by side.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{
    ExportError,
    destination::DropFolder,
    format::Renderer,
    pack::Packer,
    run::RunError,
    source::{Source, Step},
};
use crate::{
    domain::export::{Compression, ExportFile},
    store::StoreError,
};

/// How much is rendered before it is sent.
const CHUNK_BYTES: usize = 512 * 1024;
/// How many steps, and how many chunks, wait for who takes them.
const WAITING: usize = 1;

/// What was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) size_bytes: u64,
    pub(super) sha256: [u8; 32],
}

/// Sends the events of `file`'s range as `part`, and makes sure that the destination has every byte.
///
/// Reading, rendering and sending go on side by side: while a chunk is on its way the next one is rendered, and the
/// events after it are read. What waits between them is bounded, so memory is the same whatever the file's size.
pub(super) async fn upload(
    source: &Source<'_>,
    renderer: &Renderer,
    packing: Compression,
    folder: &dyn DropFolder,
    file: &ExportFile,
    part: &str,
) -> Result<Upload, RunError> {
    let mut out = folder.create(part).await?;
    let (read, steps) = mpsc::channel(WAITING);
    let (rendered, mut chunks) = mpsc::channel::<Bytes>(WAITING);
    let send = async {
        while let Some(chunk) = chunks.recv().await {
            out.write(chunk).await?;
        }
        Ok(())
    };
    let ((), sent, ()) = tokio::try_join!(
        read_all(source, file, read),
        render_all(renderer, packing, file, steps, rendered),
        send
    )?;
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

/// Reads the file's range step by step, one ahead of who takes them.
async fn read_all(source: &Source<'_>, file: &ExportFile, read: mpsc::Sender<Step>) -> Result<(), RunError> {
    let mut next = file.first_event_sequence;
    while next <= file.last_sequence {
        let step = source.step(next, file.last_sequence).await?;
        next = step.scanned + 1;
        if read.send(step).await.is_err() {
            // Rendering has failed, and says so itself.
            break;
        }
    }
    Ok(())
}

/// Renders all steps in chunks; an error if they are not the events that the file was cut with.
async fn render_all(
    renderer: &Renderer,
    packing: Compression,
    file: &ExportFile,
    mut steps: mpsc::Receiver<Step>,
    rendered: mpsc::Sender<Bytes>,
) -> Result<Upload, RunError> {
    let mut sink = Sink {
        rendered,
        chunk: Vec::with_capacity(CHUNK_BYTES),
        packer: Packer::new(packing),
        size_bytes: 0,
        digest: Sha256::new(),
    };
    renderer.begin(&mut sink.chunk);
    let mut events = 0;
    while let Some(step) = steps.recv().await {
        for event in &step.events {
            renderer.event(event, &mut sink.chunk).map_err(ExportError::from)?;
            if sink.chunk.len() >= CHUNK_BYTES {
                sink.flush().await?;
            }
        }
        events += step.events.len() as u64;
    }
    if events != file.event_count {
        let message = format!("file {} was cut with {} events and has {events}", file.name, file.event_count);
        return Err(StoreError::Damaged(message).into());
    }
    sink.finish().await
}

struct Sink {
    rendered: mpsc::Sender<Bytes>,
    /// Not packed yet.
    chunk: Vec<u8>,
    packer: Packer,
    size_bytes: u64,
    digest: Sha256,
}

impl Sink {
    async fn flush(&mut self) -> Result<(), ExportError> {
        // A line may be longer than what is left of a chunk.
        let fresh = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 16);
        let packed = self.packer.pack(std::mem::replace(&mut self.chunk, fresh))?;
        self.send(packed).await;
        Ok(())
    }

    async fn send(&mut self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        self.digest.update(&bytes);
        self.size_bytes += bytes.len() as u64;
        // Fails only if sending has failed, which says so itself.
        let _ = self.rendered.send(bytes.into()).await;
    }

    async fn finish(mut self) -> Result<Upload, RunError> {
        self.flush().await?;
        let last = std::mem::replace(&mut self.packer, Packer::Nothing).finish()?;
        self.send(last).await;
        Ok(Upload { size_bytes: self.size_bytes, sha256: self.digest.finalize().into() })
    }
}
