//! Where files go, from flags.

use std::path::PathBuf;

use clap::Args;

use crate::{
    codec::proto::v1::{Destination, FsDestination, SecretSource, SftpDestination, destination::Kind},
    domain::{
        export::{DestinationSecrets, FileMode, FileModeError},
        secret::Secret,
    },
};

use super::{
    super::{
        CliError,
        error::can_ask,
        input::{key_file, secret_env, secret_file},
        output::{consent, escape::escape},
    },
    store::{StoreArgs, source},
};

/// Where files go.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Where to")]
pub struct DestinationArgs {
    /// An SFTP server: host, host:port or [ipv6]:port.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "fs")]
    pub sftp: Option<String>,
    /// A folder on the server's machine, below its configured export.directory.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["user", "directory", "password_file", "password_env", "password_from", "key_file", "key_from", "host_keys", "accept_host_key"])]
    pub fs: Option<String>,
    /// Login name.
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// The folder on the SFTP server, or what names in an object store begin with. Default: where the login lands; nothing.
    #[arg(long, value_name = "FOLDER")]
    pub directory: Option<String>,
    /// A file that holds the password. Without it, --password-env or --key-file, it is asked for.
    #[arg(long, value_name = "PATH")]
    pub password_file: Option<PathBuf>,
    /// An environment variable that holds the password.
    #[arg(long, value_name = "NAME", conflicts_with = "password_file")]
    pub password_env: Option<String>,
    /// Where the server finds the password at each run, in place of keeping it: env:NAME, an environment variable of the
    /// server, or file:PATH, a file below its configured export.secret_files.
    #[arg(long, value_name = "SOURCE", value_parser = source, conflicts_with_all = ["password_file", "password_env"])]
    pub password_from: Option<SecretSource>,
    /// A private key (OpenSSH, PKCS#8 or PKCS#1 PEM; ed25519, RSA or ECDSA), in place of a password or beside it.
    #[arg(long, value_name = "PATH")]
    pub key_file: Option<PathBuf>,
    /// A file that holds the key's passphrase.
    #[arg(long, value_name = "PATH", requires = "key_file")]
    pub key_passphrase_file: Option<PathBuf>,
    /// Where the server finds the private key at each run, as for --password-from.
    #[arg(long, value_name = "SOURCE", value_parser = source, conflicts_with = "key_file")]
    pub key_from: Option<SecretSource>,
    /// Where the server finds the key's passphrase at each run, as for --password-from.
    #[arg(long, value_name = "SOURCE", value_parser = source, conflicts_with = "key_passphrase_file")]
    pub key_passphrase_from: Option<SecretSource>,
    /// A host key to trust: SHA256:... or a known_hosts line. Repeatable. Without it, the server's key is shown and
    /// asked about.
    #[arg(long = "host-key", value_name = "KEY")]
    pub host_keys: Vec<String>,
    /// Trust the server's key without asking if its fingerprint is this one.
    #[arg(long, value_name = "SHA256:...")]
    pub accept_host_key: Option<String>,
    /// Permissions of files and manifests, such as 0640. Default: what the server or the machine gives a new file. Whoever
    /// is to delete or rename files needs the right to write to their folder. '' on an update leaves them to the server
    /// or the machine again.
    #[arg(long, value_name = "MODE", value_parser = file_mode, conflicts_with_all = ["s3", "azblob", "gcs"])]
    pub file_mode: Option<String>,
    /// An object store.
    #[command(flatten)]
    pub store: StoreArgs,
}

impl DestinationArgs {
    /// The whole destination; asks for a password if there is a terminal and no other secret is given.
    ///
    /// # Errors
    ///
    /// If something is missing.
    pub fn destination(&self) -> Result<Destination, CliError> {
        if let Some(directory) = &self.fs {
            let file_mode = self.file_mode.clone().unwrap_or_default();
            let fs = FsDestination { directory: directory.clone(), file_mode };
            return Ok(Destination { kind: Some(Kind::Fs(fs)) });
        }
        if let Some(store) = self.store.destination(self.directory.as_ref())? {
            return Ok(store);
        }
        let (Some(address), Some(user)) = (&self.sftp, &self.user) else {
            return Err(CliError::Usage(
                "a destination needs --sftp ADDRESS and --user NAME, or --fs, --s3, --azblob or --gcs"
                    .to_owned(),
            ));
        };
        let mut secrets = self.secrets()?;
        if secrets.is_empty() && self.password_from.is_none() && self.key_from.is_none() {
            secrets.password = Some(ask(user, address)?);
        }
        let sftp = SftpDestination {
            address: address.clone(),
            user_name: user.clone(),
            directory: self.directory.clone().unwrap_or_default(),
            host_keys: self.host_keys.clone(),
            password: expose(secrets.password),
            private_key: expose(secrets.private_key),
            private_key_passphrase: expose(secrets.private_key_passphrase),
            password_from: self.password_from.clone(),
            private_key_from: self.key_from.clone(),
            private_key_passphrase_from: self.key_passphrase_from.clone(),
            file_mode: self.file_mode.clone().unwrap_or_default(),
            ..SftpDestination::default()
        };
        Ok(Destination { kind: Some(Kind::Sftp(sftp)) })
    }

    /// What is given, with the paths of an update mask, for a job that does not have its files in a local folder.
    ///
    /// # Errors
    ///
    /// If a secret cannot be read.
    pub fn changes(&self) -> Result<(Option<Destination>, Vec<&'static str>), CliError> {
        let store = self.store.destination(self.directory.as_ref())?;
        if self.fs.is_some() || store.is_some() {
            return Ok((Some(self.destination()?), vec!["destination"]));
        }
        let secrets = self.secrets()?;
        let named = [
            (self.sftp.is_some(), "destination.sftp.address"),
            (self.user.is_some(), "destination.sftp.user_name"),
            (self.directory.is_some(), "destination.sftp.directory"),
            (!self.host_keys.is_empty(), "destination.sftp.host_keys"),
            (self.file_mode.is_some(), "destination.sftp.file_mode"),
            (secrets.password.is_some(), "destination.sftp.password"),
            (secrets.private_key.is_some(), "destination.sftp.private_key"),
            (secrets.private_key_passphrase.is_some(), "destination.sftp.private_key_passphrase"),
            (self.password_from.is_some(), "destination.sftp.password_from"),
            (self.key_from.is_some(), "destination.sftp.private_key_from"),
            (self.key_passphrase_from.is_some(), "destination.sftp.private_key_passphrase_from"),
        ];
        let paths: Vec<_> = named.into_iter().filter_map(|(given, path)| given.then_some(path)).collect();
        let sftp = SftpDestination {
            address: self.sftp.clone().unwrap_or_default(),
            user_name: self.user.clone().unwrap_or_default(),
            directory: self.directory.clone().unwrap_or_default(),
            host_keys: self.host_keys.clone(),
            password: expose(secrets.password),
            private_key: expose(secrets.private_key),
            private_key_passphrase: expose(secrets.private_key_passphrase),
            password_from: self.password_from.clone(),
            private_key_from: self.key_from.clone(),
            private_key_passphrase_from: self.key_passphrase_from.clone(),
            file_mode: self.file_mode.clone().unwrap_or_default(),
            ..SftpDestination::default()
        };
        let destination = (!paths.is_empty()).then_some(Destination { kind: Some(Kind::Sftp(sftp)) });
        Ok((destination, paths))
    }

    /// The same for a job that has its files in a local folder, and keeps what is not given of it; `None` if `paths`,
    /// which `changes` gave, are not for such a folder.
    pub fn folder_changes(&self, paths: &[&str]) -> Option<(Destination, Vec<&'static str>)> {
        if self.fs.is_none() && paths != ["destination.sftp.file_mode"] {
            return None;
        }
        let named = [
            (self.fs.is_some(), "destination.fs.directory"),
            (self.file_mode.is_some(), "destination.fs.file_mode"),
        ];
        let fs = FsDestination {
            directory: self.fs.clone().unwrap_or_default(),
            file_mode: self.file_mode.clone().unwrap_or_default(),
        };
        let paths = named.into_iter().filter_map(|(given, path)| given.then_some(path)).collect();
        Some((Destination { kind: Some(Kind::Fs(fs)) }, paths))
    }

    /// Secrets as far as they are given.
    fn secrets(&self) -> Result<DestinationSecrets, CliError> {
        let file = |path: &Option<PathBuf>| path.as_deref().map(secret_file).transpose();
        let read = || {
            Ok(DestinationSecrets {
                password: match &self.password_env {
                    Some(name) => Some(secret_env(name)?),
                    None => file(&self.password_file)?,
                },
                private_key: self.key_file.as_deref().map(key_file).transpose()?,
                private_key_passphrase: file(&self.key_passphrase_file)?,
                store_key: None,
            })
        };
        read().map_err(|error: String| CliError::failed(error))
    }
}

/// Nothing, or permissions.
fn file_mode(text: &str) -> Result<String, FileModeError> {
    if text.is_empty() { Ok(String::new()) } else { Ok(text.parse::<FileMode>()?.to_string()) }
}

fn ask(user: &str, address: &str) -> Result<Secret, CliError> {
    if !can_ask() {
        return Err(CliError::Usage(
            "there is no terminal to ask for the password: use --password-file, --password-env or --key-file"
                .to_owned(),
        ));
    }
    let password = consent::password(&format!("Password of {} at {}", escape(user), escape(address)))?;
    if password.is_empty() { Err(CliError::Usage("no password was given".to_owned())) } else { Ok(password) }
}

fn expose(secret: Option<Secret>) -> String {
    secret.map(|secret| secret.expose().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sftp(args: &DestinationArgs) -> SftpDestination {
        match args.destination().unwrap().kind.unwrap() {
            Kind::Sftp(sftp) => sftp,
            _ => panic!("not SFTP"),
        }
    }

    #[test]
    fn address_user_and_password_are_enough() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "hemmeligt  \r\n").unwrap();
        let sftp = sftp(&DestinationArgs {
            sftp: Some("drop:22".into()),
            user: Some("vidne".into()),
            password_file: Some(file),
            ..DestinationArgs::default()
        });
        // Only the line end goes: spaces may be part of a password.
        assert_eq!((sftp.address.as_str(), sftp.password.as_str()), ("drop:22", "hemmeligt  "));
    }

    #[test]
    fn an_update_names_only_what_is_given() {
        let args = DestinationArgs { directory: Some("in".into()), ..DestinationArgs::default() };
        let (destination, paths) = args.changes().unwrap();
        assert!(destination.is_some());
        assert_eq!(paths, ["destination.sftp.directory"]);
        let args = DestinationArgs { file_mode: Some(String::new()), ..DestinationArgs::default() };
        assert_eq!(args.changes().unwrap().1, ["destination.sftp.file_mode"]);
        assert_eq!(
            args.folder_changes(&["destination.sftp.file_mode"]).unwrap().1,
            ["destination.fs.file_mode"]
        );
        assert_eq!(args.folder_changes(&["destination.sftp.file_mode", "destination.sftp.user_name"]), None);
        assert_eq!(DestinationArgs::default().changes().unwrap(), (None, vec![]));
    }

    #[test]
    fn a_destination_is_needed() {
        assert!(matches!(DestinationArgs::default().destination(), Err(CliError::Usage(_))));
    }
}
