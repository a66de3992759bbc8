//! What an SFTP destination needs to know, and its limits.

use std::time::Duration;

use super::address::Address;
use super::host_key::HostKeyPin;
use crate::domain::secret::Secret;
use crate::export::file_mode::WantedMode;

/// Everything needed to use one SFTP server as one OpenDAL service.
#[derive(Clone, Debug)]
pub struct SftpConfig {
    /// Where the server is.
    pub address: Address,
    /// The user to log in as.
    pub user: String,
    /// How the user proves who it is.
    pub credentials: Credentials,
    /// The host keys that are trusted, several for a server that changes its key. With none, every key is
    /// refused.
    pub host_keys: Vec<HostKeyPin>,
    /// The folder all paths are below. With a leading slash it is absolute; without one it is relative to
    /// the folder the login lands in; empty is that folder itself. It must exist: it is never created.
    pub root: String,
    /// Time-outs and sizes.
    pub limits: SftpLimits,
    /// What uploads get as their last step; `None`: what the server gives them.
    pub file_mode: Option<WantedMode>,
}

impl SftpConfig {
    /// A destination with default limits, rooted in the folder the login lands in.
    pub fn new(
        address: Address,
        user: impl Into<String>,
        credentials: Credentials,
        host_keys: Vec<HostKeyPin>,
    ) -> Self {
        let limits = SftpLimits::default();
        Self {
            address,
            user: user.into(),
            credentials,
            host_keys,
            root: String::new(),
            limits,
            file_mode: None,
        }
    }

    /// The same destination rooted in another folder.
    pub fn with_root(mut self, root: impl Into<String>) -> Self {
        self.root = root.into();
        self
    }

    /// The same destination with permissions for uploads.
    pub fn with_file_mode(mut self, file_mode: Option<WantedMode>) -> Self {
        self.file_mode = file_mode;
        self
    }

    /// The same destination with other limits.
    pub fn with_limits(mut self, limits: SftpLimits) -> Self {
        self.limits = limits;
        self
    }
}

/// How a user proves who it is. With both, the key is tried first; a server may also ask for both.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The password; also the answer to a keyboard-interactive question whose answer is hidden.
    pub password: Option<Secret>,
    /// The private key.
    pub private_key: Option<PrivateKeyText>,
}

/// A private key as text.
#[derive(Clone, Debug)]
pub struct PrivateKeyText {
    /// The key file's content: OpenSSH, PKCS#1 or PKCS#8 PEM, or PuTTY; ed25519, RSA or ECDSA.
    pub pem: Secret,
    /// What the key is encrypted with, if it is.
    pub passphrase: Option<Secret>,
}

impl Credentials {
    /// A password only.
    pub fn password(password: Secret) -> Self {
        Self { password: Some(password), private_key: None }
    }

    /// A private key only.
    pub fn private_key(pem: Secret, passphrase: Option<Secret>) -> Self {
        Self { password: None, private_key: Some(PrivateKeyText { pem, passphrase }) }
    }
}

/// Time-outs and sizes of one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SftpLimits {
    /// Longest time from looking the name up to a usable session, logging in included. Default 20 s.
    pub connect_timeout: Duration,
    /// Longest wait for the server's answer to one request, the flush of a large file included. A server
    /// that takes longer loses its connection. Default 30 s.
    pub request_timeout: Duration,
    /// How long the line may be silent before the server is asked for a sign of life. Default 15 s.
    pub keepalive_interval: Duration,
    /// How many of these questions may stay unanswered before the connection is dead. Default 2.
    pub keepalive_max: usize,
    /// Most bytes of one upload, and of one download, that may be on the way at once. Default 2 MiB, which
    /// fills OpenSSH's own window.
    pub window_bytes: usize,
    /// Most bytes in one request when the server tells its own limit; the smaller one counts. Default
    /// 255 KiB.
    pub packet_bytes_max: usize,
    /// Bytes in one request when the server does not tell its limit. Default 32 KiB, which every server
    /// must take.
    pub packet_bytes: usize,
    /// How often a failed operation that may be repeated is tried again. Default 3.
    pub retries: usize,
    /// The wait before the first retry; it doubles each time. Default 500 ms.
    pub retry_delay: Duration,
    /// Longest wait before a retry. Default 10 s.
    pub retry_delay_max: Duration,
}

impl Default for SftpLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(20),
            request_timeout: Duration::from_secs(30),
            keepalive_interval: Duration::from_secs(15),
            keepalive_max: 2,
            window_bytes: 2 * 1024 * 1024,
            packet_bytes_max: 255 * 1024,
            packet_bytes: 32 * 1024,
            retries: 3,
            retry_delay: Duration::from_millis(500),
            retry_delay_max: Duration::from_secs(10),
        }
    }
}

impl SftpLimits {
    /// How long OpenDAL's own time-out layer waits: longer than anything made of our own time-outs, so
    /// that ours fire first and say what happened.
    pub(super) fn outer_timeout(&self) -> Duration {
        const REQUESTS_PER_OPERATION: u32 = 8;
        self.connect_timeout + self.request_timeout * REQUESTS_PER_OPERATION
    }

    /// How long a connection may be silent altogether, also while it is being made.
    pub(super) fn silence_max(&self) -> Duration {
        let missed = u32::try_from(self.keepalive_max).unwrap_or(u32::MAX);
        self.keepalive_interval.saturating_mul(missed.saturating_add(2)).max(self.connect_timeout)
    }
}
