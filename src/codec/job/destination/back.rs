//! What vidne itself wrote: unchecked, since the checks of today must not lock out yesterday's jobs.

use crate::{
    codec::proto::v1::{self, destination::Kind, secret_source},
    domain::export::{
        AzblobDestination, Destination, GcsDestination, S3Destination, SecretSource, SftpDestination,
    },
};

pub(in crate::codec::job) fn destination_back(kind: Kind) -> Destination {
    match kind {
        Kind::Sftp(sftp) => Destination::Sftp(SftpDestination {
            address: sftp.address,
            user_name: sftp.user_name,
            directory: sftp.directory,
            host_keys: sftp.host_keys,
            has_password: sftp.has_password,
            has_private_key: sftp.has_private_key,
            password_from: source_back(sftp.password_from),
            private_key_from: source_back(sftp.private_key_from),
            private_key_passphrase_from: source_back(sftp.private_key_passphrase_from),
            file_mode: sftp.file_mode.parse().ok(),
        }),
        Kind::Fs(fs) => Destination::Fs { directory: fs.directory, file_mode: fs.file_mode.parse().ok() },
        Kind::S3(s3) => Destination::S3(S3Destination {
            endpoint: s3.endpoint,
            region: s3.region,
            bucket: s3.bucket,
            directory: s3.directory,
            access_key_id: s3.access_key_id,
            has_secret_access_key: s3.has_secret_access_key,
            secret_access_key_from: source_back(s3.secret_access_key_from),
            virtual_host_style: s3.virtual_host_style,
        }),
        Kind::Azblob(azblob) => Destination::Azblob(AzblobDestination {
            endpoint: azblob.endpoint,
            container: azblob.container,
            directory: azblob.directory,
            account_name: azblob.account_name,
            has_account_key: azblob.has_account_key,
            account_key_from: source_back(azblob.account_key_from),
        }),
        Kind::Gcs(gcs) => Destination::Gcs(GcsDestination {
            endpoint: gcs.endpoint,
            bucket: gcs.bucket,
            directory: gcs.directory,
            has_credential: gcs.has_credential,
            credential_from: source_back(gcs.credential_from),
        }),
    }
}

/// `None` if there is nothing in it.
pub(super) fn source_back(source: Option<v1::SecretSource>) -> Option<SecretSource> {
    Some(match source?.kind? {
        secret_source::Kind::Env(name) => SecretSource::Env(name),
        secret_source::Kind::File(path) => SecretSource::File(path),
    })
}
