//! Sealing with XChaCha20-Poly1305: version byte, nonce, ciphertext. The 24-byte nonce is random, which is safe
//! for any number of secrets under one key.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use super::VaultError;

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;

pub(super) fn seal(key: &[u8; 32], plain: &[u8], context: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|_| VaultError::Random)?;
    let cipher = XChaCha20Poly1305::new(key.into());
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: context })
        .map_err(|_| VaultError::Open)?;
    Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
}

pub(super) fn open(key: &[u8; 32], sealed: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let Some((&VERSION, rest)) = sealed.split_first() else { return Err(VaultError::Open) };
    let Some((nonce, body)) = rest.split_first_chunk::<NONCE_BYTES>() else { return Err(VaultError::Open) };
    XChaCha20Poly1305::new(key.into())
        .decrypt(&XNonce::from(*nonce), Payload { msg: body, aad: context })
        .map(Zeroizing::new)
        .map_err(|_| VaultError::Open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_only_with_its_key_and_context_and_unchanged() {
        let sealed = seal(&[1; 32], b"hunter2", b"job a").unwrap();
        assert_eq!(open(&[1; 32], &sealed, b"job a").unwrap().as_slice(), b"hunter2");
        assert!(open(&[2; 32], &sealed, b"job a").is_err());
        assert!(open(&[1; 32], &sealed, b"job b").is_err());
        assert!(!sealed.windows(7).any(|w| w == b"hunter2"));
        for i in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[i] ^= 1;
            assert!(open(&[1; 32], &damaged, b"job a").is_err(), "byte {i}");
            assert!(open(&[1; 32], &sealed[..i], b"job a").is_err(), "cut at {i}");
        }
        assert_ne!(sealed, seal(&[1; 32], b"hunter2", b"job a").unwrap());
    }
}
