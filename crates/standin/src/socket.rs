//! A TCP connection that can be ended abruptly from within.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// How a connection is to end before its time.
#[derive(Default)]
pub(crate) struct Ending {
    reset: AtomicBool,
    /// The connection is to be dropped now.
    pub(crate) now: Notify,
    /// The connection is to be closed once the reply at hand is written.
    pub(crate) after_reply: Arc<Notify>,
}

impl Ending {
    /// Has the connection reset: the peer sees RST instead of an orderly end.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::Release);
        self.now.notify_one();
    }
}

/// A TCP connection that obeys an [`Ending`].
pub(crate) struct Socket {
    stream: TcpStream,
    ending: Arc<Ending>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, ending: Arc<Ending>) -> Self {
        Self { stream, ending }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.ending.reset.load(Ordering::Acquire) {
            // With a zero linger the kernel sends RST on close. If it can't be set the
            // connection is still closed without a reply.
            _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
