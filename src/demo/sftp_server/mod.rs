//! A small SFTP server for one folder and one user: the other side of `vidne demo`, and of tests.
//!
//! It is not for production: everything is one folder, and its host key is made anew at every start.

mod code11;
mod files;
mod folder;
mod sftp;
mod ssh;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{HashAlg, PrivateKey};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroize;

use crate::domain::secret::Secret;
use folder::Folder;

/// Whom the server lets in, and to what.
#[derive(Clone, Debug)]
pub struct SftpServerOptions {
    /// The folder that clients see as `/`. It must exist; nothing outside it can be reached.
    pub folder: PathBuf,
    /// The only user.
    pub user: String,
    /// The user's password.
    pub password: Secret,
    /// How it misbehaves, for tests. By default it does not.
    pub quirks: Quirks,
}

/// What real servers are seen to do, switched on one by one in tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quirks {
    /// Offers keyboard-interactive only, not plain passwords.
    pub keyboard_interactive_only: bool,
    /// A rename onto an existing file replaces it, as several servers do.
    pub rename_replaces: bool,
    /// A rename onto an existing file is answered with code 11, as ProFTPD does.
    pub rename_answers_code_11: bool,
    /// Every request is refused with "permission denied".
    pub refuses_everything: bool,
    /// Users may log in, but not use SFTP.
    pub refuses_sftp: bool,
    /// Hangs up when a user sends a password, as servers do that have blocked the address.
    pub hangs_up_at_login: bool,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum SftpServerError {
    /// The folder cannot be used.
    #[error("cannot serve folder {}: it must be an existing folder", folder.display())]
    Folder {
        /// The folder as given.
        folder: PathBuf,
        /// The operating system's error.
        #[source]
        cause: io::Error,
    },
    /// The operating system gives no random numbers.
    #[error("cannot make a host key: {0}")]
    Random(String),
    /// The listener is unusable.
    #[error("cannot tell what address the listener has")]
    Listener(#[source] io::Error),
}

/// A running server. It stops when its token is cancelled, not when this is dropped.
#[derive(Debug)]
pub struct SftpServer {
    address: SocketAddr,
    fingerprint: String,
    host_key_line: String,
    login_attempts: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl SftpServer {
    /// Serves connections that arrive on `listener` until `shutdown` is cancelled.
    pub fn start(
        listener: TcpListener,
        options: SftpServerOptions,
        shutdown: CancellationToken,
    ) -> Result<Self, SftpServerError> {
        let folder = Folder::open(&options.folder)
            .map_err(|cause| SftpServerError::Folder { folder: options.folder.clone(), cause })?;
        let address = listener.local_addr().map_err(SftpServerError::Listener)?;
        let key = host_key()?;
        let fingerprint = key.public_key().fingerprint(HashAlg::Sha256).to_string();
        let host_key_line = key
            .public_key()
            .to_openssh()
            .map(|line| format!("[{}]:{} {line}", address.ip(), address.port()))
            .map_err(|error| SftpServerError::Random(error.to_string()))?;
        let login_attempts = Arc::new(AtomicUsize::new(0));
        let ssh = ssh::Ssh::new(options, folder, login_attempts.clone());
        let task = tokio::spawn(ssh.serve(listener, key, shutdown));
        Ok(Self { address, fingerprint, host_key_line, login_attempts, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its host key's fingerprint, `SHA256:...`.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Its host key as a known_hosts line.
    pub fn host_key_line(&self) -> &str {
        &self.host_key_line
    }

    /// How many times a client tried to log in with a password, an answer or a key.
    pub fn login_attempts(&self) -> usize {
        self.login_attempts.load(Ordering::Relaxed)
    }

    /// Waits until it has stopped.
    pub async fn stopped(self) {
        // A panic in it has been reported by the panic hook already.
        let _ = self.task.await;
    }
}

fn host_key() -> Result<PrivateKey, SftpServerError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| SftpServerError::Random(error.to_string()))?;
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
    seed.zeroize();
    Ok(key)
}
