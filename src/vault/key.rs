//! The installation's key and the keys derived from it.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::VaultError;

/// The one key of an installation: 32 random bytes, the same on each of its servers.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// A new random key.
    pub fn generate() -> Result<Self, VaultError> {
        let mut key = Self([0; 32]);
        getrandom::fill(&mut key.0).map_err(|_| VaultError::Random)?;
        Ok(key)
    }

    /// Reads base64; `place` names where it came from in the error.
    pub fn from_base64(text: &str, place: &str) -> Result<Self, VaultError> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).unwrap_or_default());
        let key =
            bytes.as_slice().try_into().map_err(|_| VaultError::KeyShape { place: place.to_owned() })?;
        Ok(Self(key))
    }

    /// Reads the key file, or makes it with a new key and mode 0600 if there is none. Refuses a file that
    /// others may read.
    pub fn from_file(path: &Path) -> Result<Self, VaultError> {
        let failed = |source| VaultError::KeyFile { path: path.to_owned(), source };
        match fs::read_to_string(path).map(Zeroizing::new) {
            Ok(text) => {
                refuse_open_mode(path)?;
                Self::from_base64(&text, &format!("the key file {}", path.display()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Self::generate()?;
                match key.write_new(path) {
                    Ok(()) => Ok(key),
                    // Another server made it at the same moment; that one is the key.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::from_file(path),
                    Err(error) => Err(failed(error)),
                }
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Writes the whole file under another name first, so that nobody ever reads half a key.
    fn write_new(&self, path: &Path) -> io::Result<()> {
        let part = path.with_extension(format!("part-{}", std::process::id()));
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&part)?;
        let text = Zeroizing::new(format!("{}\n", STANDARD.encode(self.0)));
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        let linked = fs::hard_link(&part, path);
        fs::remove_file(&part)?;
        linked
    }
}

#[cfg(unix)]
fn refuse_open_mode(path: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)
        .map_err(|source| VaultError::KeyFile { path: path.to_owned(), source })?
        .permissions()
        .mode();
    if mode & 0o007 != 0 { Err(VaultError::KeyFileMode { path: path.to_owned() }) } else { Ok(()) }
}

#[cfg(not(unix))]
fn refuse_open_mode(_: &Path) -> Result<(), VaultError> {
    Ok(())
}

/// One key for each purpose, so that none can be used for another.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Keys {
    pub(super) sealing: [u8; 32],
    pub(super) fingerprint: [u8; 32],
    pub(super) token: [u8; 32],
    pub(super) pseudonym: [u8; 32],
    pub(super) key_check: [u8; 32],
}

impl Keys {
    pub(super) fn derive(master: &MasterKey) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, &master.0);
        let derive = |purpose: &str| {
            let mut key = [0; 32];
            // Fails only for outputs longer than 255 hashes; ours is one.
            let _ = hkdf.expand(purpose.as_bytes(), &mut key);
            key
        };
        Self {
            sealing: derive("vidne/v1/sealing"),
            fingerprint: derive("vidne/v1/fingerprint"),
            token: derive("vidne/v1/token"),
            pseudonym: derive("vidne/v1/pseudonym"),
            key_check: derive("vidne/v1/key-check"),
        }
    }
}

pub(super) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC itself pads a key with zeros to the block size (RFC 2104, section 2).
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_file_is_made_once_and_only_the_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vidne.key");
        let first = MasterKey::from_file(&path).unwrap();
        let second = MasterKey::from_file(&path).unwrap();
        assert_eq!(first.0, second.0);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vidne.key");
        MasterKey::from_file(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(MasterKey::from_file(&path), Err(VaultError::KeyFileMode { .. })));
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_with_its_place() {
        let error = MasterKey::from_base64("hunter2", "VIDNE_KEY").err().unwrap().to_string();
        assert!(error.contains("VIDNE_KEY") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let keys = Keys::derive(&MasterKey([7; 32]));
        let all = [keys.sealing, keys.fingerprint, keys.token, keys.pseudonym, keys.key_check];
        for (i, one) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|other| other != one));
        }
    }

    #[test]
    fn what_stands_for_an_id_stays_the_same_and_belongs_to_the_key_and_the_log() {
        let vault = |byte| crate::vault::Vault::new(&MasterKey([byte; 32]));
        let stands = vault(7).pseudonym("acme", "one");
        // HKDF-SHA256 and HMAC-SHA256 by another implementation: what was exported before must be found again.
        assert_eq!(stands, "hmac:496aa4ff5bad26748a81e955b6a576a6");
        for other in [
            vault(8).pseudonym("acme", "one"),
            vault(7).pseudonym("acme", "two"),
            vault(7).pseudonym("acmeo", "ne"),
        ] {
            assert_ne!(stands, other);
        }
    }
}
