//! A file's bytes as they come about: events are rendered, packed, counted and hashed.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{ExportError, format::Renderer, pack::Packer};
use crate::domain::{event::RecordedEvent, export::Compression};

/// How much is rendered before it is packed and handed on.
pub(super) const CHUNK_BYTES: usize = 512 * 1024;

/// A whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) events: u64,
    pub(super) size_bytes: u64,
    pub(super) sha256: [u8; 32],
}

/// One file that is being written, of which nobody has seen the last lines yet.
///
/// The same events give the same bytes, wherever they are cut into chunks.
pub(super) struct Content {
    /// Rendered, and not packed yet.
    chunk: Vec<u8>,
    packer: Packer,
    events: u64,
    /// Rendered so far.
    rendered_bytes: u64,
    size_bytes: u64,
    digest: Sha256,
}

impl Content {
    /// A file with nothing but what files of this format begin with.
    pub(super) fn begin(renderer: &Renderer, compression: Compression) -> Self {
        let mut chunk = fresh();
        renderer.begin(&mut chunk);
        Self {
            rendered_bytes: chunk.len() as u64,
            chunk,
            packer: Packer::new(compression),
            events: 0,
            size_bytes: 0,
            digest: Sha256::new(),
        }
    }

    /// Appends an event.
    pub(super) fn event(&mut self, renderer: &Renderer, event: &RecordedEvent) -> Result<(), ExportError> {
        self.event_within(renderer, event, u64::MAX).map(drop)
    }

    /// Appends an event, unless more than `most` bytes would then be rendered; says whether it did.
    pub(super) fn event_within(
        &mut self,
        renderer: &Renderer,
        event: &RecordedEvent,
        most: u64,
    ) -> Result<bool, ExportError> {
        let before = self.chunk.len();
        renderer.event(event, &mut self.chunk)?;
        let rendered = self.rendered_bytes.saturating_add((self.chunk.len() - before) as u64);
        if rendered > most {
            self.chunk.truncate(before);
            return Ok(false);
        }
        self.rendered_bytes = rendered;
        self.events += 1;
        Ok(true)
    }

    /// How much has been rendered, before packing.
    pub(super) fn rendered_bytes(&self) -> u64 {
        self.rendered_bytes
    }

    /// How much waits to be taken.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.chunk.len()
    }

    /// Whether there is enough for `take`.
    pub(super) fn is_full(&self) -> bool {
        self.chunk.len() >= CHUNK_BYTES
    }

    /// The bytes since the last time, packed; it may be none.
    pub(super) fn take(&mut self) -> Result<Bytes, ExportError> {
        let rendered = std::mem::replace(&mut self.chunk, fresh());
        let packed = self.packer.pack(rendered)?;
        Ok(self.hand_out(packed))
    }

    /// The last bytes, and what the file is.
    pub(super) fn finish(mut self) -> Result<([Bytes; 2], Written), ExportError> {
        let rendered = std::mem::take(&mut self.chunk);
        let packed = self.packer.pack(rendered)?;
        let packed = self.hand_out(packed);
        let end = std::mem::replace(&mut self.packer, Packer::Nothing).finish()?;
        let end = self.hand_out(end);
        let written = Written {
            events: self.events,
            size_bytes: self.size_bytes,
            sha256: self.digest.finalize().into(),
        };
        Ok(([packed, end], written))
    }

    fn hand_out(&mut self, bytes: Vec<u8>) -> Bytes {
        self.digest.update(&bytes);
        self.size_bytes += bytes.len() as u64;
        bytes.into()
    }
}

/// A line may be longer than what is left of a chunk.
fn fresh() -> Vec<u8> {
    Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 16)
}
