//! Servers that owe an answer and do not send it.
//!
//! A peer whose machine or network is gone is the kernel's business (`tune` in `dial`). What it
//! cannot see: a server that is frozen, one that vanished behind an SSH server that stays, an
//! answer that something on the way has swallowed. Work may also take hours without a word: an
//! index is built, a lock waited for. So no answer is never taken for no server: after
//! `silence_timeout` the server is asked on another connection whether it still works on what we
//! wait for. Only if it does not, or cannot be reached either, the session ends.

use std::io::{Error, ErrorKind};
use std::sync::{Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::session::open;
use super::{Endpoint, Transport};
use crate::error::{Error as Fault, Kind, Result};
use crate::limits::SILENCE_QUESTIONS;
use crate::sql;

/// What a server says last when it has answered, but for the state of the transaction.
const READY_FOR_QUERY: [u8; 5] = [b'Z', 0, 0, 0, 5];

/// What is known of the other end of one session.
#[derive(Debug, Default)]
pub(super) struct Pulse(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// We have asked something, and the server is not ready for the next.
    owes: bool,
    /// What came last: a message may come in pieces.
    last: [u8; READY_FOR_QUERY.len() + 1],
    /// Since when somebody has waited to go on.
    waiting: Option<Instant>,
    waiter: Option<Waker>,
    /// Why the session ended.
    end: Option<String>,
}

impl Pulse {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Something was sent.
    pub(super) fn asked(&self) {
        self.with(|state| {
            state.owes = true;
            state.waiting = None;
        });
    }

    /// Something came.
    pub(super) fn heard(&self, bytes: &[u8]) {
        self.with(|state| {
            let new = bytes.len().min(state.last.len());
            state.last.rotate_left(new);
            let old = state.last.len() - new;
            state.last[old..].copy_from_slice(&bytes[bytes.len() - new..]);
            state.owes &= !state.last.starts_with(&READY_FOR_QUERY);
            state.waiting = None;
        });
    }

    /// Somebody waits to go on, until the session has ended.
    pub(super) fn poll_end<T>(&self, cx: &Context<'_>) -> Poll<std::io::Result<T>> {
        self.with(|state| {
            if let Some(why) = &state.end {
                return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, why.clone())));
            }
            if state.owes && state.waiting.is_none() {
                state.waiting = Some(Instant::now());
            }
            state.waiter = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    /// For how long an answer has been waited for.
    fn silence(&self) -> Option<Duration> {
        self.with(|state| state.waiting.map(|since| since.elapsed()))
    }

    fn end(&self, why: String) {
        let waiter = self.with(|state| {
            state.end = Some(why);
            state.waiter.take()
        });
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}

/// Looks after a session that walferry speaks itself, until its stream is dropped; `process` is the
/// server's number for it.
pub fn watch(endpoint: &Endpoint, application: &str, process: i32, stream: &Transport) {
    let watched = Watched {
        endpoint: endpoint.clone(),
        application: application.to_owned(),
        process,
        pulse: stream.pulse(),
    };
    tokio::spawn(watched.watch());
}

/// A session to look after.
pub(super) struct Watched {
    pub(super) endpoint: Endpoint,
    pub(super) application: String,
    pub(super) process: i32,
    pub(super) pulse: Weak<Pulse>,
}

impl Watched {
    /// Looks after the session until its stream is dropped.
    pub(super) async fn watch(self) {
        let limit = self.endpoint.silence_timeout;
        let mut unreachable = 0;
        loop {
            let Some(silence) = self.silence() else {
                return;
            };
            if let Some(rest) = limit.checked_sub(silence).filter(|rest| !rest.is_zero()) {
                unreachable = 0;
                sleep(rest).await;
                continue;
            }
            let verdict = self.ask().await;
            if self.silence().is_none_or(|still| still < silence) {
                // the answer has come meanwhile
                continue;
            }
            match verdict {
                Ok(true) => {
                    tracing::debug!(
                        side = %self.endpoint.side,
                        session = %self.application,
                        "the server still works on it"
                    );
                    unreachable = 0;
                    sleep(limit).await;
                }
                Ok(false) => return self.end("the server does not work on it any more"),
                Err(error) => {
                    tracing::debug!(side = %self.endpoint.side, %error, "no sign of the server");
                    unreachable += 1;
                    if unreachable == SILENCE_QUESTIONS {
                        return self.end("the server cannot be reached either");
                    }
                    sleep(limit / SILENCE_QUESTIONS).await;
                }
            }
        }
    }

    /// For how long an answer has been waited for; `None` when the session is over.
    fn silence(&self) -> Option<Duration> {
        let pulse = self.pulse.upgrade()?;
        Some(pulse.silence().unwrap_or_default())
    }

    /// Whether the server still works on what we wait for. Fails when it cannot be reached; one
    /// that refuses to let us in is there, and that is all that can be known.
    async fn ask(&self) -> Result<bool> {
        let client = match open(&self.endpoint, "probe").await {
            Ok((client, _)) => client,
            Err(error) if error.kind() == Kind::Unreachable => return Err(error),
            Err(_) => return Ok(true),
        };
        let question = sql::session::works(
            self.process,
            &self.application,
            self.endpoint.silence_timeout / 2,
        );
        match timeout(self.endpoint.connect_timeout, client.query(&question, &[])).await {
            Ok(Ok(rows)) => Ok(rows.first().is_some_and(|row| row.get(0))),
            Ok(Err(_)) => Ok(true),
            Err(_) => {
                let what = format!("{} lets us in and says nothing", self.endpoint.address());
                Err(Fault::new(Kind::Unreachable, what).on(self.endpoint.side))
            }
        }
    }

    fn end(&self, why: &str) {
        let seconds = self.silence().unwrap_or_default().as_secs();
        tracing::warn!(
            side = %self.endpoint.side,
            session = %self.application,
            seconds,
            why,
            "a server owes an answer, its session is given up"
        );
        if let Some(pulse) = self.pulse.upgrade() {
            pulse.end(format!("no answer for {seconds} s, and {why}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn waits(pulse: &Pulse) -> Poll<std::io::Result<()>> {
        pulse.poll_end(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn only_who_waits_for_an_answer_can_find_the_server_silent() {
        let pulse = Pulse::default();
        assert!(waits(&pulse).is_pending() && pulse.silence().is_none());
        pulse.asked();
        assert!(pulse.silence().is_none(), "nobody reads");
        assert!(waits(&pulse).is_pending() && pulse.silence().is_some());
        pulse.heard(b"D\0\0\0\x0a\0\x01Z\0\0");
        assert!(pulse.silence().is_none());
        assert!(waits(&pulse).is_pending() && pulse.silence().is_some());
        pulse.heard(b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I");
        assert!(waits(&pulse).is_pending() && pulse.silence().is_none());
        // in two pieces
        pulse.asked();
        pulse.heard(b"C\0\0\0\x0dSELECT 1\0Z\0\0");
        assert!(waits(&pulse).is_pending() && pulse.silence().is_some());
        pulse.heard(b"\0\x05T");
        assert!(waits(&pulse).is_pending() && pulse.silence().is_none());
        // it may say something by itself
        pulse.heard(b"S\0\0\0\x0cTimeZone");
        assert!(waits(&pulse).is_pending() && pulse.silence().is_none());
    }

    #[test]
    fn who_waits_hears_of_the_end() {
        let pulse = Pulse::default();
        pulse.asked();
        assert!(waits(&pulse).is_pending());
        pulse.end("it is frozen".to_owned());
        let Poll::Ready(Err(error)) = waits(&pulse) else {
            panic!("no end");
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.to_string().contains("frozen"));
    }
}
