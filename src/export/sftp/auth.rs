//! Logging in.

use std::sync::Arc;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Answer};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, decode_secret_key};
use russh::{MethodKind, MethodSet};

use super::config::{PrivateKeyText, SftpConfig};
use super::connect::{HostKeyCheck, Seen};
use super::connect_error::{AuthReason, ConnectError, KeyError};
use crate::domain::secret::Secret;

/// Rounds of keyboard-interactive questions taken part in.
const QUESTION_ROUNDS_MAX: usize = 5;

/// Logs in with what is configured and the server offers. Each secret is sent at most once: servers count
/// failures.
pub(super) async fn log_in(
    ssh: &mut Handle<HostKeyCheck>,
    config: &SftpConfig,
    seen: &Seen,
) -> Result<(), ConnectError> {
    let mut login = Login { ssh, config, seen };
    let Some(mut offered) = login.offered().await? else { return Ok(()) };
    let credentials = &config.credentials;
    if credentials.password.is_none() && credentials.private_key.is_none() {
        return Err(login.refused(AuthReason::NoCredentials, &offered));
    }
    let mut reason = AuthReason::NotOffered;
    if let Some(key) = &credentials.private_key
        && offered.contains(&MethodKind::PublicKey)
    {
        match login.with_key(key).await? {
            Outcome::In => return Ok(()),
            Outcome::Refused { next, partial } => {
                reason = if partial { AuthReason::MoreNeeded } else { AuthReason::PrivateKey };
                offered = next;
            }
        }
    }
    if let Some(password) = &credentials.password {
        let outcome = if offered.contains(&MethodKind::Password) {
            login.with_password(password).await?
        } else if offered.contains(&MethodKind::KeyboardInteractive) {
            login.with_answers(password).await?
        } else {
            return Err(login.refused(reason, &offered));
        };
        match outcome {
            Outcome::In => return Ok(()),
            Outcome::Refused { next, partial } => {
                reason = if partial { AuthReason::MoreNeeded } else { AuthReason::Password };
                offered = next;
            }
        }
    }
    Err(login.refused(reason, &offered))
}

enum Outcome {
    In,
    Refused { next: MethodSet, partial: bool },
}

struct Login<'a> {
    ssh: &'a mut Handle<HostKeyCheck>,
    config: &'a SftpConfig,
    seen: &'a Seen,
}

impl Login<'_> {
    /// The methods the server offers; none if it lets the user in without any.
    async fn offered(&mut self) -> Result<Option<MethodSet>, ConnectError> {
        let result = self.ssh.authenticate_none(&self.config.user).await;
        match self.outcome(result).await? {
            Outcome::In => Ok(None),
            Outcome::Refused { next, .. } => Ok(Some(next)),
        }
    }

    async fn with_key(&mut self, text: &PrivateKeyText) -> Result<Outcome, ConnectError> {
        let key = Arc::new(read_key(text).await?);
        let hash = if key.algorithm().is_rsa() {
            self.ssh.best_supported_rsa_hash().await.map_err(|error| self.broken(error))?.flatten()
        } else {
            None
        };
        let key = PrivateKeyWithHashAlg::new(key, hash);
        let result = self.ssh.authenticate_publickey(&self.config.user, key).await;
        self.outcome(result).await
    }

    async fn with_password(&mut self, password: &Secret) -> Result<Outcome, ConnectError> {
        let result = self.ssh.authenticate_password(&self.config.user, password.expose()).await;
        self.outcome(result).await
    }

    /// Answers the one question whose answer is hidden. Anything else is not for a password to answer.
    async fn with_answers(&mut self, password: &Secret) -> Result<Outcome, ConnectError> {
        let user = self.config.user.clone();
        let started = self.ssh.authenticate_keyboard_interactive_start(user, None).await;
        let mut answer = started.map_err(|error| self.broken(error))?;
        let mut password = Some(password);
        for _ in 0..QUESTION_ROUNDS_MAX {
            let prompts = match answer {
                Answer::Success => return Ok(Outcome::In),
                Answer::Failure { remaining_methods: next, partial_success: partial } => {
                    let refused = AuthResult::Failure { remaining_methods: next, partial_success: partial };
                    return self.outcome(Ok(refused)).await;
                }
                Answer::InfoRequest { prompts, .. } => prompts,
            };
            let responses = match prompts.as_slice() {
                [] => Vec::new(),
                [only] if !only.echo => match password.take() {
                    Some(password) => vec![password.expose().to_owned()],
                    None => return Err(self.refused(AuthReason::Question, &MethodSet::empty())),
                },
                _ => return Err(self.refused(AuthReason::Question, &MethodSet::empty())),
            };
            let next = self.ssh.authenticate_keyboard_interactive_respond(responses).await;
            answer = next.map_err(|error| self.broken(error))?;
        }
        Err(self.refused(AuthReason::Question, &MethodSet::empty()))
    }

    async fn outcome(&mut self, result: Result<AuthResult, russh::Error>) -> Result<Outcome, ConnectError> {
        match result.map_err(|error| self.broken(error))? {
            AuthResult::Success => Ok(Outcome::In),
            AuthResult::Failure { remaining_methods: next, partial_success: partial } => {
                if next.is_empty() {
                    // Either the server refuses for good or it hung up; both end the conversation.
                    let _ = (&mut *self.ssh).await;
                    if !self.seen.nothing_left() {
                        return Err(self.closed());
                    }
                }
                Ok(Outcome::Refused { next, partial })
            }
        }
    }

    fn refused(&self, reason: AuthReason, offered: &MethodSet) -> ConnectError {
        let offered = offered.iter().map(|method| <&'static str>::from(method).to_owned()).collect();
        let (address, user) = (self.config.address.clone(), self.config.user.clone());
        ConnectError::Auth { address, user, reason, offered }
    }

    fn closed(&self) -> ConnectError {
        let (address, user) = (self.config.address.clone(), self.config.user.clone());
        ConnectError::ClosedDuringAuth { address, user }
    }

    fn broken(&self, error: russh::Error) -> ConnectError {
        match error {
            russh::Error::SendError | russh::Error::RecvError | russh::Error::Disconnect => self.closed(),
            error => ConnectError::Protocol {
                address: self.config.address.clone(),
                what: "logging in",
                cause: Box::new(error),
            },
        }
    }
}

/// Reads a private key on a thread of its own: a passphrase takes a tenth of a second to work out.
async fn read_key(text: &PrivateKeyText) -> Result<PrivateKey, KeyError> {
    let text = text.clone();
    tokio::task::spawn_blocking(move || parse_key(&text)).await.map_err(|_| KeyError::Unreadable)?
}

fn parse_key(text: &PrivateKeyText) -> Result<PrivateKey, KeyError> {
    use russh::keys::Error;
    let pem = text.pem.expose();
    let passphrase = text.passphrase.as_ref().filter(|secret| !secret.is_empty()).map(Secret::expose);
    match decode_secret_key(pem, passphrase) {
        Ok(key) if key.is_encrypted() => Err(KeyError::PassphraseMissing),
        Ok(key) => Ok(key),
        Err(Error::KeyIsEncrypted) => Err(KeyError::PassphraseMissing),
        Err(_) if passphrase.is_none() && looks_encrypted(pem) => Err(KeyError::PassphraseMissing),
        Err(Error::SshKey(russh::keys::ssh_key::Error::Crypto)) => Err(KeyError::PassphraseWrong),
        Err(Error::Pkcs8(_) | Error::Unpad(_)) if passphrase.is_some() => Err(KeyError::PassphraseWrong),
        Err(_) => Err(KeyError::Unreadable),
    }
}

fn looks_encrypted(pem: &str) -> bool {
    pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(pem: &str, passphrase: Option<&str>) -> Result<PrivateKey, KeyError> {
        parse_key(&PrivateKeyText { pem: Secret::new(pem), passphrase: passphrase.map(Secret::new) })
    }

    #[test]
    fn a_key_that_cannot_be_read_says_why() {
        assert_eq!(key("not a key", None).unwrap_err(), KeyError::Unreadable);
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert_eq!(key(encrypted, None).unwrap_err(), KeyError::PassphraseMissing);
    }
}
