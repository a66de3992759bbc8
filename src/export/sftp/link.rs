//! The one connection of a service: made when first needed, made again when it is dead.

use std::sync::Arc;

use opendal::Result;
use openssh_sftp_client_lowlevel::Extensions;
use tokio::sync::Mutex;

use super::config::SftpConfig;
use super::connect::connect;
use super::paths;
use super::session::Session;
use crate::export::file_mode::WantedMode;

/// A connected server and what it told about itself.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) session: Session,
    /// The root folder's absolute path, without a slash at its end unless it is `/`.
    pub(super) root: String,
    /// Most bytes in one write request.
    pub(super) write_bytes: usize,
    /// Most bytes asked for in one read request.
    pub(super) read_bytes: usize,
}

impl Server {
    pub(super) fn offers(&self, extension: Extensions) -> bool {
        self.session.extensions().contains(extension)
    }

    /// The server's spelling of an OpenDAL path.
    pub(super) fn path(&self, path: &str) -> Result<String> {
        paths::absolute(&self.root, path)
    }
}

#[derive(Debug)]
pub(super) struct Link {
    config: SftpConfig,
    current: Mutex<Option<Arc<Server>>>,
}

impl Link {
    pub(super) fn new(config: SftpConfig) -> Self {
        Self { config, current: Mutex::new(None) }
    }

    pub(super) fn file_mode(&self) -> Option<WantedMode> {
        self.config.file_mode.clone()
    }

    pub(super) fn window_bytes(&self) -> usize {
        self.config.limits.window_bytes
    }

    /// The live server, after connecting if need be. Others wait meanwhile instead of connecting too.
    pub(super) async fn server(&self) -> Result<Arc<Server>> {
        let mut current = self.current.lock().await;
        if let Some(server) = current.as_ref().filter(|server| server.session.is_alive()) {
            return Ok(server.clone());
        }
        *current = None;
        let server = Arc::new(self.connect().await?);
        *current = Some(server.clone());
        Ok(server)
    }

    async fn connect(&self) -> Result<Server> {
        let config = &self.config;
        let session = connect(config).await?;
        let root = if config.root.starts_with('/') {
            paths::root("/", &config.root)
        } else {
            paths::root(&session.real_path(".").await?, &config.root)
        };
        let (write_bytes, read_bytes) = self.packet_bytes(&session).await?;
        tracing::debug!(
            server.address = %config.address,
            sftp.root = %root,
            sftp.write_bytes = write_bytes,
            sftp.extensions = ?session.extensions(),
            "connected to SFTP server"
        );
        Ok(Server { session, root, write_bytes, read_bytes })
    }

    /// Bytes to write and to read in one request. A limit of zero means that there is none.
    async fn packet_bytes(&self, session: &Session) -> Result<(usize, usize)> {
        let limits = &self.config.limits;
        let fallback = limits.packet_bytes.max(1);
        if !session.extensions().contains(Extensions::LIMITS) {
            return Ok((fallback, fallback));
        }
        let told = match session.limits().await {
            Ok(told) => told,
            Err(error) if error.is_unsupported() => return Ok((fallback, fallback)),
            Err(error) => return Err(error.into()),
        };
        let bytes = |told: u64| match usize::try_from(told) {
            Ok(0) => fallback,
            Ok(told) => told.min(limits.packet_bytes_max).max(1),
            Err(_) => limits.packet_bytes_max.max(1),
        };
        Ok((bytes(told.write_len), bytes(told.read_len)))
    }
}
