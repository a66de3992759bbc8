//! A destination's secrets <-> the bytes that the vault seals.

use prost::Message;
use zeroize::Zeroizing;

use crate::{
    codec::{error::DecodeError, proto::v1},
    domain::{export::DestinationSecrets, secret::Secret},
};

/// The secrets as bytes: a `vidne.v1.SftpDestination` with nothing else in it. To be sealed at once.
pub fn encode_secrets(secrets: &DestinationSecrets) -> Zeroizing<Vec<u8>> {
    let DestinationSecrets { password, private_key, private_key_passphrase } = secrets;
    let text = |secret: &Option<Secret>| secret.as_ref().map(Secret::expose).unwrap_or_default().to_owned();
    let mut message = v1::SftpDestination {
        password: text(password),
        private_key: text(private_key),
        private_key_passphrase: text(private_key_passphrase),
        ..v1::SftpDestination::default()
    };
    let bytes = Zeroizing::new(message.encode_to_vec());
    // The copies made for encoding are wiped too.
    drop(take_secrets(&mut message));
    bytes
}

/// Reads opened bytes back.
pub fn decode_secrets(bytes: &[u8]) -> Result<DestinationSecrets, DecodeError> {
    Ok(take_secrets(&mut v1::SftpDestination::decode(bytes)?))
}

/// Moves the secrets out of a message; empty ones are none.
pub(super) fn take_secrets(message: &mut v1::SftpDestination) -> DestinationSecrets {
    let take = |text: &mut String| Some(Secret::new(std::mem::take(text))).filter(|s| !s.is_empty());
    DestinationSecrets {
        password: take(&mut message.password),
        private_key: take(&mut message.private_key),
        private_key_passphrase: take(&mut message.private_key_passphrase),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_back_as_they_were() {
        let some = DestinationSecrets {
            password: Some(Secret::new("hunter2")),
            private_key: None,
            private_key_passphrase: Some(Secret::new("æøå")),
        };
        for secrets in [some, DestinationSecrets::default()] {
            assert_eq!(decode_secrets(&encode_secrets(&secrets)).unwrap(), secrets);
        }
    }
}
