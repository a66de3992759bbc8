//! The OpenDAL service.

use std::sync::Arc;

use opendal::raw::{
    OpCopy, OpCreateDir, OpList, OpPresign, OpRead, OpRename, OpStat, OpWrite, RpCreateDir, RpPresign,
    RpRename, RpStat, Service, ServiceInfo, oio,
};
use opendal::{Builder, Capability, Error, ErrorKind, OperationContext, Result};

use super::config::SftpConfig;
use super::deleter::SftpDeleter;
use super::folders;
use super::link::Link;
use super::lister::SftpLister;
use super::metadata;
use super::reader::SftpReader;
use super::rename;
use super::writer::SftpWriter;

/// The scheme operators of this service report: not `sftp`, which is OpenDAL's own service's.
pub const SCHEME: &str = "vidne-sftp";

/// Builds the service from a [`SftpConfig`]. It has no textual configuration: secrets stay out of maps.
#[derive(Debug, Default)]
pub struct SftpBuilder {
    config: Option<SftpConfig>,
}

impl SftpBuilder {
    /// A builder for one destination.
    pub fn new(config: SftpConfig) -> Self {
        Self { config: Some(config) }
    }
}

impl Builder for SftpBuilder {
    type Config = ();

    fn build(self) -> Result<impl Service> {
        let invalid = |message: &str| Error::new(ErrorKind::ConfigInvalid, message);
        let config = self.config.ok_or_else(|| invalid("SFTP needs an address, a user and credentials"))?;
        if config.user.is_empty() {
            return Err(invalid("SFTP user is empty: give the name to log in with"));
        }
        let info = ServiceInfo::new(SCHEME, &config.root, config.address.to_string());
        Ok(SftpService { info, link: Arc::new(Link::new(config)) })
    }
}

/// Files and folders of one SFTP server.
///
/// Writes go straight to their path; a failed one leaves what has arrived, until it is aborted. `rename` replaces
/// what is there unless it is asked not to.
#[derive(Clone, Debug)]
pub struct SftpService {
    info: ServiceInfo,
    link: Arc<Link>,
}

impl Service for SftpService {
    type Reader = oio::StreamReader<SftpReader>;
    type Writer = SftpWriter;
    type Lister = SftpLister;
    type Deleter = oio::OneShotDeleter<SftpDeleter>;
    type Copier = ();
    type Composer = ();

    fn info(&self) -> ServiceInfo {
        self.info.clone()
    }

    fn capability(&self) -> Capability {
        Capability {
            stat: true,
            read: true,
            write: true,
            write_can_multi: true,
            write_can_empty: true,
            write_with_if_not_exists: true,
            create_dir: true,
            delete: true,
            rename: true,
            rename_with_if_not_exists: true,
            list: true,
            shared: true,
            ..Capability::default()
        }
    }

    async fn create_dir(&self, _: &OperationContext, path: &str, _: OpCreateDir) -> Result<RpCreateDir> {
        let server = self.link.server().await?;
        folders::make(&server, &server.path(path)?).await?;
        Ok(RpCreateDir::default())
    }

    async fn stat(&self, _: &OperationContext, path: &str, _: OpStat) -> Result<RpStat> {
        let server = self.link.server().await?;
        let attrs = server.session.stat(&server.path(path)?).await?;
        if path.ends_with('/') && !metadata::is_dir(&attrs) {
            return Err(Error::new(ErrorKind::NotFound, "there is a file, not a folder"));
        }
        Ok(RpStat::new(metadata::of(&attrs)))
    }

    fn read(&self, _: &OperationContext, path: &str, _: OpRead) -> Result<Self::Reader> {
        Ok(oio::StreamReader::new(SftpReader::new(self.link.clone(), path)))
    }

    fn write(&self, _: &OperationContext, path: &str, op: OpWrite) -> Result<Self::Writer> {
        Ok(SftpWriter::new(self.link.clone(), path, op.if_not_exists()))
    }

    fn delete(&self, _: &OperationContext) -> Result<Self::Deleter> {
        Ok(oio::OneShotDeleter::new(SftpDeleter::new(self.link.clone())))
    }

    fn list(&self, _: &OperationContext, path: &str, _: OpList) -> Result<Self::Lister> {
        Ok(SftpLister::new(self.link.clone(), path))
    }

    fn copy(&self, _: &OperationContext, _: &str, _: &str, _: OpCopy) -> Result<Self::Copier> {
        Err(unsupported("SFTP cannot copy on the server"))
    }

    async fn rename(&self, _: &OperationContext, from: &str, to: &str, op: OpRename) -> Result<RpRename> {
        let server = self.link.server().await?;
        let (from, to) = (server.path(from)?, server.path(to)?);
        rename::rename(&server, &from, &to, op.if_not_exists()).await?;
        Ok(RpRename::default())
    }

    async fn presign(&self, _: &OperationContext, _: &str, _: OpPresign) -> Result<RpPresign> {
        Err(unsupported("SFTP has no presigned requests"))
    }
}

fn unsupported(message: &str) -> Error {
    Error::new(ErrorKind::Unsupported, message)
}
