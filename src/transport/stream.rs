//! A connected byte stream, plain or encrypted.

use std::io::{IoSlice, Result};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

use super::pulse::Pulse;
use super::ssh::Tunnel;

/// A connection on which nothing has been said.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tunnel(Box<Tunnel>),
}

impl Socket {
    /// The address at the other end, where it is known.
    pub(super) fn peer(&self) -> Option<IpAddr> {
        match self {
            Socket::Tcp(stream) => stream.peer_addr().ok().map(|peer| peer.ip()),
            Socket::Unix(_) | Socket::Tunnel(_) => None,
        }
    }

    fn is_local(&self) -> bool {
        match self {
            Socket::Tcp(_) => self
                .peer()
                .is_some_and(|peer| peer.to_canonical().is_loopback()),
            Socket::Unix(_) => true,
            Socket::Tunnel(tunnel) => tunnel.is_private(),
        }
    }
}

/// A connected, TLS-negotiated stream.
#[derive(Debug)]
pub struct Transport {
    io: Io,
    local: bool,
    server_end_point: Option<Vec<u8>>,
    pulse: Arc<Pulse>,
}

#[derive(Debug)]
enum Io {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Transport {
    pub(super) fn plain(socket: Socket) -> Self {
        Transport {
            local: socket.is_local(),
            io: Io::Plain(socket),
            server_end_point: None,
            pulse: Arc::default(),
        }
    }

    pub(super) fn tls(stream: TlsStream<Socket>, server_end_point: Option<Vec<u8>>) -> Self {
        Transport {
            local: stream.get_ref().0.is_local(),
            io: Io::Tls(Box::new(stream)),
            server_end_point,
            pulse: Arc::default(),
        }
    }

    /// What is known of the server's end, as long as this stream is there.
    pub(super) fn pulse(&self) -> Weak<Pulse> {
        Arc::downgrade(&self.pulse)
    }

    /// TLS protects what is sent.
    pub fn is_encrypted(&self) -> bool {
        matches!(self.io, Io::Tls(_))
    }

    /// The other end is on this machine, or on that of the last SSH server, as far as addresses
    /// tell: nobody on a network can listen.
    pub fn is_local(&self) -> bool {
        self.local
    }

    /// Has the kernel take in no more than about so many bytes ahead of the reader, where the
    /// connection is a direct one; what does not fit waits at the server.
    pub fn limit_backlog(&self, bytes: usize) {
        let socket = match &self.io {
            Io::Plain(socket) => socket,
            Io::Tls(stream) => stream.get_ref().0,
        };
        if let Socket::Tcp(stream) = socket
            && let Err(error) = SockRef::from(stream).set_recv_buffer_size(bytes)
        {
            tracing::debug!(%error, "the backlog of a connection stays what it is");
        }
    }

    /// The hash of the server's certificate that binds SCRAM-SHA-256-PLUS to this connection
    /// (RFC 5929); `None` without TLS, and for certificates signed in a way that defines no hash.
    pub fn tls_server_end_point(&self) -> Option<&[u8]> {
        self.server_end_point.as_deref()
    }
}

/// Hands the calls of a type on to whichever stream it has.
macro_rules! delegate {
    ($type:ty: $($variant:path),+) => {
        impl AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<Result<()>> {
                match self.get_mut() {
                    $($variant(stream) => Pin::new(stream).poll_read(cx, buf)),+
                }
            }
        }

        impl AsyncWrite for $type {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<Result<usize>> {
                match self.get_mut() {
                    $($variant(stream) => Pin::new(stream).poll_write(cx, buf)),+
                }
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<Result<usize>> {
                match self.get_mut() {
                    $($variant(stream) => Pin::new(stream).poll_write_vectored(cx, bufs)),+
                }
            }

            fn is_write_vectored(&self) -> bool {
                match self {
                    $($variant(stream) => stream.is_write_vectored()),+
                }
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
                match self.get_mut() {
                    $($variant(stream) => Pin::new(stream).poll_flush(cx)),+
                }
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
                match self.get_mut() {
                    $($variant(stream) => Pin::new(stream).poll_shutdown(cx)),+
                }
            }
        }
    };
}

delegate!(Socket: Socket::Tcp, Socket::Unix, Socket::Tunnel);
delegate!(Io: Io::Plain, Io::Tls);

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.io).poll_read(cx, buf);
        if read.is_pending() {
            return this.pulse.poll_end(cx);
        }
        this.pulse.heard(&buf.filled()[before..]);
        read
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(cx, buf);
        if written.is_pending() {
            return this.pulse.poll_end(cx);
        }
        this.pulse.asked();
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        if written.is_pending() {
            return this.pulse.poll_end(cx);
        }
        this.pulse.asked();
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        if flushed.is_pending() {
            return this.pulse.poll_end(cx);
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
