//! From the domain to the contract. Secrets never come this way.

use crate::{
    codec::proto::v1::{self, destination::Kind, secret_source},
    domain::export::{Destination, FileMode, SecretSource},
};

pub(in crate::codec::job) fn destination_to_proto(destination: &Destination) -> v1::Destination {
    let kind = match destination {
        Destination::Sftp(sftp) => Kind::Sftp(v1::SftpDestination {
            address: sftp.address.clone(),
            user_name: sftp.user_name.clone(),
            directory: sftp.directory.clone(),
            host_keys: sftp.host_keys.clone(),
            password: String::new(),
            private_key: String::new(),
            private_key_passphrase: String::new(),
            has_password: sftp.has_password,
            has_private_key: sftp.has_private_key,
            password_from: source(&sftp.password_from),
            private_key_from: source(&sftp.private_key_from),
            private_key_passphrase_from: source(&sftp.private_key_passphrase_from),
            file_mode: mode(sftp.file_mode),
        }),
        Destination::Fs { directory, file_mode } => {
            Kind::Fs(v1::FsDestination { directory: directory.clone(), file_mode: mode(*file_mode) })
        }
        Destination::S3(s3) => Kind::S3(v1::S3Destination {
            endpoint: s3.endpoint.clone(),
            region: s3.region.clone(),
            bucket: s3.bucket.clone(),
            directory: s3.directory.clone(),
            access_key_id: s3.access_key_id.clone(),
            secret_access_key: String::new(),
            has_secret_access_key: s3.has_secret_access_key,
            secret_access_key_from: source(&s3.secret_access_key_from),
            virtual_host_style: s3.virtual_host_style,
        }),
        Destination::Azblob(azblob) => Kind::Azblob(v1::AzblobDestination {
            endpoint: azblob.endpoint.clone(),
            container: azblob.container.clone(),
            directory: azblob.directory.clone(),
            account_name: azblob.account_name.clone(),
            account_key: String::new(),
            has_account_key: azblob.has_account_key,
            account_key_from: source(&azblob.account_key_from),
        }),
        Destination::Gcs(gcs) => Kind::Gcs(v1::GcsDestination {
            endpoint: gcs.endpoint.clone(),
            bucket: gcs.bucket.clone(),
            directory: gcs.directory.clone(),
            credential: String::new(),
            has_credential: gcs.has_credential,
            credential_from: source(&gcs.credential_from),
        }),
    };
    v1::Destination { kind: Some(kind) }
}

fn mode(mode: Option<FileMode>) -> String {
    mode.map(|mode| mode.to_string()).unwrap_or_default()
}

fn source(source: &Option<SecretSource>) -> Option<v1::SecretSource> {
    let kind = match source.as_ref()? {
        SecretSource::Env(name) => secret_source::Kind::Env(name.clone()),
        SecretSource::File(path) => secret_source::Kind::File(path.clone()),
    };
    Some(v1::SecretSource { kind: Some(kind) })
}
