//! Servers that owe an answer and do not send it.
//!
//! The kernel asks whether the machine at the other end is there (`tune` in `dial`). What it cannot
//! see: a server that is frozen, one that vanished behind an SSH server that stays, an answer that
//! something on the way has swallowed. But work may take hours without a word: an index is built,
//! a lock waited for. So silence alone proves nothing. After `silence_timeout` the server is asked
//! on another connection whether it still works on what we wait for; only if it does not, or cannot
//! be reached either, the session ends.
//!
//! **What can go wrong.** Of statements that are sent together only the first is watched. A server
//! that answers in the moment in which it is asked is heard, since who waits is looked at again
//! after that. Who stopped reading because its own work waits is not waiting, whatever the server
//! does: it is woken first, and has to come again. Of a server of several behind one name, other
//! than the one that was meant, nothing is believed but that it is there.

use std::io::{Error, ErrorKind};
use std::sync::{Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::session::open;
use super::{Endpoint, Transport};
use crate::error::{Error as Fault, Kind, Result};
use crate::limits::{SILENCE_QUESTIONS, SILENCE_ROUSING};
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
    /// Somebody has tried to read since something came.
    reading: bool,
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
            state.waiting = state.reading.then(Instant::now);
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
            (state.reading, state.waiting) = (false, None);
        });
    }

    /// Somebody waits to go on, until the session has ended.
    pub(super) fn poll_end<T>(&self, cx: &Context<'_>) -> Poll<std::io::Result<T>> {
        self.with(|state| {
            if let Some(why) = &state.end {
                return Poll::Ready(Err(Error::new(ErrorKind::TimedOut, why.clone())));
            }
            state.reading = true;
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

    /// Wakes who waits, to see whether there still is somebody: who has something else to do by now
    /// does not come again.
    fn rouse(&self) {
        let waiter = self.with(|state| {
            state.reading = false;
            state.waiter.take()
        });
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    /// Whether somebody came again.
    fn is_waited_for(&self) -> bool {
        self.with(|state| {
            if !state.reading {
                state.waiting = None;
            }
            state.waiting.is_some()
        })
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

/// Looks after a session that walferry speaks itself, until its stream is dropped.
pub fn watch(endpoint: &Endpoint, application: &str, process: Process, stream: &Transport) {
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
    pub(super) process: Process,
    pub(super) pulse: Weak<Pulse>,
}

/// Which process of which server works for a session; [`sql::session::WHICH_PROCESS`]
/// asks for it.
#[derive(Debug, Default)]
pub struct Process {
    number: i32,
    /// Its address, empty on a unix socket: a name may stand for several servers.
    server: String,
}

impl Process {
    /// As the server has written it.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, server) = text.split_once(' ')?;
        Some(Process {
            number: number.parse().ok()?,
            server: server.to_owned(),
        })
    }
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
            if !self.somebody_waits().await {
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

    async fn somebody_waits(&self) -> bool {
        if let Some(pulse) = self.pulse.upgrade() {
            pulse.rouse();
        }
        sleep(SILENCE_ROUSING).await;
        let pulse = self.pulse.upgrade();
        pulse.is_some_and(|pulse| pulse.is_waited_for())
    }

    /// Whether the server still works on what we wait for. Fails when it cannot be reached; one
    /// that refuses to let us in is there, and that is all that can be known.
    async fn ask(&self) -> Result<bool> {
        let client = match open(&self.endpoint, "probe").await {
            Ok((client, _)) => client,
            Err(error) if matches!(error.kind(), Kind::Unreachable | Kind::ConnectionLost) => {
                return Err(error);
            }
            Err(_) => return Ok(true),
        };
        if self.process.number == 0 {
            return Ok(true);
        }
        let idle = self.endpoint.silence_timeout / 2;
        let (process, application) = (&self.process, &self.application);
        let question = sql::session::works(process.number, &process.server, application, idle);
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
        pulse.heard(b"Z\0\0\0\x05I");
        pulse.asked();
        assert!(pulse.silence().is_none(), "nobody reads");
        assert!(waits(&pulse).is_pending() && pulse.silence().is_some());
        pulse.heard(b"D\0\0\0\x0a\0\x01Z\0\0");
        assert!(pulse.silence().is_none());
        assert!(waits(&pulse).is_pending() && pulse.silence().is_some());
        pulse.heard(b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I");
        assert!(waits(&pulse).is_pending() && pulse.silence().is_none());
        // who reads before it asks waits as well
        pulse.asked();
        assert!(pulse.silence().is_some());
        // who was called and does not come has something else to do
        pulse.rouse();
        assert!(!pulse.is_waited_for() && pulse.silence().is_none());
        assert!(waits(&pulse).is_pending() && pulse.silence().is_some());
        pulse.rouse();
        assert!(waits(&pulse).is_pending() && pulse.is_waited_for());
        // in two pieces
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
