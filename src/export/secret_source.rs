//! Secrets that vidne does not keep, but finds in its own environment or files at each run.
//!
//! Jobs belong to tenants and the environment to the server, so only what the configuration sets aside may be named.

use std::path::{Path, PathBuf};

use tokio::io::AsyncReadExt as _;

use super::ExportError;
use crate::domain::{
    export::{Destination, DestinationSecrets, SecretSource},
    secret::Secret,
};

/// Longest secret, as for those that are kept.
const SECRET_BYTES: u64 = 32 * 1024;
/// vidne's own variables, some of which are secrets, whatever the configured prefix.
const OWN: &str = "VIDNE_";

/// What jobs may name.
#[derive(Clone, Debug, Default)]
pub struct SecretSources {
    /// `export.secret_files`: files below this folder. `None`: none.
    pub files: Option<PathBuf>,
    /// `export.secret_env_prefix`: variables that begin so. `None`: none.
    pub env_prefix: Option<String>,
}

impl SecretSources {
    /// The kept secrets, with those that the destination says where to find. Read anew each time, so that changing one
    /// takes no more than that.
    pub async fn fill(
        &self,
        destination: &Destination,
        kept: &DestinationSecrets,
    ) -> Result<DestinationSecrets, ExportError> {
        let mut secrets = kept.clone();
        match destination {
            Destination::Fs { .. } => {}
            Destination::Sftp(sftp) => {
                self.find("password", &sftp.password_from, &mut secrets.password).await?;
                self.find("private key", &sftp.private_key_from, &mut secrets.private_key).await?;
                let passphrase = &mut secrets.private_key_passphrase;
                self.find("key's passphrase", &sftp.private_key_passphrase_from, passphrase).await?;
            }
            Destination::S3(s3) => {
                self.find("secret access key", &s3.secret_access_key_from, &mut secrets.store_key).await?;
            }
            Destination::Azblob(azblob) => {
                self.find("account key", &azblob.account_key_from, &mut secrets.store_key).await?;
            }
            Destination::Gcs(gcs) => {
                self.find("credential", &gcs.credential_from, &mut secrets.store_key).await?;
            }
        }
        Ok(secrets)
    }

    async fn find(
        &self,
        what: &str,
        source: &Option<SecretSource>,
        into: &mut Option<Secret>,
    ) -> Result<(), ExportError> {
        let found = match source {
            None => return Ok(()),
            Some(SecretSource::Env(name)) => self.variable(name),
            Some(SecretSource::File(path)) => self.file(path).await,
        };
        match found {
            Ok(secret) => *into = Some(secret),
            Err(why) => return Err(ExportError::destination(format!("the {what} cannot be had: {why}"))),
        }
        Ok(())
    }

    fn variable(&self, name: &str) -> Result<Secret, String> {
        let allowed = self.env_prefix.as_ref().is_some_and(|prefix| name.starts_with(prefix.as_str()));
        if !allowed || name.starts_with(OWN) {
            return Err(format!(
                "jobs may not name the environment variable {name}: {}",
                match &self.env_prefix {
                    Some(prefix) => format!(
                        "only those that begin with {prefix} (export.secret_env_prefix), and none of vidne's own"
                    ),
                    None =>
                        "none, until export.secret_env_prefix is set in the server's configuration".to_owned(),
                }
            ));
        }
        let text = std::env::var(name).map_err(|error| match error {
            std::env::VarError::NotPresent => {
                format!("the server has no environment variable {name}; set it and start the server again")
            }
            std::env::VarError::NotUnicode(_) => format!("the environment variable {name} is not text"),
        })?;
        secret(text, &format!("the environment variable {name}"))
    }

    async fn file(&self, path: &str) -> Result<Secret, String> {
        let Some(root) = &self.files else {
            return Err(format!(
                "jobs may not name the file {path}: none, until export.secret_files is set in the server's \
                 configuration"
            ));
        };
        let failed = |error: std::io::Error| {
            format!("the file {path} below export.secret_files cannot be read: {}", error.kind())
        };
        // Links are followed, since Kubernetes makes them, but not out of the folder.
        let root = tokio::fs::canonicalize(root).await.map_err(failed)?;
        let real = tokio::fs::canonicalize(root.join(relative(path)?)).await.map_err(failed)?;
        if !real.starts_with(&root) {
            return Err(format!("the file {path} leads out of export.secret_files; put it there"));
        }
        // Looked at before it is opened: opening a pipe would wait.
        if !tokio::fs::metadata(&real).await.map_err(failed)?.is_file() {
            return Err(format!("{path} below export.secret_files is not a file"));
        }
        let mut bytes = Vec::new();
        let file = tokio::fs::File::open(&real).await.map_err(failed)?;
        file.take(SECRET_BYTES + 3).read_to_end(&mut bytes).await.map_err(failed)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| format!("the file {path} below export.secret_files is not UTF-8 text"))?;
        secret(text, &format!("the file {path} below export.secret_files"))
    }
}

/// A path that cannot lead up. Jobs are checked when they are made; this is for those that were not.
fn relative(path: &str) -> Result<&Path, String> {
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(format!("the file {path} is not below export.secret_files"));
    }
    Ok(Path::new(path))
}

/// Without the line end that editors and `echo` put behind it.
fn secret(text: String, from: &str) -> Result<Secret, String> {
    let text = Secret::new(text);
    let bare = text.expose().strip_suffix('\n').unwrap_or(text.expose());
    let bare = bare.strip_suffix('\r').unwrap_or(bare);
    match bare.len() as u64 {
        0 => Err(format!("{from} is empty")),
        long if long > SECRET_BYTES => Err(format!("{from} is longer than {SECRET_BYTES} bytes")),
        _ => Ok(Secret::new(bare)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::domain::export::SftpDestination;

    fn from(source: SecretSource) -> Destination {
        Destination::Sftp(SftpDestination { password_from: Some(source), ..SftpDestination::default() })
    }

    async fn found(sources: &SecretSources, source: SecretSource) -> Result<String, String> {
        let kept = DestinationSecrets::default();
        let filled = sources.fill(&from(source), &kept).await.map_err(|error| error.to_string())?;
        Ok(filled.password.unwrap().expose().to_owned())
    }

    #[tokio::test]
    async fn a_file_is_read_anew_each_time_and_its_line_end_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let sources = SecretSources { files: Some(folder.path().to_owned()), env_prefix: None };
        fs::create_dir(folder.path().join("..data")).unwrap();
        fs::write(folder.path().join("..data/password"), "first \r\n").unwrap();
        std::os::unix::fs::symlink("..data/password", folder.path().join("password")).unwrap();
        let file = || SecretSource::File("password".to_owned());
        assert_eq!(found(&sources, file()).await.unwrap(), "first ");
        fs::write(folder.path().join("..data/password"), "second").unwrap();
        assert_eq!(found(&sources, file()).await.unwrap(), "second");
        fs::write(folder.path().join("..data/password"), "\n").unwrap();
        assert!(found(&sources, file()).await.unwrap_err().contains("is empty"));
    }

    #[tokio::test]
    async fn no_file_outside_the_folder_is_read() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("secrets");
        fs::create_dir(&folder).unwrap();
        fs::write(outer.path().join("master.key"), "hidden").unwrap();
        std::os::unix::fs::symlink("../master.key", folder.join("out")).unwrap();
        let sources = SecretSources { files: Some(folder.clone()), env_prefix: None };
        for path in ["../master.key", "out", "/etc/passwd", ".", "missing"] {
            let why = found(&sources, SecretSource::File(path.to_owned())).await.unwrap_err();
            assert!(why.contains("export.secret_files") && !why.contains("hidden"), "{path}: {why}");
        }
        fs::write(folder.join("long"), "x".repeat(32 * 1024 + 1)).unwrap();
        let why = found(&sources, SecretSource::File("long".to_owned())).await.unwrap_err();
        assert!(why.contains("longer than 32768 bytes"), "{why}");
        let none = SecretSources::default();
        assert!(found(&none, SecretSource::File("long".to_owned())).await.is_err());
    }

    #[tokio::test]
    async fn only_variables_with_the_prefix_are_read_and_none_of_vidnes_own() {
        let name = "PATH";
        let with = |prefix: &str| SecretSources { files: None, env_prefix: Some(prefix.to_owned()) };
        assert_eq!(
            found(&with("PA"), SecretSource::Env(name.to_owned())).await.unwrap(),
            std::env::var(name).unwrap()
        );
        for (sources, name) in [
            (with("EXPORT_"), "PATH"),
            (SecretSources::default(), "PATH"),
            (with("V"), "VIDNE_DATABASE_URL"),
            (with("VIDNE_"), "VIDNE_DATABASE_URL"),
        ] {
            let why = found(&sources, SecretSource::Env(name.to_owned())).await.unwrap_err();
            assert!(why.contains("may not name"), "{why}");
        }
        let why = found(&with("NO_SUCH_"), SecretSource::Env("NO_SUCH_THING".to_owned())).await.unwrap_err();
        assert!(why.contains("has no environment variable NO_SUCH_THING"), "{why}");
    }
}
