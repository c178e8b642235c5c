//! What systemd is told, when it asks to be told (`NOTIFY_SOCKET`); otherwise nothing happens.

use std::time::Duration;

use indicatif::HumanBytes;
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::load::remaining;
use super::status::{State, Status};
use crate::limits;
use crate::printable::OneLine;

/// Tells systemd about each change of state and how far behind the pipeline is, and pings its
/// watchdog as long as [`Board::health`] has nothing to object. Ends with `STOPPING=1`.
///
/// READY=1 is sent as soon as the daemon does its work on its own: while it copies, streams, or
/// waits for a server to come back. A start that fails for good exits before.
pub async fn follow(board: Board, shutdown: CancellationToken) {
    let watchdog = sd_notify::watchdog_enabled();
    let mut timer = tokio::time::interval(period(watchdog));
    let mut changes = board.watch_state();
    let mut told = Told::default();
    loop {
        let status = board.status();
        let healthy = watchdog.is_some() && board.health().is_ok();
        told.tell(&status, healthy);
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = timer.tick() => {}
            // cannot fail: we hold the board, and it the sender
            _ = changes.changed() => {}
        }
    }
    told.stopping();
}

/// systemd advises half of the watchdog's time; the status line is worth a look each second.
fn period(watchdog: Option<Duration>) -> Duration {
    let half = watchdog.map_or(limits::STATUS_INTERVAL, |limit| limit / 2);
    half.clamp(Duration::from_millis(10), limits::STATUS_INTERVAL)
}

/// What was said already: nothing needs saying twice.
#[derive(Default)]
struct Told {
    ready: bool,
    stopping: bool,
    line: String,
}

impl Told {
    fn tell(&mut self, status: &Status, healthy: bool) {
        let line = line(status);
        let mut news = Vec::new();
        if !self.ready && is_ready(status.state) {
            self.ready = true;
            news.push(NotifyState::Ready);
        }
        if !self.stopping && is_stopping(status.state) {
            self.stopping = true;
            news.push(NotifyState::Stopping);
        }
        if self.line != line {
            news.push(NotifyState::Status(&line));
        }
        if healthy {
            news.push(NotifyState::Watchdog);
        }
        if !news.is_empty() {
            notify(&news);
        }
        self.line = line;
    }

    fn stopping(&mut self) {
        if !self.stopping {
            self.stopping = true;
            notify(&[NotifyState::Stopping]);
        }
    }
}

fn is_ready(state: State) -> bool {
    matches!(state, State::Snapshot | State::Streaming | State::Retrying)
}

fn is_stopping(state: State) -> bool {
    matches!(state, State::Draining | State::Stopped | State::Halted)
}

fn line(status: &Status) -> String {
    let state = status.state;
    match state {
        State::Streaming => match (status.lag.bytes, status.lag.seconds) {
            (Some(bytes), Some(seconds)) => {
                format!("{state}, {} and {seconds:.1} s behind", HumanBytes(bytes))
            }
            (Some(bytes), None) => format!("{state}, {} behind", HumanBytes(bytes)),
            (None, _) => state.to_string(),
        },
        State::Snapshot => {
            let load = status.load.clone().unwrap_or_default();
            let left = load.remaining_seconds.map(remaining);
            let left = left.map_or_else(String::new, |left| format!(", {left} left"));
            let (percent, done, tables) = (load.percent, load.tables_loaded, load.tables);
            format!("{state}, {percent} %, {done} of {tables} tables loaded{left}")
        }
        State::Retrying | State::Halted => match &status.last_error {
            Some(error) => format!("{state}: {}", OneLine(&error.what)),
            None => state.to_string(),
        },
        _ => state.to_string(),
    }
}

fn notify(news: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(news) {
        tracing::debug!(%error, "systemd could not be notified");
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::catalog::TableName;
    use crate::error::{Error, Kind};
    use crate::lsn::Lsn;
    use crate::observe::identity::Identity;

    /// Not a test of its own: the process that the next test starts, since the socket's name is
    /// taken from the environment.
    #[tokio::test]
    async fn as_a_service() {
        if std::env::var_os("NOTIFY_SOCKET").is_none() {
            return;
        }
        let board = Board::new(Identity::default());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(follow(board.clone(), shutdown.clone()));
        board.state(State::Preflight);
        tokio::time::sleep(Duration::from_millis(50)).await;
        board.state(State::Streaming);
        tokio::time::sleep(Duration::from_millis(50)).await;
        shutdown.cancel();
        task.await.unwrap();
    }

    #[test]
    fn systemd_hears_ready_then_pings_then_stopping() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let mut service = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "observe::systemd::tests::as_a_service"])
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "40000")
            .env_remove("WATCHDOG_PID")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        socket
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        // heard while it speaks: its socket holds no more than a few words
        let mut heard = String::new();
        let mut buffer = [0; 4096];
        while !heard.contains("STOPPING=1") {
            let length = socket.recv(&mut buffer).unwrap();
            heard.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        }
        assert!(service.wait().unwrap().success());
        socket.set_nonblocking(true).unwrap();
        while let Ok(length) = socket.recv(&mut buffer) {
            heard.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        }
        assert_eq!(heard.matches("READY=1").count(), 1, "{heard}");
        assert_eq!(heard.matches("STOPPING=1").count(), 1, "{heard}");
        assert!(heard.matches("WATCHDOG=1").count() >= 3, "{heard}");
        let place = |word: &str| heard.find(word).unwrap();
        assert!(place("STATUS=preflight") < place("READY=1"), "{heard}");
        assert!(place("READY=1") < place("STOPPING=1"), "{heard}");
    }

    #[test]
    fn the_status_line_says_what_matters_in_each_state() {
        let board = Board::new(Identity::default());
        board.state(State::Streaming);
        board.positions(Lsn(1), Lsn(0), Lsn(0), Lsn(2048));
        board.lag_seconds(0.25);
        assert_eq!(
            line(&board.status()),
            "streaming, 2.00 KiB and 0.2 s behind"
        );
        board.state(State::Snapshot);
        board.table_done(&TableName::new("public", "t"), 1, 60_000);
        board.table_expected(&TableName::new("public", "u"), 40_000);
        assert_eq!(
            line(&board.status()),
            "snapshot, 60 %, 1 of 2 tables loaded"
        );
        board.error(&Error::new(Kind::Unreachable, "Nobody\nthere"));
        board.state(State::Retrying);
        assert_eq!(line(&board.status()), "retrying: Nobody\\nthere");
    }
}
