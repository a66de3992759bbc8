//! The second pass: rendering a range and sending it under a temporary name.

use sha2::{Digest, Sha256};

use super::{
    ExportError,
    destination::{DropFolder, NewFile},
    format::Renderer,
    pack::Packer,
    run::RunError,
    source::Source,
};
use crate::{
    domain::export::{Compression, ExportFile},
    store::StoreError,
};

/// How much is rendered before it is sent.
const CHUNK_BYTES: usize = 512 * 1024;

/// What was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) size_bytes: u64,
    pub(super) sha256: [u8; 32],
}

/// Sends the events of `file`'s range as `part`, and makes sure that the destination has every byte.
pub(super) async fn upload(
    source: &Source<'_>,
    renderer: &Renderer,
    packing: Compression,
    folder: &dyn DropFolder,
    file: &ExportFile,
    part: &str,
) -> Result<Upload, RunError> {
    let mut sink = Sink {
        out: folder.create(part).await?,
        chunk: Vec::with_capacity(CHUNK_BYTES),
        packer: Packer::new(packing),
        size_bytes: 0,
        digest: Sha256::new(),
    };
    renderer.begin(&mut sink.chunk);
    let mut events = 0;
    let mut next = file.first_event_sequence;
    while next <= file.last_sequence {
        let step = source.step(next, file.last_sequence).await?;
        for event in &step.events {
            renderer.event(event, &mut sink.chunk).map_err(ExportError::from)?;
            if sink.chunk.len() >= CHUNK_BYTES {
                sink.flush().await?;
            }
        }
        events += step.events.len() as u64;
        next = step.scanned + 1;
    }
    if events != file.event_count {
        let message = format!("file {} was cut with {} events and has {events}", file.name, file.event_count);
        return Err(StoreError::Damaged(message).into());
    }
    let sent = sink.finish().await?;
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

struct Sink {
    out: Box<dyn NewFile>,
    /// Rendered, not packed.
    chunk: Vec<u8>,
    packer: Packer,
    size_bytes: u64,
    digest: Sha256,
}

impl Sink {
    async fn flush(&mut self) -> Result<(), ExportError> {
        let rendered = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_BYTES));
        let packed = self.packer.pack(rendered)?;
        self.send(packed).await
    }

    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), ExportError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.digest.update(&bytes);
        self.size_bytes += bytes.len() as u64;
        self.out.write(bytes.into()).await
    }

    async fn finish(mut self) -> Result<Upload, ExportError> {
        self.flush().await?;
        let last = std::mem::replace(&mut self.packer, Packer::Nothing).finish()?;
        self.send(last).await?;
        self.out.close().await?;
        Ok(Upload { size_bytes: self.size_bytes, sha256: self.digest.finalize().into() })
    }
}
