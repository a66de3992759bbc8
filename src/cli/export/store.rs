//! Object stores, from flags.

use std::path::PathBuf;

use clap::Args;

use crate::codec::proto::v1::{
    AzblobDestination, Destination, GcsDestination, S3Destination, SecretSource, destination::Kind,
    secret_source,
};

use super::super::{
    CliError,
    input::{secret_env, secret_file},
};

/// What an object store excludes.
const OTHERS: [&str; 11] = [
    "sftp",
    "fs",
    "user",
    "password_file",
    "password_env",
    "password_from",
    "key_file",
    "key_from",
    "key_passphrase_file",
    "host_keys",
    "accept_host_key",
];

/// An object store.
#[derive(Debug, Default, Args)]
pub struct StoreArgs {
    /// A bucket of S3, or of a server that speaks its protocol. An update gives all of a store's options again, but for
    /// its secret.
    #[arg(long, value_name = "BUCKET", conflicts_with_all = OTHERS, conflicts_with_all = ["azblob", "gcs"], requires = "access_key_id")]
    pub s3: Option<String>,
    /// A container of Azure Blob Storage.
    #[arg(long, value_name = "CONTAINER", conflicts_with_all = OTHERS, conflicts_with = "gcs", requires = "account", requires = "endpoint")]
    pub azblob: Option<String>,
    /// A bucket of Google Cloud Storage.
    #[arg(long, value_name = "BUCKET", conflicts_with_all = OTHERS)]
    pub gcs: Option<String>,
    /// The store's address: https://host or https://host:port. Default: that of AWS or Google.
    #[arg(long, value_name = "URL", conflicts_with_all = ["sftp", "fs"])]
    pub endpoint: Option<String>,
    /// The bucket's region. Default: us-east-1.
    #[arg(long, value_name = "NAME", requires = "s3")]
    pub region: Option<String>,
    /// Call https://bucket.host instead of https://host/bucket.
    #[arg(long, requires = "s3")]
    pub virtual_host_style: bool,
    /// The id of the access key.
    #[arg(long, value_name = "ID", requires = "s3")]
    pub access_key_id: Option<String>,
    /// The storage account.
    #[arg(long, value_name = "NAME", requires = "azblob")]
    pub account: Option<String>,
    /// A file that holds the store's secret: the secret access key, the account's key, or the JSON key of a service
    /// account.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["sftp", "fs"])]
    pub secret_file: Option<PathBuf>,
    /// An environment variable that holds it.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["secret_file", "sftp", "fs"])]
    pub secret_env: Option<String>,
    /// Where the server finds it at each run, as for --password-from.
    #[arg(long, value_name = "SOURCE", value_parser = source, conflicts_with_all = ["secret_file", "secret_env", "sftp", "fs"])]
    pub secret_from: Option<SecretSource>,
}

impl StoreArgs {
    /// The whole destination; `None` if it is no object store.
    ///
    /// # Errors
    ///
    /// If the secret cannot be read.
    pub fn destination(&self, directory: Option<&String>) -> Result<Option<Destination>, CliError> {
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        let (endpoint, directory) = (text(self.endpoint.as_ref()), text(directory));
        let kind = if let Some(bucket) = self.s3.clone() {
            Kind::S3(S3Destination {
                endpoint,
                region: text(self.region.as_ref()),
                bucket,
                directory,
                access_key_id: text(self.access_key_id.as_ref()),
                secret_access_key: self.secret()?,
                has_secret_access_key: false,
                secret_access_key_from: self.secret_from.clone(),
                virtual_host_style: self.virtual_host_style,
            })
        } else if let Some(container) = self.azblob.clone() {
            Kind::Azblob(AzblobDestination {
                endpoint,
                container,
                directory,
                account_name: text(self.account.as_ref()),
                account_key: self.secret()?,
                has_account_key: false,
                account_key_from: self.secret_from.clone(),
            })
        } else if let Some(bucket) = self.gcs.clone() {
            Kind::Gcs(GcsDestination {
                endpoint,
                bucket,
                directory,
                credential: self.secret()?,
                has_credential: false,
                credential_from: self.secret_from.clone(),
            })
        } else {
            return Ok(None);
        };
        Ok(Some(Destination { kind: Some(kind) }))
    }

    fn secret(&self) -> Result<String, CliError> {
        let read = match (&self.secret_env, &self.secret_file) {
            (Some(name), _) => secret_env(name),
            (None, Some(path)) => secret_file(path),
            (None, None) => return Ok(String::new()),
        };
        read.map(|secret| secret.expose().to_owned()).map_err(CliError::failed)
    }
}

/// `env:NAME` or `file:PATH`.
pub fn source(text: &str) -> Result<SecretSource, String> {
    let kind = match text.split_once(':') {
        Some(("env", name)) if !name.is_empty() => secret_source::Kind::Env(name.to_owned()),
        Some(("file", path)) if !path.is_empty() => secret_source::Kind::File(path.to_owned()),
        _ => return Err("expected env:NAME or file:PATH".to_owned()),
    };
    Ok(SecretSource { kind: Some(kind) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_variable_or_a_file() {
        let env = SecretSource { kind: Some(secret_source::Kind::Env("A".to_owned())) };
        assert_eq!(source("env:A"), Ok(env));
        let file = SecretSource { kind: Some(secret_source::Kind::File("a/b:c".to_owned())) };
        assert_eq!(source("file:a/b:c"), Ok(file));
        for wrong in ["A", "env:", "file:", "vault:x", ""] {
            assert!(source(wrong).is_err(), "{wrong}");
        }
    }
}
