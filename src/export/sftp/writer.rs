//! Uploads.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use opendal::raw::oio;
use opendal::{Buffer, Error, ErrorKind, Metadata, MetadataBuilder, Result};
use openssh_sftp_client_lowlevel::{AwaitableStatusFuture, CreateFlags, Extensions, HandleOwned};

use super::folders;
use super::link::{Link, Server};
use super::rename::exists;
use super::session::InFlight;
use super::sftp_error::SftpError;
use super::tails::Tails;
use crate::export::file_mode::WantedMode;

type Answer = AwaitableStatusFuture<Vec<u8>>;

/// Writes one file straight to its path.
///
/// Up to the window's bytes are on the way at once, so a write returns before its bytes are acknowledged;
/// closing waits for all of them, has the server flush where it can, sets permissions if it is to, looks whether the
/// server has kept every write, and only then is the file complete.
/// After any failed or dropped call every later one is refused: a repeated write would double its bytes.
#[derive(Debug)]
pub struct SftpWriter {
    link: Arc<Link>,
    path: String,
    if_not_exists: bool,
    usable: bool,
    upload: Option<Upload>,
}

#[derive(Debug)]
struct Upload {
    server: Arc<Server>,
    path: String,
    /// Gone once closing was asked for: servers use handles again, and a second close could hit another file.
    handle: Option<HandleOwned>,
    in_flight: InFlight<Answer>,
    offset: u64,
    tails: Tails,
}

impl SftpWriter {
    pub(super) fn new(link: Arc<Link>, path: &str, if_not_exists: bool) -> Self {
        Self { link, path: path.to_owned(), if_not_exists, usable: true, upload: None }
    }

    /// The upload, opened if need be, with the writer unusable until the caller has used it well.
    ///
    /// Only connecting comes before that: it changes nothing on the server and may be repeated.
    async fn enter(&mut self) -> Result<&mut Upload> {
        if !self.usable {
            let message = "an earlier call of this upload failed or was dropped; start the upload again";
            return Err(Error::new(ErrorKind::Unexpected, message));
        }
        let upload = match self.upload.take() {
            Some(upload) => {
                self.usable = false;
                upload
            }
            None => {
                let server = self.link.server().await?;
                self.usable = false;
                Upload::open(server, &self.path, self.if_not_exists).await.map_err(Error::set_permanent)?
            }
        };
        Ok(self.upload.insert(upload))
    }
}

impl oio::Write for SftpWriter {
    async fn write(&mut self, data: Buffer) -> Result<()> {
        let window = self.link.window_bytes();
        self.enter().await?.send(data, window).await.map_err(permanent)?;
        self.usable = true;
        Ok(())
    }

    async fn close(&mut self) -> Result<Metadata> {
        let mode = self.link.file_mode();
        let upload = self.enter().await?;
        upload.finish(mode.as_ref()).await.map_err(permanent)?;
        let written = MetadataBuilder::file(upload.offset).build();
        self.upload = None;
        Ok(written)
    }

    /// Removes what was written so far, over a new connection if the old one is gone.
    async fn abort(&mut self) -> Result<()> {
        self.usable = false;
        let Some(upload) = &mut self.upload else { return Ok(()) };
        upload.in_flight.clear();
        upload.close_later();
        let server = self.link.server().await?;
        match server.session.remove(&upload.path).await {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => {
                self.upload = None;
                Ok(())
            }
        }
    }
}

impl Upload {
    async fn open(server: Arc<Server>, path: &str, if_not_exists: bool) -> Result<Self> {
        let path = server.path(path)?;
        // Some servers ignore the flag that asks for a new file only, so look before.
        if if_not_exists && server.session.exists(&path).await? {
            return Err(exists(&path, None));
        }
        let flags = if if_not_exists { CreateFlags::Excl } else { CreateFlags::Trunc };
        let mut opened = server.session.create(&path, flags).await;
        if matches!(&opened, Err(error) if error.is_not_found()) {
            folders::make_parents(&server, &path).await?;
            opened = server.session.create(&path, flags).await;
        }
        let handle = match opened {
            Ok(handle) => handle,
            Err(error)
                if if_not_exists && error.may_mean_exists() && server.session.exists(&path).await? =>
            {
                return Err(exists(&path, Some(error)));
            }
            Err(error) => return Err(error.into()),
        };
        let handle = Some(handle);
        Ok(Self { server, path, handle, in_flight: InFlight::new(), offset: 0, tails: Tails::default() })
    }

    async fn send(&mut self, mut data: Buffer, window: usize) -> std::result::Result<(), SftpError> {
        let Some(handle) = self.handle.clone() else { return Err(closed()) };
        while !data.is_empty() {
            let bytes = data.len().min(self.server.write_bytes);
            while self.in_flight.bytes() > 0 && self.in_flight.bytes() + bytes > window {
                self.settle_oldest().await?;
            }
            let parts: Vec<Bytes> = data.split_to(bytes).collect();
            let (handle, offset) = (Cow::Borrowed(&*handle), self.offset);
            let answer = self.server.session.post(|requests, id| {
                Ok(requests.send_write_request_zero_copy(id, handle, offset, &parts)?.wait())
            })?;
            self.in_flight.push(bytes, answer);
            self.offset += bytes as u64;
            self.tails.note(self.offset, &parts);
        }
        Ok(())
    }

    fn close_later(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.server.session.close_later(&handle);
        }
    }

    async fn settle_oldest(&mut self) -> std::result::Result<bool, SftpError> {
        let Some(answer) = self.in_flight.pop() else { return Ok(false) };
        self.server.session.answer(answer).await?;
        Ok(true)
    }

    async fn finish(&mut self, mode: Option<&WantedMode>) -> std::result::Result<(), SftpError> {
        while self.settle_oldest().await? {}
        let Some(handle) = self.handle.take() else { return Err(closed()) };
        let session = &self.server.session;
        if self.server.offers(Extensions::FSYNC) {
            match session.fsync(&handle).await {
                Err(error) if !error.is_unsupported() => {
                    session.close_later(&handle);
                    return Err(error);
                }
                _ => {}
            }
        }
        session.close(&handle).await?;
        if let Some(mode) = mode {
            self.set(mode).await?;
        }
        self.tails.check(&self.server, &self.path).await
    }
}

impl Upload {
    /// Once the file is closed, as some servers lock it until then. What a server refuses is not worth a file.
    async fn set(&self, mode: &WantedMode) -> std::result::Result<(), SftpError> {
        match self.server.session.set_permissions(&self.path, mode.bits()).await {
            // Its own words may be anything, the login's secrets too.
            Err(SftpError::Status { status, .. }) => mode.refuse(status),
            done => done?,
        }
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.close_later();
    }
}

fn permanent(error: SftpError) -> Error {
    Error::from(error).set_permanent()
}

fn closed() -> SftpError {
    SftpError::Lost { reason: "the file is closed already".to_owned() }
}
