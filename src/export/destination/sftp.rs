//! A folder on an SFTP server.

use async_trait::async_trait;
use opendal::{ErrorKind, Operator};

use super::{DropFolder, NewFile, Published, ops};
use crate::{
    domain::export::{DestinationSecrets, SftpDestination},
    export::{
        ExportError,
        file_mode::WantedMode,
        sftp::{Address, Credentials, HostKeyPin, PrivateKeyText, SftpConfig, SftpLimits},
    },
};

/// Files are published with the plain RENAME, which does not replace, after looking, since some servers
/// replace all the same.
pub(super) struct SftpFolder {
    pub(super) operator: Operator,
    pub(super) mode: Option<WantedMode>,
}

/// The address of settings. They were checked when they were made, so this rarely fails.
pub(super) fn address(sftp: &SftpDestination) -> Result<Address, ExportError> {
    sftp.address.parse().map_err(|_| ExportError::destination("the job's SFTP address is not an address"))
}

pub(super) fn config(
    sftp: &SftpDestination,
    secrets: &DestinationSecrets,
    limits: SftpLimits,
) -> Result<SftpConfig, ExportError> {
    let pins = sftp.host_keys.iter().map(|key| key.parse::<HostKeyPin>());
    let pins = pins.collect::<Result<Vec<_>, _>>().map_err(|e| ExportError::destination(e.to_string()))?;
    let private_key = secrets
        .private_key
        .as_ref()
        .map(|pem| PrivateKeyText { pem: pem.clone(), passphrase: secrets.private_key_passphrase.clone() });
    let credentials = Credentials { password: secrets.password.clone(), private_key };
    Ok(SftpConfig::new(address(sftp)?, &sftp.user_name, credentials, pins)
        .with_root(&sftp.directory)
        .with_limits(limits))
}

#[async_trait]
impl DropFolder for SftpFolder {
    async fn is_there(&self) -> Result<bool, ExportError> {
        // Not by listing it: a folder may be for writing only. Nor as `/`, which OpenDAL does not ask about.
        Ok(ops::size(&self.operator, ".").await?.is_some())
    }

    async fn size(&self, name: &str) -> Result<Option<u64>, ExportError> {
        ops::size(&self.operator, name).await
    }

    async fn sha256(&self, name: &str) -> Result<Option<[u8; 32]>, ExportError> {
        ops::sha256(&self.operator, name).await
    }

    async fn create(&self, name: &str) -> Result<Box<dyn NewFile>, ExportError> {
        ops::create(&self.operator, name).await
    }

    async fn publish(&self, part: &str, name: &str) -> Result<Published, ExportError> {
        match self.operator.rename_with(part, name).if_not_exists(true).await {
            Ok(_) => Ok(Published::Done),
            Err(error) if error.kind() == ErrorKind::ConditionNotMatch => Ok(Published::NameTaken),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Published::PartMissing),
            Err(error) => Err(ExportError::opendal("giving a file its final name", error)),
        }
    }

    async fn delete(&self, name: &str) -> Result<(), ExportError> {
        ops::delete(&self.operator, name).await
    }

    fn mode_refused(&self) -> Option<String> {
        self.mode.as_ref().and_then(WantedMode::refused)
    }

    async fn parts(&self, directory: &str, limit: usize) -> Result<Vec<String>, ExportError> {
        ops::parts(&self.operator, &format!("{directory}/"), limit).await
    }
}
