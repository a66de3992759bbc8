//! Where the secrets of a destination stand in its message.

use crate::{
    codec::proto::v1::{SecretSource, destination::Kind},
    domain::{export::DestinationSecrets, secret::Secret},
};

/// One secret of a destination, and where the server finds it instead.
pub(super) struct Slot<'a> {
    /// Its field.
    pub(super) name: &'static str,
    pub(super) secret: &'a mut String,
    pub(super) from: &'a mut Option<SecretSource>,
}

/// All secrets that a kind of destination can have, always in the same order.
pub(super) fn slots(kind: &mut Kind) -> Vec<Slot<'_>> {
    let slot = |name, secret, from| Slot { name, secret, from };
    match kind {
        Kind::Sftp(sftp) => vec![
            slot("password", &mut sftp.password, &mut sftp.password_from),
            slot("private_key", &mut sftp.private_key, &mut sftp.private_key_from),
            slot(
                "private_key_passphrase",
                &mut sftp.private_key_passphrase,
                &mut sftp.private_key_passphrase_from,
            ),
        ],
        Kind::Fs(_) => Vec::new(),
        Kind::S3(s3) => {
            vec![slot("secret_access_key", &mut s3.secret_access_key, &mut s3.secret_access_key_from)]
        }
        Kind::Azblob(azblob) => {
            vec![slot("account_key", &mut azblob.account_key, &mut azblob.account_key_from)]
        }
        Kind::Gcs(gcs) => vec![slot("credential", &mut gcs.credential, &mut gcs.credential_from)],
    }
}

/// Moves the secrets out of a message; empty ones are none.
pub(in crate::codec::job) fn take_secrets(kind: &mut Kind) -> DestinationSecrets {
    let mut secrets = DestinationSecrets::default();
    for slot in slots(kind) {
        let secret = Some(Secret::new(std::mem::take(slot.secret))).filter(|secret| !secret.is_empty());
        *kept(&mut secrets, slot.name) = secret;
    }
    secrets
}

/// Writes secrets into a message; those that it has no field for are dropped.
pub(in crate::codec::job) fn put_secrets(kind: &mut Kind, mut secrets: DestinationSecrets) {
    for slot in slots(kind) {
        let secret = kept(&mut secrets, slot.name).take();
        *slot.secret = secret.map(|secret| secret.expose().to_owned()).unwrap_or_default();
    }
}

fn kept<'a>(secrets: &'a mut DestinationSecrets, name: &str) -> &'a mut Option<Secret> {
    match name {
        "password" => &mut secrets.password,
        "private_key" => &mut secrets.private_key,
        "private_key_passphrase" => &mut secrets.private_key_passphrase,
        _ => &mut secrets.store_key,
    }
}
