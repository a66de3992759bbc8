//! Keys: sealing of secrets, fingerprints, tokens.

mod error;
mod key;
mod seal;

pub use error::VaultError;
pub use key::MasterKey;

/// What only the holder of the installation's key can do. Cheap to clone; its keys are derived from one
/// [`MasterKey`] and wiped from memory when dropped.
#[derive(Clone)]
pub struct Vault(std::sync::Arc<key::Keys>);

impl Vault {
    /// Derives the keys.
    pub fn new(master: &MasterKey) -> Self {
        Self(std::sync::Arc::new(key::Keys::derive(master)))
    }

    /// Tells whether two servers have the same key, without telling the key.
    pub fn key_check(&self) -> [u8; 32] {
        self.0.key_check
    }

    /// HMAC-SHA256 under the key for event fingerprints.
    pub fn fingerprint(&self, content: &[u8]) -> [u8; 32] {
        key::hmac(&self.0.fingerprint, &[content])
    }

    /// HMAC-SHA256 under the key for resume and page tokens.
    pub fn token_mac(&self, token: &[u8]) -> [u8; 32] {
        key::hmac(&self.0.token, &[token])
    }

    /// What stands for a person's id in one log: always the same text, of which nobody without the key can make the
    /// id, nor try one out. `hmac:` and 32 hexadecimal digits.
    pub fn pseudonym(&self, tenant: &str, id: &str) -> String {
        // A tenant's id holds no zero byte, so that the two cannot be taken for others.
        let mac = key::hmac(&self.0.pseudonym, &[tenant.as_bytes(), &[0], id.as_bytes()]);
        let digits: String = mac[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("hmac:{digits}")
    }

    /// Encrypts; `context` (what the secret is for and whose it is) must be the same when it is opened.
    pub fn seal(&self, plain: &[u8], context: &str) -> Result<Vec<u8>, VaultError> {
        seal::seal(&self.0.sealing, plain, context.as_bytes())
    }

    /// Decrypts what [`Vault::seal`] made.
    pub fn open(&self, sealed: &[u8], context: &str) -> Result<zeroize::Zeroizing<Vec<u8>>, VaultError> {
        seal::open(&self.0.sealing, sealed, context.as_bytes())
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(..)")
    }
}
