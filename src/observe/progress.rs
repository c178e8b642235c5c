//! The initial load as somebody at the terminal sees it: bars; elsewhere: a log line now and then.

use std::io::IsTerminal;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressDrawTarget};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::bars::Bars;
use super::board::Board;
use super::load::Load;
use super::status::State;
use crate::config::LogFormat;
use crate::limits;

/// How often a load is looked at, and the bars move.
const LOOK: Duration = Duration::from_millis(250);

/// There is one terminal in a process, so there is one set of bars: the logger writes beside it.
pub(super) static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::hidden()));

/// Writes to the terminal while the bars are out of the way.
pub(super) fn beside_bars<R>(write: impl FnOnce() -> R) -> R {
    BARS.suspend(write)
}

/// Shows each initial load while it lasts: bars where the standard error is a terminal and the
/// log is text, else a log line every [`limits::PROGRESS_LOG_INTERVAL`]. That a table is loaded is
/// logged by `snapshot`; the line appears above the bars. Tables that are loaded beside the stream
/// get the log lines everywhere.
pub async fn follow(board: Board, format: LogFormat, shutdown: CancellationToken) {
    let terminal = format == LogFormat::Text && std::io::stderr().is_terminal();
    let mut states = board.watch_state();
    let mut beside = every(limits::STATUS_INTERVAL);
    let mut due = None;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            // cannot fail: we hold the board, and it the sender
            _ = states.wait_for(|state| *state == State::Snapshot) => {}
            _ = beside.tick() => {
                due = look_beside(&board, due);
                continue;
            }
        }
        if terminal {
            BARS.set_draw_target(ProgressDrawTarget::stderr());
            draw(&board, &shutdown).await;
        } else {
            log(&board, &shutdown).await;
        }
    }
}

/// A look that comes late is not made up for.
fn every(period: Duration) -> Interval {
    let mut timer = tokio::time::interval(period);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    timer
}

async fn draw(board: &Board, shutdown: &CancellationToken) {
    let mut timer = every(LOOK);
    let mut bars = Bars::new();
    while shutdown.run_until_cancelled(timer.tick()).await.is_some() {
        board.note_rates();
        let status = board.status();
        bars.show(&status);
        if status.state != State::Snapshot {
            break;
        }
    }
    bars.close(&board.status().tables);
}

async fn log(board: &Board, shutdown: &CancellationToken) {
    let mut timer = every(LOOK);
    let mut due = Instant::now() + limits::PROGRESS_LOG_INTERVAL;
    while shutdown.run_until_cancelled(timer.tick()).await.is_some() {
        board.note_rates();
        let over = board.current_state() != State::Snapshot;
        if over || Instant::now() >= due {
            due += limits::PROGRESS_LOG_INTERVAL;
            let status = board.status();
            // the last line tells how far it came
            let load = match status.load {
                Some(load) if status.state == State::Snapshot => load,
                _ => Load::of(status.tables.iter()),
            };
            tell(&load, "initial load");
        }
        if over {
            return;
        }
    }
}

/// When the next line is due; `None` while nothing is loaded beside the stream.
fn look_beside(board: &Board, due: Option<Instant>) -> Option<Instant> {
    if board.current_state() != State::Streaming || !board.is_loading() {
        return None;
    }
    board.note_rates();
    let next = Instant::now() + limits::PROGRESS_LOG_INTERVAL;
    let due = due.unwrap_or(next);
    if Instant::now() < due {
        return Some(due);
    }
    if let Some(load) = board.status().load {
        tell(&load, "loading tables beside the stream");
    }
    Some(next)
}

/// What is not known is left out.
fn tell(load: &Load, message: &str) {
    tracing::info!(
        percent = load.percent,
        tables_loaded = load.tables_loaded,
        tables = load.tables,
        rows = load.rows,
        bytes = load.bytes,
        bytes_expected = load.bytes_expected,
        bytes_per_second = load.bytes_per_second,
        remaining_seconds = load.remaining_seconds,
        "{message}"
    );
}
