//! A file that is being planned: its lines are kept as long as there is room, and from then on only counted.

use super::{
    ExportError,
    format::Renderer,
    kept::{Chunk, Kept, KeptRoom},
};
use crate::domain::{event::RecordedEvent, export::Compression};

pub(super) struct Draft {
    kept: Kept,
    room: KeptRoom,
    packs: bool,
    counted: Option<Counted>,
}

/// What there was no room for.
struct Counted {
    /// How much the file has before packing, what is kept included.
    rendered_bytes: u64,
    /// Where the next line is rendered.
    line: Vec<u8>,
}

impl Draft {
    /// The file whose first event is at `first` or later.
    pub(super) fn begin(renderer: &Renderer, compression: Compression, first: u64, room: &KeptRoom) -> Self {
        Self {
            kept: Kept::nothing(renderer, compression, first),
            room: room.clone(),
            packs: compression == Compression::None,
            counted: None,
        }
    }

    /// Appends the next event, unless the file would then have more than `most` bytes before packing; says whether it
    /// did.
    pub(super) fn event(
        &mut self,
        renderer: &Renderer,
        event: &RecordedEvent,
        most: u64,
    ) -> Result<bool, ExportError> {
        if self.counted.is_none() && self.kept.content.is_full() && !self.keep()? {
            let rendered_bytes = self.kept.content.rendered_bytes();
            self.counted = Some(Counted { rendered_bytes, line: Vec::new() });
        }
        let Some(counted) = &mut self.counted else {
            let fits = self.kept.content.event_within(renderer, event, most)?;
            if fits {
                self.kept.next = event.sequence + 1;
            }
            return Ok(fits);
        };
        counted.line.clear();
        renderer.event(event, &mut counted.line)?;
        let rendered = counted.rendered_bytes.saturating_add(counted.line.len() as u64);
        let fits = rendered <= most;
        if fits {
            counted.rendered_bytes = rendered;
        }
        Ok(fits)
    }

    /// Keeps what waits; false if there is no room.
    fn keep(&mut self) -> Result<bool, ExportError> {
        let chunk = Chunk::keep(&mut self.kept.content, &self.room, self.packs)?;
        let is_kept = chunk.is_some();
        self.kept.chunks.extend(chunk);
        Ok(is_kept)
    }

    /// What is kept of the file, which covers everything up to `last`.
    pub(super) fn finish(mut self, last: u64) -> Kept {
        if self.counted.is_none() {
            // Nothing behind its last event is looked at a second time either.
            self.kept.next = last + 1;
        }
        self.kept
    }
}
