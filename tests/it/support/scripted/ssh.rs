//! Connections, login and the SFTP subsystem.

use std::{collections::HashMap, future::pending, net::SocketAddr, sync::Arc, time::Duration};

use russh::{
    Channel, ChannelId, ChannelOpenFailure, MethodKind, MethodSet, Preferred,
    kex::MLKEM768X25519_SHA256,
    keys::PrivateKey,
    server::{self, Auth, ChannelOpenHandle, Msg},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use super::{
    PASSWORD, USER,
    script::{Fault, Script, Step},
    session::Session,
};

const BUFFER: usize = 256 * 1024;
/// Connections that wait to be accepted.
const WAITING: u32 = 64;

/// A port of our own for as long as this lives: nobody else gets it while the server is down. Nobody listens at it yet.
pub(super) fn port() -> TcpSocket {
    bound(SocketAddr::from(([127, 0, 0, 1], 0)))
}

/// The system lets several sockets be bound to one address as long as none of them listens.
fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

pub(super) fn listen(address: SocketAddr) -> TcpListener {
    bound(address).listen(WAITING).unwrap()
}

pub(super) async fn serve(
    script: Arc<Script>,
    port: TcpSocket,
    listener: TcpListener,
    key: PrivateKey,
    stop: CancellationToken,
) {
    let config = Arc::new(server::Config {
        methods: MethodSet::from(&[MethodKind::Password][..]),
        auth_rejection_time: Duration::ZERO,
        keys: vec![key],
        nodelay: true,
        preferred: cheap(),
        ..server::Config::default()
    });
    let address = port.local_addr().unwrap();
    let mut down = script.watch_down();
    let mut listener = Some(listener);
    loop {
        let Some(open) = &listener else {
            tokio::select! {
                () = stop.cancelled() => return,
                up = down.wait_for(|down| !down) => drop(up.unwrap()),
            }
            listener = Some(listen(address));
            continue;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            is_down = down.wait_for(|down| *down) => {
                drop(is_down.unwrap());
                listener = None;
            }
            accepted = open.accept() => {
                let (socket, _) = accepted.unwrap();
                match script.step("connect").map(|hit| hit.fault) {
                    None => {
                        tokio::spawn(converse(script.clone(), socket, config.clone(), stop.clone()));
                    }
                    Some(Fault::Down(_)) => script.go_down(),
                    Some(_) => drop(socket),
                }
            }
        }
    }
}

/// A connection, which ends the hard way when the script says so or the server is down.
/// Without the exchange of keys that computers to come cannot break either: unoptimised, it takes longer than all else that
/// a test does.
fn cheap() -> Preferred {
    let all = Preferred::default();
    let kex: Vec<_> = all.kex.iter().copied().filter(|kex| *kex != MLKEM768X25519_SHA256).collect();
    Preferred { kex: kex.into(), ..all }
}

async fn converse(
    script: Arc<Script>,
    mut socket: TcpStream,
    config: Arc<server::Config>,
    stop: CancellationToken,
) {
    socket.set_nodelay(true).unwrap();
    let (mut near, far) = tokio::io::duplex(BUFFER);
    let line = Line::default();
    let is_down = went_down(script.watch_down());
    let client = Client { script, line: line.clone(), channels: HashMap::new() };
    tokio::spawn(async move {
        if let Ok(running) = server::run_stream(config, far, client).await {
            // How a conversation ends is the client's to report.
            let _ = running.await;
        }
    });
    tokio::select! {
        () = line.cut.cancelled() => {}
        () = stop.cancelled() => {}
        () = is_down => {}
        _ = copy_bidirectional(&mut socket, &mut near) => {}
    }
    drop(socket);
    line.gone.cancel();
}

async fn went_down(mut down: watch::Receiver<bool>) {
    if down.wait_for(|down| *down).await.is_err() {
        pending::<()>().await;
    }
}

/// A connection that can be cut, without the goodbye that those who use it would say.
#[derive(Clone, Default)]
pub(super) struct Line {
    cut: CancellationToken,
    gone: CancellationToken,
}

impl Line {
    pub(super) async fn cut(&self) {
        self.cut.cancel();
        self.gone.cancelled().await;
    }
}

struct Client {
    script: Arc<Script>,
    line: Line,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl Client {
    /// Whether a step goes well; it may never end.
    async fn goes_well(&self, step: Step) -> bool {
        let Some(hit) = self.script.step(step) else { return true };
        match hit.fault {
            Fault::Refuse => return false,
            Fault::Silence => pending().await,
            Fault::Hold(_) => {
                hit.release.cancelled().await;
                return true;
            }
            Fault::HoldAndCut => hit.release.cancelled().await,
            Fault::Down(_) => self.script.go_down(),
            _ => {}
        }
        self.line.cut().await;
        pending().await
    }
}

impl server::Handler for Client {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        let right = (user, password) == (USER, PASSWORD);
        Ok(if right && self.goes_well("login").await { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), Self::Error> {
        if self.goes_well("channel").await {
            self.channels.insert(channel.id(), channel);
            reply.accept().await;
        } else {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
        }
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        match self.channels.remove(&id) {
            Some(channel) if name == "sftp" && self.goes_well("subsystem").await => {
                session.channel_success(id)?;
                let sftp = Session::new(self.script.clone(), channel.into_stream(), self.line.clone());
                tokio::spawn(sftp.run());
            }
            _ => session.channel_failure(id)?,
        }
        Ok(())
    }
}
