//! A destination's secrets <-> the bytes that the vault seals.

use prost::Message;
use zeroize::Zeroizing;

use crate::{
    codec::error::DecodeError,
    domain::{export::DestinationSecrets, secret::Secret},
};

/// What is sealed. The first three have the numbers that they have in `vidne.v1.SftpDestination`, which is what was
/// sealed before there were object stores.
#[derive(Clone, PartialEq, Message)]
struct Kept {
    #[prost(string, tag = "5")]
    password: String,
    #[prost(string, tag = "6")]
    private_key: String,
    #[prost(string, tag = "7")]
    private_key_passphrase: String,
    #[prost(string, tag = "20")]
    store_key: String,
}

impl Kept {
    /// Moves the secrets out, so that they are wiped.
    fn take(&mut self) -> DestinationSecrets {
        let take = |text: &mut String| Some(Secret::new(std::mem::take(text))).filter(|s| !s.is_empty());
        DestinationSecrets {
            password: take(&mut self.password),
            private_key: take(&mut self.private_key),
            private_key_passphrase: take(&mut self.private_key_passphrase),
            store_key: take(&mut self.store_key),
        }
    }
}

/// The secrets as bytes. To be sealed at once.
pub fn encode_secrets(secrets: &DestinationSecrets) -> Zeroizing<Vec<u8>> {
    let DestinationSecrets { password, private_key, private_key_passphrase, store_key } = secrets;
    let text = |secret: &Option<Secret>| secret.as_ref().map(Secret::expose).unwrap_or_default().to_owned();
    let mut message = Kept {
        password: text(password),
        private_key: text(private_key),
        private_key_passphrase: text(private_key_passphrase),
        store_key: text(store_key),
    };
    let bytes = Zeroizing::new(message.encode_to_vec());
    // The copies made for encoding are wiped too.
    drop(message.take());
    bytes
}

/// Reads opened bytes back.
pub fn decode_secrets(bytes: &[u8]) -> Result<DestinationSecrets, DecodeError> {
    Ok(Kept::decode(bytes)?.take())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::proto::v1;

    #[test]
    fn secrets_come_back_as_they_were() {
        let some = DestinationSecrets {
            password: Some(Secret::new("hunter2")),
            private_key: None,
            private_key_passphrase: Some(Secret::new("æøå")),
            store_key: None,
        };
        let key = DestinationSecrets { store_key: Some(Secret::new("k")), ..DestinationSecrets::default() };
        for secrets in [some, key, DestinationSecrets::default()] {
            assert_eq!(decode_secrets(&encode_secrets(&secrets)).unwrap(), secrets);
        }
    }

    #[test]
    fn secrets_that_were_sealed_before_there_were_object_stores_still_open() {
        let before = v1::SftpDestination {
            password: "a".into(),
            private_key: "b".into(),
            private_key_passphrase: "c".into(),
            ..Default::default()
        };
        let secrets = decode_secrets(&before.encode_to_vec()).unwrap();
        let texts: Vec<_> = secrets.all().map(Secret::expose).collect();
        assert_eq!(texts, ["a", "b", "c"]);
    }
}
