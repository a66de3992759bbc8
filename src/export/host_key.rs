//! The key that an SSH server presented.

use super::sftp::HostKeyInfo;

/// A server's key as it was presented, trusted or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// Such as `ssh-ed25519`.
    pub algorithm: String,
    /// `SHA256:` and the base64 digest, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
}

impl From<&HostKeyInfo> for HostKey {
    fn from(key: &HostKeyInfo) -> Self {
        Self { algorithm: key.algorithm.clone(), fingerprint: key.fingerprint.clone() }
    }
}
