//! Answers that the server library cannot give: status codes above 8.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The message that marks a failure to be sent as code 11.
pub(super) const MARK: &str = "File already exists (code 11)";

const STATUS: u8 = 101;
const CODE_AT: usize = 9;

/// A stream that turns marked failures into code 11 as they are written.
pub(super) struct Code11<S>(pub(super) S);

impl<S: AsyncRead + Unpin> AsyncRead for Code11<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Code11<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, packet: &[u8]) -> Poll<io::Result<usize>> {
        // The library writes each packet in one piece.
        let marked = packet.get(4) == Some(&STATUS)
            && packet.windows(MARK.len()).any(|window| window == MARK.as_bytes());
        let mut packet = packet.to_vec();
        if marked && let Some(code) = packet.get_mut(CODE_AT..CODE_AT + 4) {
            code.copy_from_slice(&11_u32.to_be_bytes());
        }
        Pin::new(&mut self.0).poll_write(cx, &packet)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
