//! The SSH side: connections, login, the SFTP subsystem.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use russh::keys::PrivateKey;
use russh::server::{self, Auth, ChannelOpenHandle, Msg, Response, Session};
use russh::{Channel, ChannelId, ChannelOpenFailure, Disconnect, MethodKind, MethodSet};
use subtle::ConstantTimeEq;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::SftpServerOptions;
use super::code11::Code11;
use super::folder::Folder;
use super::sftp::Sftp;

const CONNECTIONS_MAX: usize = 64;
const CHANNELS_MAX: usize = 8;
const REJECTION_TIME: Duration = Duration::from_millis(100);
const IDLE_MAX: Duration = Duration::from_secs(600);

#[derive(Clone)]
pub(super) struct Ssh {
    options: Arc<SftpServerOptions>,
    folder: Folder,
    login_attempts: Arc<AtomicUsize>,
}

impl Ssh {
    pub(super) fn new(options: SftpServerOptions, folder: Folder, login_attempts: Arc<AtomicUsize>) -> Self {
        Self { options: Arc::new(options), folder, login_attempts }
    }

    pub(super) async fn serve(self, listener: TcpListener, key: PrivateKey, shutdown: CancellationToken) {
        let method = if self.options.quirks.keyboard_interactive_only {
            MethodKind::KeyboardInteractive
        } else {
            MethodKind::Password
        };
        let config = Arc::new(server::Config {
            methods: MethodSet::from(&[method][..]),
            auth_rejection_time: REJECTION_TIME,
            auth_rejection_time_initial: Some(Duration::ZERO),
            keys: vec![key],
            inactivity_timeout: Some(IDLE_MAX),
            nodelay: true,
            ..server::Config::default()
        });
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                    Ok((socket, _)) => {
                        let (ssh, config, shutdown) = (self.clone(), config.clone(), shutdown.clone());
                        connections.spawn(ssh.converse(socket, config, shutdown));
                    }
                    // Out of file descriptors, most likely: leave time for some to be given back.
                    Err(error) => {
                        tracing::warn!(%error, "demo SFTP server cannot accept a connection");
                        tokio::time::sleep(REJECTION_TIME).await;
                    }
                },
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    async fn converse(self, socket: TcpStream, config: Arc<server::Config>, shutdown: CancellationToken) {
        let client = Client { ssh: self, channels: HashMap::new() };
        let running = tokio::select! {
            () = shutdown.cancelled() => return,
            running = server::run_stream(config, socket, client) => running,
        };
        let Ok(running) = running else { return };
        let handle = running.handle();
        tokio::select! {
            // How a conversation ends is the client's to report.
            _ = running => {}
            () = shutdown.cancelled() => {
                let goodbye = handle.disconnect(Disconnect::ByApplication, "stopping".into(), "en".into());
                let _ = tokio::time::timeout(REJECTION_TIME, goodbye).await;
            }
        }
    }
}

/// One connected client.
struct Client {
    ssh: Ssh,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl Client {
    fn judge(&self, user: &str, password: &[u8]) -> Result<Auth, russh::Error> {
        self.ssh.login_attempts.fetch_add(1, Ordering::Relaxed);
        let options = &self.ssh.options;
        if options.quirks.hangs_up_at_login {
            return Err(russh::Error::Disconnect);
        }
        let right = user.as_bytes().ct_eq(options.user.as_bytes())
            & password.ct_eq(options.password.expose().as_bytes());
        Ok(if right.into() { Auth::Accept } else { Auth::reject() })
    }
}

impl server::Handler for Client {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        self.judge(user, password.as_bytes())
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        match response {
            None => Ok(Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed(""),
                prompts: Cow::Borrowed(&[(Cow::Borrowed("Password: "), false)]),
            }),
            Some(mut answers) => self.judge(user, &answers.next().unwrap_or_default()),
        }
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.channels.len() >= CHANNELS_MAX {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
        } else {
            self.channels.insert(channel.id(), channel);
            reply.accept().await;
        }
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match self.channels.remove(&id) {
            Some(channel) if name == "sftp" && !self.ssh.options.quirks.refuses_sftp => {
                session.channel_success(id)?;
                let sftp = Sftp::new(self.ssh.folder.clone(), self.ssh.options.quirks);
                russh_sftp::server::run(Code11(channel.into_stream()), sftp).await;
            }
            _ => session.channel_failure(id)?,
        }
        Ok(())
    }

    async fn channel_eof(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.close(id)
    }
}
