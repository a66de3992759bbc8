//! What planning a file has rendered, kept in memory until the file is sent, so that its events need not be read and
//! rendered again.
//!
//! All runs of a server share a bound. What does not fit is not kept, and read and rendered once more when it is sent.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use lz4_flex::block;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{ExportError, content::Content, format::Renderer};
use crate::domain::export::Compression;

/// How many bytes of planned files a server keeps at most.
#[derive(Clone, Debug)]
pub(super) struct KeptRoom(Arc<Semaphore>);

impl KeptRoom {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// Room for so much, until what is given here is dropped.
    fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        self.0.clone().try_acquire_many_owned(u32::try_from(bytes).ok()?).ok()
    }
}

/// The beginning of a file, or all of it.
pub(super) struct Kept {
    pub(super) chunks: VecDeque<Chunk>,
    /// The file after these chunks.
    pub(super) content: Content,
    /// The first position that is not in it.
    pub(super) next: u64,
}

impl Kept {
    /// Nothing is kept of the file whose first event is at `first`.
    pub(super) fn nothing(renderer: &Renderer, compression: Compression, first: u64) -> Self {
        Self { chunks: VecDeque::new(), content: Content::begin(renderer, compression), next: first }
    }
}

/// Bytes of a file, which take up room until they are unpacked.
///
/// Those of a job that does not pack its files are packed here: they take a fraction of the room, and packing and
/// unpacking take a fraction of the time of reading and rendering.
pub(super) struct Chunk {
    bytes: Bytes,
    /// Its length, if it is packed here.
    unpacked: Option<usize>,
    _room: OwnedSemaphorePermit,
}

impl Chunk {
    /// Keeps what waits in `content`; `None` if there is no room, and then it still waits.
    pub(super) fn keep(
        content: &mut Content,
        room: &KeptRoom,
        packs: bool,
    ) -> Result<Option<Self>, ExportError> {
        let Some(taken) = room.take(content.waiting_bytes()) else { return Ok(None) };
        Ok(Some(Self::of(content.take()?, taken, packs)))
    }

    /// Takes no more of the room than it needs.
    fn of(bytes: Bytes, mut room: OwnedSemaphorePermit, packs: bool) -> Self {
        let (bytes, unpacked) = match packs.then(|| pack(&bytes)) {
            Some(packed) if packed.len() < bytes.len() => (packed, Some(bytes.len())),
            _ => (bytes, None),
        };
        drop(room.split(room.num_permits().saturating_sub(bytes.len())));
        Self { bytes, unpacked, _room: room }
    }

    /// The bytes as they were.
    pub(super) fn unpack(self) -> Result<Bytes, ExportError> {
        let Some(length) = self.unpacked else { return Ok(self.bytes) };
        let unpacked = block::decompress(&self.bytes, length).map(Bytes::from);
        unpacked.map_err(|_| ExportError::Bug("unpacking kept lines"))
    }
}

/// In a buffer of its own size: the one that is packed into has room for lines that do not get any shorter.
fn pack(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&block::compress(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        export::{Delivery, Destination, Format, JobSettings, NationalIdMode},
        filter::EventFilter,
        format::{CsvColumns, CsvOptions},
    };

    /// A file of which a header waits.
    fn content() -> Content {
        let settings = JobSettings {
            name: String::new(),
            filter: EventFilter::default(),
            format: Format::Csv(CsvOptions {
                columns: CsvColumns::Xflow,
                header: true,
                formula_guard: false,
            }),
            destination: Destination::Fs { directory: String::new(), file_mode: None },
            national_id: NationalIdMode::Omit,
            max_events: 1,
            max_bytes: 1,
            delivery: Delivery::default(),
        };
        Content::begin(&Renderer::new(&settings), Compression::None)
    }

    #[test]
    fn what_has_no_room_is_not_kept_and_still_waits() {
        let room = KeptRoom::new(content().waiting_bytes() * 2 - 1);
        let (mut one, mut other) = (content(), content());
        let kept = Chunk::keep(&mut one, &room, false).unwrap().unwrap();
        assert!(Chunk::keep(&mut other, &room, false).unwrap().is_none());
        let waiting = other.waiting_bytes();
        assert_eq!((one.waiting_bytes(), waiting), (0, content().waiting_bytes()));
        assert_eq!(kept.unpack().unwrap(), other.take().unwrap());
        let again = Chunk::keep(&mut content(), &room, false).unwrap();
        assert!(again.is_some(), "room is not given back");
    }

    #[test]
    fn a_packed_chunk_takes_the_room_that_it_needs_and_gives_the_same_bytes() {
        let bytes = Bytes::from("line after line\n".repeat(1_000));
        let room = KeptRoom::new(bytes.len());
        let packed = Chunk::of(bytes.clone(), room.take(bytes.len()).unwrap(), true);
        assert_eq!(room.0.available_permits(), bytes.len() - packed.bytes.len());
        assert!(packed.bytes.len() < bytes.len() / 10);
        assert_eq!(packed.unpack().unwrap(), bytes);
        assert_eq!(room.0.available_permits(), bytes.len());
        let short = Chunk::of(Bytes::from_static(b"xyz"), room.take(3).unwrap(), true);
        assert_eq!((short.unpacked, room.0.available_permits()), (None, bytes.len() - 3));
        assert_eq!(short.unpack().unwrap(), "xyz");
    }
}
