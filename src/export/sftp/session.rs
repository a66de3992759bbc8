//! One SFTP session on one SSH channel: requests at any number, answers in any order.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream;
use openssh_sftp_client_lowlevel as sftp;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::sync::mpsc;
use tokio_util::io::StreamReader;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::frames;
use super::sftp_error::{SftpError, Status};

/// Requests that may wait to be written to the channel. Uploads are bounded by their windows; more than
/// this means that the server reads nothing and callers gave up, so the session ends.
const OUTBOX_REQUESTS: usize = 1024;
const READ_BUFFER: NonZeroUsize = NonZeroUsize::MIN.saturating_add(8 * 1024);

/// Unlike the end of a session, which a server may mean.
const CONNECTION_GONE: io::ErrorKind = io::ErrorKind::ConnectionReset;

type Buffer = Vec<u8>;
pub(super) type Id = sftp::Id<Buffer>;
pub(super) type Requests = sftp::WriteEnd<Buffer, Outbox>;

/// A live session. It ends when it is dropped, when the connection breaks, or when an answer is late.
#[derive(Debug)]
pub(super) struct Session {
    requests: Requests,
    extensions: sftp::Extensions,
    request_timeout: Duration,
    end: End,
    _end_on_drop: DropGuard,
}

/// How and why a session ended, seen by all its parts.
#[derive(Clone, Debug, Default)]
pub(super) struct End {
    ended: CancellationToken,
    reason: Arc<OnceLock<String>>,
}

impl End {
    fn because(&self, reason: impl Into<String>) {
        // The first reason is the cause; later ones are its consequences.
        let _ = self.reason.set(reason.into());
        self.ended.cancel();
    }

    fn error(&self) -> SftpError {
        SftpError::Lost { reason: self.reason.get().cloned().unwrap_or_else(|| "session ended".to_owned()) }
    }
}

/// Where the client library puts requests, for the writing task to pick up.
#[derive(Debug)]
pub(super) struct Outbox {
    sender: mpsc::Sender<Vec<Bytes>>,
    end: End,
}

impl Outbox {
    fn send(&self, packet: Vec<Bytes>) {
        if self.sender.try_send(packet).is_err() {
            self.end.because("the server no longer takes requests");
        }
    }
}

impl sftp::Queue for Outbox {
    fn push(&self, bytes: Bytes) {
        self.send(vec![bytes]);
    }

    fn extend(&self, header: Bytes, body: &[&[Bytes]]) {
        let data = body.iter().flat_map(|part| part.iter().cloned());
        self.send(std::iter::once(header).chain(data).collect());
    }
}

impl Session {
    /// Greets the server's SFTP subsystem on an open channel. `connection` is kept as long as the session
    /// lives and dropped when it ends.
    pub(super) async fn start<C: Send + 'static>(
        channel: (ChannelReadHalf, ChannelWriteHalf<Msg>),
        connection: C,
        request_timeout: Duration,
    ) -> Result<Self, SftpError> {
        let end = End::default();
        let guard = end.ended.clone().drop_guard();
        let (sender, outbox) = mpsc::channel(OUTBOX_REQUESTS);
        let requests = sftp::connect(Outbox { sender, end: end.clone() }, ()).map_err(refusal)?;
        tokio::spawn(write_requests(channel.1, outbox, end.clone()));

        let answers = StreamReader::new(Box::pin(packets(channel.0)));
        let mut answers = sftp::ReadEnd::new(answers, READ_BUFFER, (*requests).clone());
        let extensions = tokio::time::timeout(request_timeout, answers.receive_server_hello())
            .await
            .map_err(|_| SftpError::TimedOut { after: request_timeout })?
            .map_err(refusal)?;

        let reading = end.clone();
        tokio::spawn(async move {
            // Also ends the session if reading panics.
            let _guard = reading.ended.clone().drop_guard();
            let lost = async {
                loop {
                    if let Err(error) = answers.read_in_one_packet().await {
                        return error;
                    }
                }
            };
            tokio::select! {
                () = reading.ended.cancelled() => {}
                error = lost => reading.because(error.to_string()),
            }
            drop(connection);
        });
        Ok(Self { requests, extensions, request_timeout, end, _end_on_drop: guard })
    }

    /// Whether requests still have a chance.
    pub(super) fn is_alive(&self) -> bool {
        !self.end.ended.is_cancelled()
    }

    pub(super) fn extensions(&self) -> sftp::Extensions {
        self.extensions
    }

    /// Sends a request now. What comes back waits for its answer; dropping it is safe.
    pub(super) fn post<F>(
        &self,
        send: impl FnOnce(&mut Requests, Id) -> Result<F, sftp::Error>,
    ) -> Result<F, SftpError> {
        if !self.is_alive() {
            return Err(self.end.error());
        }
        let mut requests = self.requests.clone();
        let id = requests.create_response_id();
        send(&mut requests, id).map_err(refusal)
    }

    /// Waits for the answer to a request. A late answer ends the session: nobody can tell any more whether
    /// the request took effect.
    pub(super) async fn answer<T>(
        &self,
        answer: impl Future<Output = Result<(Id, T), sftp::Error>>,
    ) -> Result<T, SftpError> {
        tokio::select! {
            biased;
            answered = tokio::time::timeout(self.request_timeout, answer) => match answered {
                Ok(Ok((_id, value))) => Ok(value),
                Ok(Err(error)) => Err(refusal(error)),
                Err(_) => {
                    self.end.because("the server stopped answering");
                    Err(SftpError::TimedOut { after: self.request_timeout })
                }
            },
            () = self.end.ended.cancelled() => Err(self.end.error()),
        }
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn call<T, F>(
        &self,
        send: impl FnOnce(&mut Requests, Id) -> Result<F, sftp::Error>,
    ) -> Result<T, SftpError>
    where
        F: Future<Output = Result<(Id, T), sftp::Error>>,
    {
        let answer = self.post(send)?;
        self.answer(answer).await
    }
}

/// Requests sent and not yet answered, oldest first, bounded in bytes by whoever uses it.
#[derive(Debug)]
pub(super) struct InFlight<F> {
    waiting: VecDeque<(usize, F)>,
    bytes: usize,
}

impl<F> InFlight<F> {
    pub(super) fn new() -> Self {
        Self { waiting: VecDeque::new(), bytes: 0 }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(&mut self, bytes: usize, answer: F) {
        self.bytes += bytes;
        self.waiting.push_back((bytes, answer));
    }

    pub(super) fn pop(&mut self) -> Option<F> {
        let (bytes, answer) = self.waiting.pop_front()?;
        self.bytes -= bytes;
        Some(answer)
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.bytes = 0;
    }
}

async fn write_requests(channel: ChannelWriteHalf<Msg>, mut outbox: mpsc::Receiver<Vec<Bytes>>, end: End) {
    let _guard = end.ended.clone().drop_guard();
    let write = async {
        while let Some(packet) = outbox.recv().await {
            for part in packet {
                if let Err(error) = channel.data_bytes(part).await {
                    return end.because(error.to_string());
                }
            }
        }
    };
    tokio::select! {
        () = end.ended.cancelled() => {}
        () = write => {}
    }
}

/// The checked packets of a channel, until it ends.
fn packets(channel: ChannelReadHalf) -> impl stream::Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((channel, BytesMut::new()), |(mut channel, mut buffer)| async move {
        loop {
            match frames::take_packet(&mut buffer) {
                Ok(Some(packet)) => return Ok(Some((packet, (channel, buffer)))),
                Ok(None) => {}
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
            let (kind, what) = match channel.wait().await {
                Some(ChannelMsg::Data { data }) => {
                    buffer.extend_from_slice(&data);
                    continue;
                }
                Some(ChannelMsg::Eof | ChannelMsg::Close) => {
                    (io::ErrorKind::UnexpectedEof, "the server closed the session")
                }
                None => (CONNECTION_GONE, "the connection broke"),
                Some(_) => continue,
            };
            return Err(io::Error::new(kind, what));
        }
    })
}

fn refusal(error: sftp::Error) -> SftpError {
    if let sftp::Error::IOError(error) = &error
        && error.kind() == CONNECTION_GONE
    {
        return SftpError::Lost { reason: error.to_string() };
    }
    let sftp::Error::SftpError(kind, message) = error else {
        return SftpError::Protocol(Box::new(error));
    };
    let status = match kind {
        sftp::SftpErrorKind::NoSuchFile => Status::NoSuchFile,
        sftp::SftpErrorKind::PermDenied => Status::PermissionDenied,
        sftp::SftpErrorKind::Failure => Status::Failure,
        sftp::SftpErrorKind::OpUnsupported => Status::Unsupported,
        _ => Status::Other,
    };
    SftpError::Status { status, message: message.get().0.to_owned() }
}
