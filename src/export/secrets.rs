//! A job's secrets at rest, and out of messages.

use crate::{
    codec::{error::DecodeError, job},
    domain::{export::DestinationSecrets, secret::Secret},
    vault::{Vault, VaultError},
};

/// Sealed secrets that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// They do not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// They open, but make no sense.
    #[error("the job's secrets are damaged; set them again")]
    Decode(#[from] DecodeError),
}

/// Seals a job's secrets; `None` if it has none.
pub fn seal(
    vault: &Vault,
    job_id: &str,
    secrets: &DestinationSecrets,
) -> Result<Option<Vec<u8>>, VaultError> {
    if secrets.is_empty() {
        return Ok(None);
    }
    vault.seal(&job::encode_secrets(secrets), &context(job_id)).map(Some)
}

/// Opens what [`seal`] made for the same job.
pub fn open(vault: &Vault, job_id: &str, sealed: Option<&[u8]>) -> Result<DestinationSecrets, SecretsError> {
    let Some(sealed) = sealed else { return Ok(DestinationSecrets::default()) };
    let bytes = vault.open(sealed, &context(job_id))?;
    Ok(job::decode_secrets(&bytes)?)
}

/// A message without control characters and without the secrets, should a server repeat one; at most 1,024
/// bytes.
pub fn scrub(message: &str, secrets: &DestinationSecrets) -> String {
    const LIMIT: usize = 1_024;
    let mut message = message.to_owned();
    for secret in secrets.all() {
        let text = Secret::expose(secret).trim();
        if !text.is_empty() {
            message = message.replace(text, "***");
        }
    }
    let mut message: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    crate::domain::text::cut(&mut message, LIMIT);
    message
}

fn context(job_id: &str) -> String {
    format!("export-job/{job_id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::MasterKey;

    fn secrets() -> DestinationSecrets {
        DestinationSecrets { password: Some(Secret::new("hunter2")), ..DestinationSecrets::default() }
    }

    #[test]
    fn secrets_open_only_for_their_own_job() {
        let vault = Vault::new(&MasterKey::generate().unwrap());
        let sealed = seal(&vault, "a", &secrets()).unwrap().unwrap();
        assert_eq!(open(&vault, "a", Some(&sealed)).unwrap(), secrets());
        assert!(open(&vault, "b", Some(&sealed)).is_err());
        assert_eq!(seal(&vault, "a", &DestinationSecrets::default()).unwrap(), None);
    }

    #[test]
    fn a_message_that_repeats_a_secret_loses_it() {
        assert_eq!(scrub("denied: hunter2\nagain", &secrets()), "denied: *** again");
    }
}
