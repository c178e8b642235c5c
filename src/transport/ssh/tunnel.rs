//! A channel of an SSH session as a byte stream.

use std::io::Result;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use russh::ChannelStream;
use russh::client::Msg;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::watch::Watch;

/// Its session lives as long as it does.
pub(in crate::transport) struct Tunnel {
    stream: ChannelStream<Msg>,
    watch: Arc<Watch>,
    private: bool,
}

impl Tunnel {
    /// `private`: what is behind is on the machine that the session goes to.
    pub(super) fn new(stream: ChannelStream<Msg>, watch: Arc<Watch>, private: bool) -> Self {
        Tunnel {
            stream,
            watch,
            private,
        }
    }

    /// SSH protects all of the way.
    pub(in crate::transport) fn is_private(&self) -> bool {
        self.private
    }
}

impl std::fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tunnel").finish_non_exhaustive()
    }
}

impl AsyncRead for Tunnel {
    /// Takes as many packets as there are: the channel itself gives one at a time, and a server
    /// that sends rows makes small ones.
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = self.get_mut();
        let start = buf.filled().len();
        while buf.remaining() > 0 {
            let before = buf.filled().len();
            match Pin::new(&mut this.stream).poll_read(cx, buf) {
                Poll::Ready(Ok(())) if buf.filled().len() > before => {}
                Poll::Ready(Ok(())) => break,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if buf.filled().len() > start => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        let taken = buf.filled().len() - start;
        this.watch.taken(taken);
        if taken == 0
            && buf.remaining() > 0
            && let Some(error) = this.watch.poll_ended(cx)
        {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        // the channel takes an empty one for a mistake
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_write(cx, buf) {
            // the channel would wait for room for ever
            Poll::Pending => match this.watch.poll_ended(cx) {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Pending,
            },
            Poll::Ready(Err(error)) => Poll::Ready(Err(this.watch.poll_ended(cx).unwrap_or(error))),
            done @ Poll::Ready(Ok(_)) => done,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
