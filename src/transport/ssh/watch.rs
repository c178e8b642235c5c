//! What the three parts of an SSH session know in common: the wire below, the session's task in
//! the middle, the stream on top.
//!
//! russh's task stops for a reader that does not read, and then nothing is written either: a
//! stream that waits for the applier could not tell the source that it is alive. So the task never
//! has to wait. [`Wire`] counts what the reader on top has not taken and reads no more from below
//! while that is too much; writing goes on.

use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::{READ_BYTES, SSH_BACKLOG_BYTES_MAX};

/// Shared by the parts.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Bytes that came from below and were not taken on top. May be negative for a moment, when
    /// they are taken before they are counted.
    backlog: AtomicI64,
    shared: Mutex<Shared>,
    refused: Notify,
}

#[derive(Debug, Default)]
struct Shared {
    /// Reads below again.
    reader: Option<Waker>,
    /// Waits on top until it may write, or for the end.
    writer: Option<Waker>,
    /// Why the session ended.
    end: Option<String>,
    /// By which rule the host key was accepted.
    rule: Option<String>,
    /// What the server said when it refused a channel.
    refusal: Option<String>,
}

impl Watch {
    fn with<T>(&self, act: impl FnOnce(&mut Shared) -> T) -> T {
        act(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Bytes have come for the reader on top.
    pub(super) fn came(&self, bytes: usize) {
        self.backlog.fetch_add(signed(bytes), Ordering::SeqCst);
    }

    /// The reader on top has taken bytes.
    pub(super) fn taken(&self, bytes: usize) {
        let before = self.backlog.fetch_sub(signed(bytes), Ordering::SeqCst);
        let limit = signed(SSH_BACKLOG_BYTES_MAX);
        if before > limit && before - signed(bytes) <= limit {
            let reader = self.with(|shared| shared.reader.take());
            if let Some(reader) = reader {
                reader.wake();
            }
        }
    }

    fn is_full(&self) -> bool {
        self.backlog.load(Ordering::SeqCst) > signed(SSH_BACKLOG_BYTES_MAX)
    }

    /// The session is over; the first reason given is the one that counts.
    pub(super) fn end(&self, why: impl Into<String>) {
        let writer = self.with(|shared| {
            shared.end.get_or_insert_with(|| why.into());
            shared.writer.take()
        });
        if let Some(writer) = writer {
            writer.wake();
        }
        self.refused.notify_one();
    }

    /// Why the session ended, if it has.
    pub(super) fn ended(&self) -> Option<String> {
        self.with(|shared| shared.end.clone())
    }

    /// The same for somebody who waits to write, woken at the end.
    pub(super) fn poll_ended(&self, cx: &Context<'_>) -> Option<Error> {
        let end = self.with(|shared| {
            shared.writer = Some(cx.waker().clone());
            shared.end.clone()
        });
        end.map(|why| Error::new(ErrorKind::ConnectionReset, why))
    }

    pub(super) fn set_rule(&self, rule: String) {
        self.with(|shared| shared.rule = Some(rule));
    }

    pub(super) fn rule(&self) -> Option<String> {
        self.with(|shared| shared.rule.clone())
    }

    pub(super) fn set_refusal(&self, said: &str) {
        self.with(|shared| shared.refusal = Some(said.to_owned()));
        self.refused.notify_one();
    }

    /// What the server said to a channel that it has just refused. russh tells it after the
    /// refusal itself; the end of the session ends the wait, too.
    pub(super) async fn refusal(&self) -> String {
        self.refused.notified().await;
        self.with(|shared| shared.refusal.take())
            .unwrap_or_default()
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// The stream below a session.
pub(super) struct Wire<S> {
    stream: BufReader<S>,
    watch: Arc<Watch>,
    address: String,
    /// When something came last, or reading began again.
    heard: Instant,
    was_full: bool,
    silence: Pin<Box<Sleep>>,
    silence_max: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// `address` is that of the SSH server at its end. Longer silence than `silence_max` means that
    /// nobody is there, since each keepalive is answered.
    pub(super) fn new(
        stream: S,
        watch: Arc<Watch>,
        address: String,
        silence_max: Duration,
    ) -> Self {
        let now = Instant::now();
        Wire {
            // russh reads each packet in two small pieces
            stream: BufReader::with_capacity(READ_BYTES, stream),
            watch,
            address,
            heard: now,
            was_full: false,
            silence: Box::pin(sleep_until(now + silence_max)),
            silence_max,
        }
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            if self.silence.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let until = self.heard + self.silence_max;
            if until <= Instant::now() {
                let seconds = self.silence_max.as_secs();
                let why = format!("{} has not answered for {seconds} s", self.address);
                self.watch.end(why.clone());
                return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, why)));
            }
            self.silence.as_mut().reset(until);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = self.get_mut();
        if this.watch.is_full() {
            this.watch
                .with(|shared| shared.reader = Some(cx.waker().clone()));
            // the reader on top may have taken some of it in between
            if this.watch.is_full() {
                this.was_full = true;
                return Poll::Pending;
            }
        }
        if std::mem::take(&mut this.was_full) {
            this.heard = Instant::now();
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buf) {
            Poll::Pending => this.poll_silence(cx),
            Poll::Ready(Ok(())) => {
                this.heard = Instant::now();
                if buf.filled().len() == before {
                    this.watch
                        .end(format!("{} closed the SSH connection", this.address));
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                this.watch.end(format!(
                    "the SSH connection to {} broke: {error}",
                    this.address
                ));
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    fn wire(near: DuplexStream, watch: &Arc<Watch>, silence_max: Duration) -> Wire<DuplexStream> {
        Wire::new(
            near,
            Arc::clone(watch),
            "bastion:22".to_owned(),
            silence_max,
        )
    }

    #[tokio::test]
    async fn nothing_is_read_below_while_too_much_waits_on_top_and_writing_goes_on() {
        let (mut far, near) = duplex(64);
        let watch = Arc::new(Watch::default());
        let mut wire = wire(near, &watch, Duration::from_secs(30));
        watch.came(SSH_BACKLOG_BYTES_MAX + 1);
        far.write_all(b"x").await.unwrap();
        let pause = Duration::from_millis(20);
        let early = tokio::time::timeout(pause, wire.read_u8()).await;
        assert!(early.is_err());
        wire.write_all(b"y").await.unwrap();
        assert_eq!(far.read_u8().await.unwrap(), b'y');
        let (read, ()) = tokio::join!(wire.read_u8(), async {
            tokio::time::sleep(pause).await;
            watch.taken(2);
        });
        assert_eq!(read.unwrap(), b'x');
    }

    #[tokio::test]
    async fn silence_ends_the_session_but_not_while_nobody_listens() {
        let (_far, near) = duplex(64);
        let watch = Arc::new(Watch::default());
        let limit = Duration::from_millis(50);
        let mut wire = wire(near, &watch, limit);
        watch.came(SSH_BACKLOG_BYTES_MAX + 1);
        let early = tokio::time::timeout(limit * 3, wire.read_u8()).await;
        assert!(early.is_err() && watch.ended().is_none());
        watch.taken(2);
        let error = wire.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(watch.ended().unwrap().contains("bastion:22"));
    }
}
