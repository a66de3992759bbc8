//! Why there is no connection, in words a user can act upon.

use std::error::Error as StdError;
use std::time::Duration;

use super::address::Address;
use super::host_key::HostKeyInfo;

/// Why there is no session with a server. No message holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server cannot be reached.
    #[error("cannot reach {address}: {reason}")]
    Unreachable {
        /// Where to.
        address: Address,
        /// What happened and what to look at.
        reason: UnreachableReason,
        /// The operating system's error, where there is one.
        #[source]
        cause: Option<std::io::Error>,
    },
    /// The server's host key is not one of the pinned ones. Nothing secret was sent.
    #[error("{}", host_key_message(address, presented, expected))]
    HostKey {
        /// Where to.
        address: Address,
        /// The key the server presented.
        presented: HostKeyInfo,
        /// The fingerprints that are trusted; empty when none is pinned yet.
        expected: Vec<String>,
    },
    /// The server refused the user.
    #[error("{address} refused user {user:?}: {reason} (the server offers: {})", list(offered))]
    Auth {
        /// Where to.
        address: Address,
        /// Who.
        user: String,
        /// What was tried and what to look at.
        reason: AuthReason,
        /// The ways to log in that the server still offers.
        offered: Vec<String>,
    },
    /// The server hung up while the user logged in.
    #[error(
        "{address} closed the connection while user {user:?} logged in: the user may be blocked, the address \
         not allowed, or too many logins open; the server's log says which"
    )]
    ClosedDuringAuth {
        /// Where to.
        address: Address,
        /// Who.
        user: String,
    },
    /// The login works, SFTP does not.
    #[error(
        "{address} let the user in but refuses SFTP: the server's administrator must allow the user SFTP"
    )]
    SubsystemRefused {
        /// Where to.
        address: Address,
    },
    /// The private key cannot be used.
    #[error("private key: {0}")]
    Key(#[from] KeyError),
    /// The peer speaks, but not as it should.
    #[error("{address} and vidne do not understand each other: {what}")]
    Protocol {
        /// Where to.
        address: Address,
        /// The step that failed.
        what: &'static str,
        /// The protocol's error.
        #[source]
        cause: Box<dyn StdError + Send + Sync>,
    },
}

/// Why a server cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreachableReason {
    /// The name is unknown.
    #[error("the host name is not known; check its spelling and the DNS")]
    NameUnknown,
    /// Nobody listens there.
    #[error("connection refused; check the port and that the server runs")]
    Refused,
    /// Another network error.
    #[error("no connection; check the address and the network in between")]
    Network,
    /// The server hung up before it presented its key.
    #[error("the server hung up at once; check that the port is SSH's and that this address is allowed")]
    HungUp,
    /// The connection broke after the login.
    #[error("the connection broke while {doing}; check the network in between and the server's log")]
    Broke {
        /// What was being done.
        doing: &'static str,
    },
    /// Time ran out.
    #[error("no answer within {} s while {doing}; check the address, firewalls and the server's load", after.as_secs_f32())]
    TimedOut {
        /// The time-out.
        after: Duration,
        /// What was being done.
        doing: &'static str,
    },
}

/// Why a server refused a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthReason {
    /// Neither password nor key is configured.
    #[error("no password and no private key are configured; give one")]
    NoCredentials,
    /// What is configured is not what the server takes. No secret was sent.
    #[error("the server does not take what is configured; configure what it offers")]
    NotOffered,
    /// The password was refused.
    #[error("the password was not accepted; check user name and password")]
    Password,
    /// The key was refused.
    #[error("the private key was not accepted; check that its public half is installed for the user")]
    PrivateKey,
    /// One proof was accepted, but another one is needed.
    #[error("the server wants more than what is configured; configure both password and private key")]
    MoreNeeded,
    /// The server asked a question that a password does not answer.
    #[error("the server asks questions other than for the password, which an unattended job cannot answer")]
    Question,
}

/// Why a private key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The key is encrypted, and there is no passphrase.
    #[error("it is encrypted; give its passphrase")]
    PassphraseMissing,
    /// The key cannot be decrypted.
    #[error("its passphrase is wrong")]
    PassphraseWrong,
    /// The text is no private key.
    #[error(
        "it cannot be read; give the whole file, from -----BEGIN to -----END, of an ed25519, RSA or ECDSA key"
    )]
    Unreadable,
}

impl ConnectError {
    /// Whether trying again without changing anything can help.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { reason, .. } => *reason != UnreachableReason::NameUnknown,
            Self::ClosedDuringAuth { .. } => true,
            Self::HostKey { .. } | Self::Auth { .. } | Self::SubsystemRefused { .. } | Self::Key(_) => false,
            Self::Protocol { .. } => false,
        }
    }
}

fn host_key_message(address: &Address, presented: &HostKeyInfo, expected: &[String]) -> String {
    if expected.is_empty() {
        format!(
            "{address} presented host key {presented}, and no host key is pinned: compare it with what the \
             server's administrator says, then pin it"
        )
    } else {
        format!(
            "{address} presented host key {presented}, but pinned is {}: do not go on before the server's \
             administrator confirms a new key; nothing secret was sent (a server with several keys is best \
             pinned by its known_hosts line)",
            expected.join(" or ")
        )
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
