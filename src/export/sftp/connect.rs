//! From an address to a session: TCP, host key, login, SFTP.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use russh::client::{self, DisconnectReason, Handle};
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use russh::{ChannelMsg, Preferred, cipher};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::address::Address;
use super::auth;
use super::config::{SftpConfig, SftpLimits};
use super::connect_error::{ConnectError, UnreachableReason};
use super::host_key::{HostKeyInfo, HostKeyPin, offered_algorithms};
use super::session::Session;
use super::sftp_error::SftpError;

const STARTING: &str = "starting SFTP";

/// Connects and logs in.
pub(super) async fn connect(config: &SftpConfig) -> Result<Session, ConnectError> {
    let deadline = Deadline::of(&config.address, &config.limits);
    let check = HostKeyCheck::new(config.host_keys.clone());
    let seen = check.seen.clone();
    let mut ssh = handshake(&deadline, &config.limits, check).await?;
    deadline.within("logging in", auth::log_in(&mut ssh, config, &seen)).await??;
    deadline.within(STARTING, start_sftp(ssh, config)).await?
}

/// Whether a server's name has an address, without connecting to it.
///
/// Takes at most `limits.connect_timeout`. Fails with [`ConnectError::Unreachable`].
pub async fn resolve(address: &Address, limits: &SftpLimits) -> Result<(), ConnectError> {
    let deadline = Deadline::of(address, limits);
    deadline.within("looking the name up", look_up(address)).await?.map(drop)
}

/// The host key a server presents, without logging in: for showing it to somebody who can tell whether it
/// is the right one.
///
/// Takes at most `limits.connect_timeout`. Fails with [`ConnectError::Unreachable`] or
/// [`ConnectError::Protocol`].
pub async fn presented_host_key(address: &Address, limits: &SftpLimits) -> Result<HostKeyInfo, ConnectError> {
    let deadline = Deadline::of(address, limits);
    match handshake(&deadline, limits, HostKeyCheck::new(Vec::new())).await {
        Err(ConnectError::HostKey { presented, .. }) => Ok(presented),
        Err(error) => Err(error),
        // Without pins no key is trusted, so the handshake cannot succeed.
        Ok(_) => Err(deadline.protocol("checking the host key", io::Error::other("key was not checked"))),
    }
}

/// Compares the server's host key with the pinned ones, before anything is sent that a server could use.
pub(super) struct HostKeyCheck {
    pins: Vec<HostKeyPin>,
    seen: Arc<Seen>,
}

/// What the SSH library only tells its handler.
#[derive(Default)]
pub(super) struct Seen {
    presented: OnceLock<HostKeyInfo>,
    nothing_left: AtomicBool,
}

impl Seen {
    /// Whether the conversation ended because the server refused the user and offered nothing more, and
    /// not because it hung up.
    pub(super) fn nothing_left(&self) -> bool {
        self.nothing_left.load(Ordering::Acquire)
    }
}

impl HostKeyCheck {
    fn new(pins: Vec<HostKeyPin>) -> Self {
        Self { pins, seen: Arc::default() }
    }
}

impl client::Handler for HostKeyCheck {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let key = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => key.clone(),
            // Never asked for, since authorities cannot be pinned; its key counts like any other.
            PublicKeyOrCertificate::Certificate(certificate) => {
                PublicKey::new(certificate.public_key().clone(), "")
            }
        };
        let trusted = self.pins.iter().any(|pin| pin.trusts(&key));
        if !trusted {
            // Only ever set once: an untrusted key ends the connection.
            let _ = self.seen.presented.set(HostKeyInfo::of(&key));
        }
        Ok(trusted)
    }

    async fn disconnected(&mut self, reason: DisconnectReason<russh::Error>) -> Result<(), russh::Error> {
        match reason {
            DisconnectReason::ReceivedDisconnect(_) => Ok(()),
            DisconnectReason::Error(error) => {
                let nothing_left = matches!(error, russh::Error::NoAuthMethod);
                self.seen.nothing_left.store(nothing_left, Ordering::Release);
                Err(error)
            }
        }
    }
}

async fn handshake(
    deadline: &Deadline<'_>,
    limits: &SftpLimits,
    check: HostKeyCheck,
) -> Result<Handle<HostKeyCheck>, ConnectError> {
    let socket = deadline.within("connecting", dial(deadline.address)).await??;
    // Small requests must not wait for the answers to earlier ones.
    socket.set_nodelay(true).map_err(|error| deadline.unreachable(UnreachableReason::Network, error))?;
    let (seen, expected) = (check.seen.clone(), check.pins.iter().map(HostKeyPin::fingerprint).collect());
    let connecting = client::connect_stream(Arc::new(ssh_config(limits, &check.pins)), socket, check);
    deadline.within("agreeing on keys", connecting).await?.map_err(|error| {
        match (error, seen.presented.get().cloned()) {
            (russh::Error::UnknownKey, Some(presented)) => {
                ConnectError::HostKey { address: deadline.address.clone(), presented, expected }
            }
            (russh::Error::HUP | russh::Error::Disconnect, _) => {
                deadline.unreachable(UnreachableReason::HungUp, io::ErrorKind::ConnectionReset.into())
            }
            (russh::Error::IO(error), _) => deadline.unreachable(UnreachableReason::HungUp, error),
            (error, _) => deadline.protocol("agreeing on keys", error),
        }
    })
}

async fn dial(address: &Address) -> Result<TcpStream, ConnectError> {
    let found = look_up(address).await?;
    TcpStream::connect(found.as_slice()).await.map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::ConnectionRefused => UnreachableReason::Refused,
            _ => UnreachableReason::Network,
        };
        ConnectError::Unreachable { address: address.clone(), reason, cause: Some(error) }
    })
}

/// The addresses behind a name.
async fn look_up(address: &Address) -> Result<Vec<SocketAddr>, ConnectError> {
    let found = lookup_host((address.host(), address.port())).await;
    found.map(Iterator::collect).map_err(|error| ConnectError::Unreachable {
        address: address.clone(),
        reason: UnreachableReason::NameUnknown,
        cause: Some(error),
    })
}

fn ssh_config(limits: &SftpLimits, pins: &[HostKeyPin]) -> client::Config {
    let mut preferred = Preferred::DEFAULT;
    preferred.key = offered_algorithms(pins, &preferred.key).into();
    preferred.cipher = ciphers(&preferred.cipher).into();
    client::Config {
        preferred,
        keepalive_interval: Some(limits.keepalive_interval),
        keepalive_max: limits.keepalive_max,
        // Also ends a handshake that nobody waits for any more.
        inactivity_timeout: Some(limits.silence_max()),
        ..client::Config::default()
    }
}

/// AES-GCM first, which costs both ends a fraction of the time of ChaCha20 on processors that have instructions for it.
fn ciphers(known: &[cipher::Name]) -> Vec<cipher::Name> {
    let (mut first, others): (Vec<_>, Vec<_>) = known.iter().partition(|name| **name == cipher::AES_256_GCM);
    first.extend(others);
    first
}

async fn start_sftp(ssh: Handle<HostKeyCheck>, config: &SftpConfig) -> Result<Session, ConnectError> {
    let address = &config.address;
    let protocol = |cause: Box<dyn std::error::Error + Send + Sync>| ConnectError::Protocol {
        address: address.clone(),
        what: STARTING,
        cause,
    };
    let refused = || ConnectError::SubsystemRefused { address: address.clone() };
    let unreachable = |reason| ConnectError::Unreachable { address: address.clone(), reason, cause: None };
    let broke = || unreachable(UnreachableReason::Broke { doing: STARTING });
    let mut channel = ssh.channel_open_session().await.map_err(|error| match error {
        russh::Error::ChannelOpenFailure(_) => refused(),
        russh::Error::Disconnect | russh::Error::SendError => broke(),
        error => protocol(Box::new(error)),
    })?;
    channel.request_subsystem(true, "sftp").await.map_err(|_| broke())?;
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => break,
            Some(ChannelMsg::Failure | ChannelMsg::Eof | ChannelMsg::Close) => return Err(refused()),
            None => return Err(broke()),
            Some(_) => {}
        }
    }
    Session::start(channel.split(), ssh, config.limits.request_timeout).await.map_err(|error| match error {
        SftpError::Lost { .. } => broke(),
        SftpError::TimedOut { after } => unreachable(UnreachableReason::TimedOut { after, doing: STARTING }),
        error => protocol(Box::new(error)),
    })
}

/// The moment by which all of connecting must be done.
struct Deadline<'a> {
    address: &'a Address,
    at: Instant,
    after: Duration,
}

impl<'a> Deadline<'a> {
    fn of(address: &'a Address, limits: &SftpLimits) -> Self {
        Self { address, at: Instant::now() + limits.connect_timeout, after: limits.connect_timeout }
    }

    async fn within<T>(&self, doing: &'static str, step: impl Future<Output = T>) -> Result<T, ConnectError> {
        timeout_at(self.at, step).await.map_err(|_| ConnectError::Unreachable {
            address: self.address.clone(),
            reason: UnreachableReason::TimedOut { after: self.after, doing },
            cause: None,
        })
    }

    fn unreachable(&self, reason: UnreachableReason, error: io::Error) -> ConnectError {
        ConnectError::Unreachable { address: self.address.clone(), reason, cause: Some(error) }
    }

    fn protocol(
        &self,
        what: &'static str,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> ConnectError {
        ConnectError::Protocol { address: self.address.clone(), what, cause: Box::new(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aes_gcm_is_preferred_and_no_cipher_is_lost_or_added() {
        let known = &Preferred::DEFAULT.cipher;
        let mut preferred = ciphers(known);
        assert_eq!(preferred[0], cipher::AES_256_GCM);
        let mut known = known.to_vec();
        known.sort_by_key(|name| name.as_ref().to_owned());
        preferred.sort_by_key(|name| name.as_ref().to_owned());
        assert_eq!(preferred, known);
    }
}
