//! Whether a server has kept what it acknowledged.
//!
//! Servers are known to take a part of a write and to acknowledge all of it, on a full disk for one. At the end of a file
//! its size gives that away; further in front a later write leaves a hole, and the size is right. So the last bytes of
//! each write are read back, which costs a few bytes where reading the file would cost as much again as sending it.

use std::borrow::Cow;

use bytes::Bytes;
use openssh_sftp_client_lowlevel::{Data, Handle};

use super::{link::Server, sftp_error::SftpError};

/// Enough to tell text from a hole.
const TAIL_BYTES: usize = 8;
/// Reads that are on the way at once.
const AT_ONCE: usize = 64;

/// The last bytes of each write of one file.
#[derive(Debug, Default)]
pub(super) struct Tails(Vec<Tail>);

#[derive(Clone, Copy, Debug)]
struct Tail {
    at: u64,
    bytes: [u8; TAIL_BYTES],
    len: usize,
}

impl Tails {
    /// A write of `parts` ends at `end`.
    pub(super) fn note(&mut self, end: u64, parts: &[Bytes]) {
        let Some(last) = parts.iter().rfind(|part| !part.is_empty()) else { return };
        let len = last.len().min(TAIL_BYTES);
        let mut bytes = [0; TAIL_BYTES];
        bytes[..len].copy_from_slice(&last[last.len() - len..]);
        self.0.push(Tail { at: end - len as u64, bytes, len });
    }

    /// Compares them with what the closed file at `path` holds. A file that may not be read passes.
    pub(super) async fn check(&self, server: &Server, path: &str) -> Result<(), SftpError> {
        let Some((_whose_end_the_size_tells, tails)) = self.0.split_last() else { return Ok(()) };
        if tails.is_empty() {
            return Ok(());
        }
        let handle = match server.session.open(path).await {
            Ok(handle) => handle,
            Err(SftpError::Status { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut checked = Ok(());
        for some in tails.chunks(AT_ONCE) {
            checked = compare(server, &handle, some).await;
            if checked.is_err() {
                break;
            }
        }
        server.session.close_later(&handle);
        match checked {
            // It lets us open the file and not read it.
            Err(SftpError::Status { .. }) => Ok(()),
            checked => checked,
        }
    }
}

async fn compare(server: &Server, handle: &Handle, tails: &[Tail]) -> Result<(), SftpError> {
    let mut answers = Vec::with_capacity(tails.len());
    for tail in tails {
        answers.push(server.session.post(|requests, id| {
            let length = u32::try_from(tail.len).unwrap_or(u32::MAX);
            Ok(requests.send_read_request(id, Cow::Borrowed(handle), tail.at, length, None)?.wait())
        })?);
    }
    for (tail, answer) in tails.iter().zip(answers) {
        let read: Vec<u8> = match server.session.answer(answer).await? {
            Data::Buffer(data) => data,
            Data::AllocatedBox(data) => data.into_vec(),
            Data::Eof => Vec::new(),
        };
        // A server may answer with less than was asked for, but not with nothing.
        let sent = tail.bytes.get(..tail.len).unwrap_or_default();
        if read.is_empty() || !sent.starts_with(&read) {
            return Err(SftpError::Dropped { before: tail.at + tail.len as u64 });
        }
    }
    Ok(())
}
