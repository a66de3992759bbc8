//! Events on this machine's disk while the server is away.
//!
//! One SQLite file, in WAL mode with `synchronous=FULL`: what [`Spool::append`] has returned for survives a crash of
//! the process and of the machine. One process at a time has it.

mod error;
mod file;
mod table;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use sqlx::{Connection as _, SqliteConnection};

pub use error::SpoolError;
pub use file::SPOOL_FILE;

use file::SpoolFile;

/// What an event costs besides its own bytes: its row.
const ROW_BYTES: u64 = 64;

/// Where a spool is and how large it may become.
#[derive(Clone, Debug)]
pub struct SpoolOptions {
    /// The file, or a folder that is there; then it is [`SPOOL_FILE`] in it. The file is created readable by its owner
    /// alone; beside it are SQLite's own files and `.lock`. It holds what the events hold, personal data too: choose
    /// the folder accordingly.
    pub path: PathBuf,
    /// Bytes of events in it, with 64 for each; refused events count too. Default 1 GiB.
    pub max_bytes: u64,
}

impl SpoolOptions {
    /// A spool of the default size.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), max_bytes: 1024 * 1024 * 1024 }
    }
}

/// An event that the server refused after it was spooled. It stays in the file until [`Spool::discard_refused`].
#[derive(Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its place in the spool; places grow.
    pub position: i64,
    /// Its id.
    pub event_id: String,
    /// Why, as the server said it.
    pub reason: String,
    /// The encoded `vidne.v1.Event`.
    pub event: Bytes,
}

impl std::fmt::Debug for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the event, which has personal data.
        f.debug_struct("Refused")
            .field("position", &self.position)
            .field("event_id", &self.event_id)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// An event that waits.
pub(super) struct Waiting {
    pub(super) position: i64,
    pub(super) event: Bytes,
}

/// What became of an event that waited: it is recorded, or why not.
pub(super) struct Settled {
    pub(super) position: i64,
    pub(super) refused: Option<String>,
}

/// An open spool; nobody else has it.
#[derive(Debug)]
pub struct Spool {
    db: SqliteConnection,
    file: SpoolFile,
    max_bytes: u64,
    waiting: u64,
    refused: u64,
    bytes: u64,
}

impl Spool {
    /// Opens the spool, and creates it if it is not there.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Busy`] if another process has it; others if the file cannot be created, read or written, or is
    /// something else.
    pub async fn open(options: &SpoolOptions) -> Result<Self, SpoolError> {
        let file = SpoolFile::lock(&options.path)?;
        let failed = |source| SpoolError::Database { path: file.path().to_owned(), source };
        let mut db = table::open(file.path()).await.map_err(failed)?;
        if !table::prepare(&mut db).await.map_err(failed)? {
            return Err(SpoolError::Foreign { path: file.path().to_owned() });
        }
        let mut spool = Self { db, max_bytes: options.max_bytes, waiting: 0, refused: 0, bytes: 0, file };
        spool.count().await?;
        Ok(spool)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Events that wait to be sent.
    pub fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Events that were refused.
    pub fn refused_count(&self) -> u64 {
        self.refused
    }

    /// Events that were refused after position `after`, in order, at most `limit`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub async fn refused(&mut self, after: i64, limit: u32) -> Result<Vec<Refused>, SpoolError> {
        table::refused(&mut self.db, after, limit).await.map_err(|source| self.file.failed(source))
    }

    /// Forgets the refused events up to and with position `up_to`.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub async fn discard_refused(&mut self, up_to: i64) -> Result<(), SpoolError> {
        table::discard(&mut self.db, up_to).await.map_err(|source| self.file.failed(source))?;
        self.count().await
    }

    /// Puts encoded events behind all others, in one transaction; they are on disk when this returns. Returns how many
    /// of them: from the first on that does not fit any more, none is taken.
    pub(super) async fn append(&mut self, events: &[Bytes]) -> Result<usize, SpoolError> {
        let mut bytes = self.bytes;
        let fits = |event: &&Bytes| {
            bytes += size(event.len());
            bytes <= self.max_bytes
        };
        let count = events.iter().take_while(fits).count();
        let taken = &events[..count];
        if count > 0 {
            table::append(&mut self.db, taken).await.map_err(|source| self.file.failed(source))?;
            self.waiting += count as u64;
            self.bytes += taken.iter().map(|event| size(event.len())).sum::<u64>();
        }
        Ok(count)
    }

    /// Events that wait after position `after`, in order: at most `limit`, and no more after `max_bytes`.
    pub(super) async fn next(
        &mut self,
        after: i64,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Waiting>, SpoolError> {
        let rows = table::waiting(&mut self.db, after, limit, max_bytes).await;
        rows.map_err(|source| self.file.failed(source))
    }

    /// Lets events go that have an answer: what is recorded leaves the file, what is refused moves to the refused
    /// ones, all in one transaction.
    pub(super) async fn settle(&mut self, settled: &[Settled]) -> Result<(), SpoolError> {
        let freed = table::settle(&mut self.db, settled).await.map_err(|source| self.file.failed(source))?;
        let refused = settled.iter().filter(|event| event.refused.is_some()).count() as u64;
        self.waiting = self.waiting.saturating_sub(settled.len() as u64);
        self.refused += refused;
        self.bytes = self.bytes.saturating_sub(freed);
        if self.waiting == 0 {
            // What was sent is gone from the file; now from the write-ahead log too. It is only tidying up.
            drop(table::checkpoint(&mut self.db).await);
        }
        Ok(())
    }

    /// The error of an event that does not fit.
    pub(super) fn full(&self) -> SpoolError {
        SpoolError::Full {
            path: self.path().to_owned(),
            max_bytes: self.max_bytes,
            waiting: self.waiting,
            refused: self.refused,
        }
    }

    /// Closes the file; the lock goes with it.
    pub async fn close(self) {
        // Everything is committed already.
        drop(self.db.close().await);
    }

    /// Counts again what is in the file.
    pub(super) async fn count(&mut self) -> Result<(), SpoolError> {
        let counted = table::count(&mut self.db).await.map_err(|source| self.file.failed(source))?;
        (self.waiting, self.refused, self.bytes) = counted;
        Ok(())
    }
}

fn size(event: usize) -> u64 {
    event as u64 + ROW_BYTES
}
