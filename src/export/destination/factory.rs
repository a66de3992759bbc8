//! Folders behind OpenDAL and its layers.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use opendal::{
    Operator,
    layers::{PrometheusClientLayer, RetryLayer, TimeoutLayer, TracingLayer},
    services::Fs,
};

use super::{
    Destinations, DropFolder, local::LocalFolder, scrubbed::Scrubbed, sftp, sftp::SftpFolder, store,
};
use crate::{
    domain::export::{Destination, DestinationSecrets, FileMode, SftpDestination},
    export::{
        ExportError,
        file_mode::{Told, WantedMode},
        host_key::HostKey,
        secret_source::SecretSources,
        sftp::{SftpLimits, operator, presented_host_key, resolve},
    },
};

/// Longest wait for one local operation, a flush to disk included.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(60);

/// What the server's configuration says about destinations.
#[derive(Clone, Default)]
pub struct DestinationConfig {
    /// `export.directory`: local folders are below it. `None`: there are no local destinations.
    pub export_directory: Option<PathBuf>,
    /// Time-outs, sizes and retries of SFTP; object stores keep to those that they have too.
    pub sftp: SftpLimits,
    /// Which secrets of the server jobs may name.
    pub secret_sources: SecretSources,
    /// Made once per registry with `PrometheusClientLayer::builder().register(..)`.
    pub metrics: Option<PrometheusClientLayer>,
}

/// Makes the folders that jobs name.
#[derive(Clone)]
pub struct OpendalDestinations {
    config: DestinationConfig,
    refusing_modes: Told,
}

impl OpendalDestinations {
    /// Folders as the configuration allows them.
    pub fn new(config: DestinationConfig) -> Self {
        Self { config, refusing_modes: Told::default() }
    }

    fn mode(&self, mode: Option<FileMode>, place: String) -> Option<WantedMode> {
        mode.map(|mode| WantedMode::new(mode, place, self.refusing_modes.clone()))
    }

    fn local(&self, root: &Path) -> Result<Operator, ExportError> {
        let operator = Operator::new(Fs::default().root(&root.to_string_lossy()))
            .map_err(|error| ExportError::opendal("opening export.directory", error))?;
        let timeout = TimeoutLayer::new().with_timeout(LOCAL_TIMEOUT).with_io_timeout(LOCAL_TIMEOUT);
        let operator =
            operator.layer(timeout).layer(RetryLayer::new().with_jitter()).layer(TracingLayer::new());
        Ok(match &self.config.metrics {
            Some(metrics) => operator.layer(metrics.clone()),
            None => operator,
        })
    }
}

#[async_trait]
impl Destinations for OpendalDestinations {
    async fn open(
        &self,
        destination: &Destination,
        secrets: &DestinationSecrets,
    ) -> Result<Arc<dyn DropFolder>, ExportError> {
        let found = Arc::new(self.config.secret_sources.fill(destination, secrets).await?);
        let folder = self.folder(destination, &found).await.map_err(|error| error.scrubbed(&found))?;
        let all_kept = *found == *secrets;
        Ok(if all_kept { folder } else { Arc::new(Scrubbed { folder, secrets: found }) })
    }

    async fn resolve(&self, destination: &SftpDestination) -> Result<(), ExportError> {
        let address = sftp::address(destination)?;
        resolve(&address, &self.config.sftp).await.map_err(ExportError::from_connect)
    }

    async fn host_key(&self, destination: &SftpDestination) -> Result<HostKey, ExportError> {
        let address = sftp::address(destination)?;
        let presented = presented_host_key(&address, &self.config.sftp).await;
        presented.map(|key| HostKey::from(&key)).map_err(ExportError::from_connect)
    }
}

impl OpendalDestinations {
    async fn folder(
        &self,
        destination: &Destination,
        secrets: &DestinationSecrets,
    ) -> Result<Arc<dyn DropFolder>, ExportError> {
        match destination {
            Destination::Sftp(settings) => {
                let place = format!("{}@{}/{}", settings.user_name, settings.address, settings.directory);
                let mode = self.mode(settings.file_mode, place);
                let config = sftp::config(settings, secrets, self.config.sftp.clone())?;
                let config = config.with_file_mode(mode.clone());
                let operator = operator(config, self.config.metrics.clone());
                let operator = operator.map_err(|e| ExportError::opendal("opening the destination", e))?;
                Ok(Arc::new(SftpFolder { operator, mode }))
            }
            Destination::Fs { directory, file_mode } => {
                let root = self.config.export_directory.clone().ok_or_else(|| {
                    ExportError::destination(
                        "this server has no local destinations; set export.directory in its configuration",
                    )
                })?;
                let folder = LocalFolder::open(root, directory.clone(), |root| self.local(root)).await?;
                Ok(Arc::new(folder.with_mode(self.mode(*file_mode, directory.clone()))))
            }
            Destination::S3(settings) => store::s3(settings, secrets, &self.config),
            Destination::Azblob(settings) => store::azblob(settings, secrets, &self.config),
            Destination::Gcs(settings) => store::gcs(settings, secrets, &self.config),
        }
    }
}
