//! What the demo stands on: a folder, a vidne and an SFTP server, all gone afterwards.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{app::Running, cli::CliError, domain::secret::Secret};

use super::{
    server,
    sftp_server::{Quirks, SftpServer, SftpServerOptions},
};

/// The SFTP server's user.
pub const SFTP_USER: &str = "vidne";

/// Everything that runs.
pub struct Scene {
    /// vidne.
    vidne: Running,
    /// The SIEM's drop server.
    pub sftp: SftpServer,
    /// Its password, made for this run.
    pub password: Secret,
    folder: Folder,
    shutdown: CancellationToken,
}

impl Scene {
    /// Starts everything on free loopback ports.
    ///
    /// # Errors
    ///
    /// If a folder or port cannot be had.
    pub async fn set() -> Result<Self, CliError> {
        let folder =
            Folder::make().map_err(|error| CliError::failed(format!("cannot make a folder: {error}")))?;
        let shutdown = CancellationToken::new();
        let vidne = server::start(&folder.path().join("data")).await?;
        let password = Secret::new(Uuid::new_v4().simple().to_string());
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(|error| CliError::failed(format!("cannot listen on the loopback address: {error}")))?;
        let options = SftpServerOptions {
            folder: folder.drop_folder(),
            user: SFTP_USER.to_owned(),
            password: password.clone(),
            quirks: Quirks::default(),
        };
        let sftp = SftpServer::start(listener, options, shutdown.clone())
            .map_err(|error| CliError::failed(format!("the SFTP server does not start: {error}")))?;
        Ok(Self { vidne, sftp, password, folder, shutdown })
    }

    /// vidne's address as a URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.vidne.addresses.listen)
    }

    /// Where vidne keeps its data.
    pub fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What the SFTP server's user sees as `/`.
    pub fn drop_folder(&self) -> PathBuf {
        self.folder.drop_folder()
    }

    /// Stops everything; the folder goes with it.
    ///
    /// # Errors
    ///
    /// If vidne did not stop as it should.
    pub async fn clear(self) -> Result<(), CliError> {
        self.vidne.stop.cancel();
        let stopped = self.vidne.join().await;
        self.shutdown.cancel();
        self.sftp.stopped().await;
        stopped.map_err(|error| CliError::failed(format!("vidne did not stop as it should: {error}")))
    }
}

/// A folder that goes with this value.
struct Folder(PathBuf);

impl Folder {
    fn make() -> io::Result<Self> {
        let folder = Self(std::env::temp_dir().join(format!("vidne-demo-{}", Uuid::new_v4().simple())));
        // `create_dir`, not `create_dir_all`: it must be ours and new.
        fs::create_dir(folder.path())?;
        #[cfg(unix)]
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        fs::create_dir(folder.drop_folder())?;
        Ok(folder)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn drop_folder(&self) -> PathBuf {
        self.0.join("drop")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Best effort: what stays is below the system's folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}
