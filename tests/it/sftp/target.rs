//! A server to test against, and what is needed to use it.

use std::time::Duration;

use opendal::Operator;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use vidne::demo::sftp_server::{Quirks, SftpServer, SftpServerOptions};
use vidne::domain::secret::Secret;
use vidne::export::sftp::{Credentials, HostKeyPin, SftpConfig, operator};

use crate::support::proftpd::Proftpd;
use crate::support::sshd::{Login, Sshd};
use crate::support::system_user::SystemUser;

pub const USER: &str = "siem";
pub const PASSWORD: &str = "correct horse";

/// vidne's own server on a folder of its own.
pub struct Demo {
    pub server: SftpServer,
    pub folder: TempDir,
    _stop: DropGuard,
}

impl Demo {
    pub async fn start(quirks: Quirks) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = SftpServerOptions {
            folder: folder.path().to_owned(),
            user: USER.to_owned(),
            password: Secret::new(PASSWORD),
            quirks,
        };
        let stop = CancellationToken::new();
        let server = SftpServer::start(listener, options, stop.clone()).unwrap();
        Self { server, folder, _stop: stop.drop_guard() }
    }

    pub fn config(&self) -> SftpConfig {
        let pin = self.server.fingerprint().parse().unwrap();
        let credentials = Credentials::password(Secret::new(PASSWORD));
        config(self.server.address().port(), USER, credentials, vec![pin])
    }
}

pub fn config(port: u16, user: &str, credentials: Credentials, pins: Vec<HostKeyPin>) -> SftpConfig {
    SftpConfig::new(format!("127.0.0.1:{port}").parse().unwrap(), user, credentials, pins)
}

pub fn password_of(user: &SystemUser) -> Credentials {
    Credentials::password(Secret::new(user.password.clone()))
}

pub fn sshd_config(sshd: &Sshd) -> SftpConfig {
    let pin = sshd.known_hosts_line("ed25519").parse().unwrap();
    config(sshd.port, &sshd.user.name, password_of(&sshd.user), vec![pin])
}

pub fn proftpd_config(proftpd: &Proftpd) -> SftpConfig {
    let pin = proftpd.known_hosts_line().parse().unwrap();
    config(proftpd.port, &proftpd.user.name, password_of(&proftpd.user), vec![pin])
}

/// OpenSSH with passwords and keys.
pub fn sshd() -> Sshd {
    Sshd::start(Login::PasswordOrKey)
}

pub fn open(config: SftpConfig) -> Operator {
    operator(config, None).unwrap()
}

/// The same destination with a short time-out and no retries, for tests of what breaks.
pub fn impatient(mut config: SftpConfig) -> SftpConfig {
    config.limits.request_timeout = Duration::from_secs(1);
    config.limits.retries = 0;
    config
}
