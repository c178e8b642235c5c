//! A connected byte stream, plain or encrypted.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

/// A connected, TLS-negotiated stream.
#[derive(Debug)]
pub struct Transport {
    io: Io,
    local: bool,
    server_end_point: Option<Vec<u8>>,
}

#[derive(Debug)]
enum Io {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Transport {
    pub(super) fn tcp(stream: TcpStream) -> Self {
        Transport {
            local: is_loopback(&stream),
            io: Io::Tcp(stream),
            server_end_point: None,
        }
    }

    pub(super) fn unix(stream: UnixStream) -> Self {
        Transport {
            io: Io::Unix(stream),
            local: true,
            server_end_point: None,
        }
    }

    pub(super) fn tls(stream: TlsStream<TcpStream>, server_end_point: Option<Vec<u8>>) -> Self {
        Transport {
            local: is_loopback(stream.get_ref().0),
            io: Io::Tls(Box::new(stream)),
            server_end_point,
        }
    }

    /// TLS protects what is sent.
    pub fn is_encrypted(&self) -> bool {
        matches!(self.io, Io::Tls(_))
    }

    /// The other end is on this machine, as far as addresses tell.
    pub fn is_local(&self) -> bool {
        self.local
    }

    /// The hash of the server's certificate that binds SCRAM-SHA-256-PLUS to this connection
    /// (RFC 5929); `None` without TLS, and for certificates signed in a way that defines no hash.
    pub fn tls_server_end_point(&self) -> Option<&[u8]> {
        self.server_end_point.as_deref()
    }
}

fn is_loopback(stream: &TcpStream) -> bool {
    stream
        .peer_addr()
        .is_ok_and(|peer| peer.ip().to_canonical().is_loopback())
}

/// Hands a call on to whichever stream there is.
macro_rules! delegate {
    ($self:expr, $stream:ident => $call:expr) => {
        match &mut $self.get_mut().io {
            Io::Tcp($stream) => $call,
            Io::Unix($stream) => $call,
            Io::Tls($stream) => $call,
        }
    };
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        delegate!(self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        delegate!(self, stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        delegate!(self, stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Tcp(stream) => stream.is_write_vectored(),
            Io::Unix(stream) => stream.is_write_vectored(),
            Io::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        delegate!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        delegate!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
