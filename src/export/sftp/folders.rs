//! Making folders.

use opendal::Result;

use super::link::Server;
use super::paths;
use super::sftp_error::SftpError;

/// Makes a folder and those above it, up to but without the root. Folders that exist are fine.
pub(super) async fn make(server: &Server, folder: &str) -> Result<()> {
    make_parents(server, folder).await?;
    if folder == server.root {
        server.session.stat(folder).await?;
        return Ok(());
    }
    Ok(make_one(server, folder).await?)
}

/// Makes the folders a path lies in.
pub(super) async fn make_parents(server: &Server, path: &str) -> Result<()> {
    for folder in paths::parents(&server.root, path) {
        make_one(server, &folder).await?;
    }
    Ok(())
}

/// Most servers have no code of its own for "exists", so it is only known by looking.
async fn make_one(server: &Server, folder: &str) -> std::result::Result<(), SftpError> {
    let Err(refused) = server.session.mkdir(folder).await else { return Ok(()) };
    match server.session.stat(folder).await {
        Ok(attrs) if super::metadata::is_dir(&attrs) => Ok(()),
        _ => Err(refused),
    }
}
