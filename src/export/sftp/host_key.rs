//! Which host key a destination may present.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use russh::keys::{Algorithm, HashAlg, PublicKey};

/// A host key as a server presented it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKeyInfo {
    /// The key's algorithm as SSH spells it, `ssh-ed25519` for example.
    pub algorithm: String,
    /// `SHA256:` and 43 letters of base64, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
}

impl HostKeyInfo {
    pub(super) fn of(key: &PublicKey) -> Self {
        Self {
            algorithm: key.algorithm().as_str().to_owned(),
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        }
    }
}

impl fmt::Display for HostKeyInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.fingerprint)
    }
}

/// One host key that is trusted for a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostKeyPin {
    /// The SHA-256 fingerprint in OpenSSH's spelling, `SHA256:...` without padding.
    Fingerprint(String),
    /// A whole public key, from a known_hosts line or a `.pub` file.
    Key(Box<PublicKey>),
}

/// Why a text is not a host key pin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostKeyPinError {
    /// Neither a fingerprint nor a known_hosts line.
    #[error(
        "host key is neither a fingerprint (SHA256:... as `ssh-keygen -l` prints it) nor a known_hosts line \
         (host ssh-ed25519 AAAA...)"
    )]
    Unknown,
    /// `SHA256:` with something else behind it than 32 bytes of base64.
    #[error("host key fingerprint is not SHA256: followed by 43 letters of base64")]
    BadFingerprint,
    /// An MD5 fingerprint.
    #[error("MD5 fingerprints are not accepted: ask for the SHA-256 one (`ssh-keygen -l -E sha256 -f FILE`)")]
    Md5,
    /// The line revokes a key or names an authority.
    #[error("known_hosts line begins with {marker}, which is not supported: give the host's own key")]
    Marker {
        /// The marker, `@revoked` for example.
        marker: String,
    },
    /// The key itself cannot be read.
    #[error(
        "known_hosts line holds a {algorithm} key that cannot be read: copy the whole line, base64 included"
    )]
    BadKey {
        /// The algorithm the line names.
        algorithm: String,
    },
}

impl HostKeyPin {
    pub(super) fn trusts(&self, key: &PublicKey) -> bool {
        match self {
            Self::Fingerprint(pinned) => *pinned == key.fingerprint(HashAlg::Sha256).to_string(),
            Self::Key(pinned) => pinned.key_data() == key.key_data(),
        }
    }

    /// The fingerprint this pin stands for.
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Fingerprint(text) => text.clone(),
            Self::Key(key) => key.fingerprint(HashAlg::Sha256).to_string(),
        }
    }

    fn algorithm(&self) -> Option<Algorithm> {
        match self {
            Self::Fingerprint(_) => None,
            Self::Key(key) => Some(key.algorithm()),
        }
    }
}

impl FromStr for HostKeyPin {
    type Err = HostKeyPinError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(base64) = text.strip_prefix("SHA256:") {
            return fingerprint(base64);
        }
        if text.starts_with("MD5:") {
            return Err(HostKeyPinError::Md5);
        }
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        match fields.as_slice() {
            [marker, ..] if marker.starts_with('@') => {
                Err(HostKeyPinError::Marker { marker: (*marker).to_owned() })
            }
            // The host names of a line are for telling servers apart in one file. Here the line belongs to
            // one destination already, so whatever they are (plain, hashed, with a port), its key counts.
            [_, algorithm, base64, ..] if is_key_type(algorithm) => whole_key(algorithm, base64),
            [algorithm, base64, ..] if is_key_type(algorithm) => whole_key(algorithm, base64),
            _ => Err(HostKeyPinError::Unknown),
        }
    }
}

fn is_key_type(field: &str) -> bool {
    field.starts_with("ssh-") || field.starts_with("ecdsa-sha2-") || field.starts_with("sk-")
}

fn fingerprint(base64: &str) -> Result<HostKeyPin, HostKeyPinError> {
    let bare = base64.trim_end_matches('=');
    match STANDARD_NO_PAD.decode(bare) {
        Ok(bytes) if bytes.len() == 32 => Ok(HostKeyPin::Fingerprint(format!("SHA256:{bare}"))),
        _ => Err(HostKeyPinError::BadFingerprint),
    }
}

fn whole_key(algorithm: &str, base64: &str) -> Result<HostKeyPin, HostKeyPinError> {
    PublicKey::from_openssh(&format!("{algorithm} {base64}"))
        .map(|key| HostKeyPin::Key(Box::new(key)))
        .map_err(|_| HostKeyPinError::BadKey { algorithm: algorithm.to_owned() })
}

/// The host key algorithms to offer. When every pin is a whole key only their algorithms are offered, as
/// OpenSSH does it: a server with several keys would otherwise present one that nobody pinned.
pub(super) fn offered_algorithms(pins: &[HostKeyPin], all: &[Algorithm]) -> Vec<Algorithm> {
    let pinned: Option<Vec<Algorithm>> = pins.iter().map(HostKeyPin::algorithm).collect();
    let Some(pinned) = pinned.filter(|algorithms| !algorithms.is_empty()) else {
        return all.to_vec();
    };
    let same = |a: &Algorithm, b: &Algorithm| a == b || (is_rsa(a) && is_rsa(b));
    all.iter().filter(|offered| pinned.iter().any(|key| same(offered, key))).cloned().collect()
}

fn is_rsa(algorithm: &Algorithm) -> bool {
    matches!(algorithm, Algorithm::Rsa { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIB71JxLP4aVRuUX0pmU2r0Jxgv/Oh7CwHRZ8kYKv6pnM";

    fn key_pin(text: &str) -> HostKeyPin {
        let pin: HostKeyPin = text.parse().unwrap();
        assert!(matches!(pin, HostKeyPin::Key(_)), "{text}");
        pin
    }

    #[test]
    fn every_kind_of_known_hosts_line_pins_its_key() {
        let plain = key_pin(&format!("siem.example.org ssh-ed25519 {KEY}"));
        for line in [
            format!("[siem.example.org]:2222,192.0.2.1 ssh-ed25519 {KEY} comment"),
            format!("|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 {KEY}"),
            format!("ssh-ed25519 {KEY} root@siem"),
        ] {
            assert_eq!(key_pin(&line).fingerprint(), plain.fingerprint());
        }
        let fingerprint: HostKeyPin = plain.fingerprint().parse().unwrap();
        let HostKeyPin::Key(key) = &plain else { panic!("not a key") };
        assert!(fingerprint.trusts(key));
        assert!(plain.trusts(key));
    }

    #[test]
    fn refuses_what_pins_nothing() {
        let refused = |text: &str| text.parse::<HostKeyPin>().unwrap_err();
        assert_eq!(refused(""), HostKeyPinError::Unknown);
        assert_eq!(refused("siem.example.org"), HostKeyPinError::Unknown);
        assert_eq!(refused("SHA256:abc"), HostKeyPinError::BadFingerprint);
        assert_eq!(refused("MD5:00:11"), HostKeyPinError::Md5);
        assert!(matches!(refused("@revoked h ssh-ed25519 AAAA"), HostKeyPinError::Marker { .. }));
        assert!(matches!(refused("h ssh-ed25519 AAAA"), HostKeyPinError::BadKey { .. }));
    }

    #[test]
    fn whole_keys_narrow_the_offer_and_fingerprints_do_not() {
        let all = [Algorithm::Ed25519, Algorithm::Rsa { hash: None }];
        let key = key_pin(&format!("h ssh-ed25519 {KEY}"));
        let fingerprint: HostKeyPin = key.fingerprint().parse().unwrap();
        assert_eq!(offered_algorithms(std::slice::from_ref(&key), &all), [Algorithm::Ed25519]);
        assert_eq!(offered_algorithms(&[key, fingerprint], &all), all);
        assert_eq!(offered_algorithms(&[], &all), all);
    }
}
