//! What can go wrong with keys. Messages hold neither keys nor secrets.

use std::path::PathBuf;

/// A key that cannot be had, or a secret that cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file cannot be read or made.
    #[error("the key file {} cannot be used", path.display())]
    KeyFile {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The key is no key.
    #[error(
        "{place} does not hold a key: it must be 32 bytes in base64 (`openssl rand -base64 32` makes one)"
    )]
    KeyShape {
        /// Where it came from: a file or a variable.
        place: String,
    },
    /// Others may read the key file.
    #[error("the key file {} may be read by others; `chmod 600` it", path.display())]
    KeyFileMode {
        /// Where it is.
        path: PathBuf,
    },
    /// The machine gave no random bytes.
    #[error("the system's random generator failed")]
    Random,
    /// Sealed under another key or context, or damaged.
    #[error("the sealed secret does not open: it was sealed with another key, or is damaged")]
    Open,
}
