//! Where an export job's files go, and what it takes to get there.

use super::{file_mode::FileMode, secret::Secret};

/// Where files go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A folder on an SFTP server.
    Sftp(SftpDestination),
    /// A folder below the server's `export.directory`, such as `siem/xflow`.
    Fs {
        /// Relative, without `..`.
        directory: String,
        /// What files get; `None`: what the system gives them.
        file_mode: Option<FileMode>,
    },
    /// A bucket of S3 or of a server that speaks its protocol.
    S3(S3Destination),
    /// A container of Azure Blob Storage.
    Azblob(AzblobDestination),
    /// A bucket of Google Cloud Storage.
    Gcs(GcsDestination),
}

/// Where the server finds a secret that is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable of the server.
    Env(String),
    /// A file below the server's `export.secret_files`.
    File(String),
}

/// A folder on an SFTP server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SftpDestination {
    /// `host`, `host:port` or `[ipv6]:port`.
    pub address: String,
    /// Login name.
    pub user_name: String,
    /// Empty: where the login lands.
    pub directory: String,
    /// `SHA256:...` fingerprints or known_hosts lines.
    pub host_keys: Vec<String>,
    /// Which secrets are kept.
    pub has_password: bool,
    /// Which secrets are kept.
    pub has_private_key: bool,
    /// In place of a kept password.
    pub password_from: Option<SecretSource>,
    /// In place of a kept key.
    pub private_key_from: Option<SecretSource>,
    /// In place of a kept passphrase.
    pub private_key_passphrase_from: Option<SecretSource>,
    /// What files get; `None`: what the server gives them.
    pub file_mode: Option<FileMode>,
}

/// A bucket of S3 or of a server that speaks its protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3Destination {
    /// `https://host:port`; empty: AWS, by the region.
    pub endpoint: String,
    /// Empty: `us-east-1`.
    pub region: String,
    /// It must exist.
    pub bucket: String,
    /// What names begin with; empty: nothing.
    pub directory: String,
    /// Which access key.
    pub access_key_id: String,
    /// Whether the access key is kept.
    pub has_secret_access_key: bool,
    /// In place of a kept access key.
    pub secret_access_key_from: Option<SecretSource>,
    /// The bucket is part of the host name.
    pub virtual_host_style: bool,
}

/// A container of Azure Blob Storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AzblobDestination {
    /// `https://account.blob.core.windows.net`.
    pub endpoint: String,
    /// It must exist.
    pub container: String,
    /// What names begin with; empty: nothing.
    pub directory: String,
    /// The storage account.
    pub account_name: String,
    /// Whether its key is kept.
    pub has_account_key: bool,
    /// In place of a kept key.
    pub account_key_from: Option<SecretSource>,
}

/// A bucket of Google Cloud Storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GcsDestination {
    /// Empty: Google's.
    pub endpoint: String,
    /// It must exist.
    pub bucket: String,
    /// What names begin with; empty: nothing.
    pub directory: String,
    /// Whether the service account's key is kept.
    pub has_credential: bool,
    /// In place of a kept key.
    pub credential_from: Option<SecretSource>,
}

/// The secrets of a destination, kept sealed and apart from its settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DestinationSecrets {
    /// Answers password and keyboard-interactive logins.
    pub password: Option<Secret>,
    /// PEM.
    pub private_key: Option<Secret>,
    /// Of the private key.
    pub private_key_passphrase: Option<Secret>,
    /// Of an object store: the access key, the account's key or the service account's key.
    pub store_key: Option<Secret>,
}

impl DestinationSecrets {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Those that there are.
    pub fn all(&self) -> impl Iterator<Item = &Secret> {
        let Self { password, private_key, private_key_passphrase, store_key } = self;
        [password, private_key, private_key_passphrase, store_key].into_iter().flatten()
    }
}
