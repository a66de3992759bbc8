//! One address in front of several servers, as a Kubernetes Service is.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_util::task::AbortOnDropHandle;

/// Passes each connection on to the next server in turn that takes it. Connections end with it.
pub struct Proxy {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    _accepting: AbortOnDropHandle<()>,
}

impl Proxy {
    /// Listens on a free loopback port.
    pub async fn start(servers: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::<AtomicUsize>::default();
        let count = connections.clone();
        let accepting = tokio::spawn(async move {
            let mut passing = tokio::task::JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let turn = count.fetch_add(1, Ordering::SeqCst);
                passing.spawn(pass(client, servers.clone(), turn));
                while passing.try_join_next().is_some() {}
            }
        });
        Self { address, connections, _accepting: AbortOnDropHandle::new(accepting) }
    }

    /// Its address as a gRPC endpoint.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Where no server takes it, the connection is closed.
async fn pass(mut client: TcpStream, servers: Vec<SocketAddr>, turn: usize) {
    for next in 0..servers.len() {
        if let Ok(mut server) = TcpStream::connect(servers[(turn + next) % servers.len()]).await {
            // How it ends is the two sides' affair.
            let _ = copy_bidirectional(&mut client, &mut server).await;
            return;
        }
    }
}
