//! Downloads.

use std::borrow::Cow;
use std::sync::Arc;

use opendal::raw::{RpRead, oio};
use opendal::{Buffer, BytesRange, Result};
use openssh_sftp_client_lowlevel::{AwaitableDataFuture, Data, HandleOwned};

use super::link::{Link, Server};
use super::session::InFlight;

/// Reads one file.
#[derive(Debug)]
pub struct SftpReader {
    link: Arc<Link>,
    path: String,
}

impl SftpReader {
    pub(super) fn new(link: Arc<Link>, path: &str) -> Self {
        Self { link, path: path.to_owned() }
    }
}

impl oio::StreamRead for SftpReader {
    async fn open(&self, range: BytesRange) -> Result<(RpRead, Box<dyn oio::ReadStreamDyn>)> {
        let server = self.link.server().await?;
        let handle = server.session.open(&server.path(&self.path)?).await?;
        let start = range.offset();
        let download = Download {
            server,
            handle,
            window: self.link.window_bytes(),
            in_flight: InFlight::new(),
            next: start,
            asked: start,
            end: range.size().map_or(u64::MAX, |size| start.saturating_add(size)),
            done: false,
        };
        Ok((RpRead::default(), Box::new(download)))
    }
}

struct Asked {
    bytes: usize,
    answer: AwaitableDataFuture<Vec<u8>>,
}

/// A file being read: several requests ahead, answers taken in order.
struct Download {
    server: Arc<Server>,
    handle: HandleOwned,
    window: usize,
    in_flight: InFlight<Asked>,
    /// Where the next bytes to hand out begin.
    next: u64,
    /// Where the next bytes to ask for begin.
    asked: u64,
    end: u64,
    done: bool,
}

impl Download {
    fn ask_ahead(&mut self) -> Result<()> {
        while self.asked < self.end {
            let left = usize::try_from(self.end - self.asked).unwrap_or(usize::MAX);
            let bytes = left.min(self.server.read_bytes);
            if self.in_flight.bytes() > 0 && self.in_flight.bytes() + bytes > self.window {
                break;
            }
            let (handle, offset) = (Cow::Borrowed(&*self.handle), self.asked);
            let length = u32::try_from(bytes).unwrap_or(u32::MAX);
            let answer = self.server.session.post(|requests, id| {
                Ok(requests.send_read_request(id, handle, offset, length, None)?.wait())
            })?;
            self.in_flight.push(bytes, Asked { bytes, answer });
            self.asked += bytes as u64;
        }
        Ok(())
    }
}

impl oio::ReadStream for Download {
    async fn read(&mut self) -> Result<Buffer> {
        while !self.done {
            self.ask_ahead()?;
            let Some(oldest) = self.in_flight.pop() else { break };
            let data: Vec<u8> = match self.server.session.answer(oldest.answer).await? {
                Data::Buffer(data) => data,
                Data::AllocatedBox(data) => data.into_vec(),
                Data::Eof => break,
            };
            self.next += data.len() as u64;
            if data.len() < oldest.bytes {
                // A server may answer with less than asked for: what was asked beyond it no longer fits.
                self.in_flight.clear();
                self.asked = self.next;
            }
            if !data.is_empty() {
                return Ok(Buffer::from(data));
            }
        }
        self.done = true;
        Ok(Buffer::new())
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.server.session.close_later(&self.handle);
    }
}
