//! Connections: bounded in number, and closed for good when the server must end.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::{Connected, TcpConnectInfo};

/// The wait after an accept that failed, such as for want of file descriptors.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// How connections are taken.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// At a time; more wait in the listener's queue.
    pub max_connections: usize,
    /// TCP_NODELAY.
    pub nodelay: bool,
    /// Closes every connection at once, whatever it is doing.
    pub close: CancellationToken,
}

/// The connections of a listener.
pub fn connections(listener: TcpListener, how: Incoming) -> impl Stream<Item = io::Result<Connection>> {
    let places = Arc::new(Semaphore::new(how.max_connections));
    futures::stream::unfold((listener, how, places), |(listener, how, places)| async move {
        let place = places.clone().acquire_owned().await.ok()?;
        let accepted = accept(&listener, &how, place).await;
        if let Err(error) = &accepted {
            tracing::warn!(%error, "a connection was not accepted");
            tokio::time::sleep(AFTER_FAILURE).await;
        }
        Some((accepted, (listener, how, places)))
    })
}

async fn accept(
    listener: &TcpListener,
    how: &Incoming,
    place: OwnedSemaphorePermit,
) -> io::Result<Connection> {
    let (stream, _): (TcpStream, SocketAddr) = listener.accept().await?;
    stream.set_nodelay(how.nodelay)?;
    Ok(Connection { stream, closed: Box::pin(how.close.clone().cancelled_owned()), _place: place })
}

/// One connection; its place is free again when it is dropped.
pub struct Connection {
    stream: TcpStream,
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: OwnedSemaphorePermit,
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // HTTP/2 always waits for frames, so this is where a connection notices.
        if self.closed.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
