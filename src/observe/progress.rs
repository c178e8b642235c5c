//! The initial load as somebody at the terminal sees it: bars; elsewhere: a log line now and then.

use std::io::IsTerminal;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressDrawTarget};
use tokio_util::sync::CancellationToken;

use super::bars::Bars;
use super::board::Board;
use super::status::{State, Table, TableState};
use crate::config::LogFormat;
use crate::limits;

/// How often the bars move.
const REDRAW: Duration = Duration::from_millis(250);

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
    let mut beside = tokio::time::interval(limits::PROGRESS_LOG_INTERVAL);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            // cannot fail: we hold the board, and it the sender
            _ = states.wait_for(|state| *state == State::Snapshot) => {}
            _ = beside.tick() => {
                if board.current_state() == State::Streaming && board.is_loading() {
                    log_beside(&board.status().tables);
                }
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

async fn draw(board: &Board, shutdown: &CancellationToken) {
    let mut timer = tokio::time::interval(REDRAW);
    let mut bars = Bars::new();
    while shutdown.run_until_cancelled(timer.tick()).await.is_some() {
        let status = board.status();
        bars.show(&status.tables);
        if status.state != State::Snapshot {
            break;
        }
    }
    bars.close(&board.status().tables);
}

async fn log(board: &Board, shutdown: &CancellationToken) {
    let mut timer = tokio::time::interval(limits::STATUS_INTERVAL);
    let mut due = Instant::now() + limits::PROGRESS_LOG_INTERVAL;
    while shutdown.run_until_cancelled(timer.tick()).await.is_some() {
        let over = board.current_state() != State::Snapshot;
        if over || Instant::now() >= due {
            due += limits::PROGRESS_LOG_INTERVAL;
            let tables = board.status().tables;
            let sum = Sum::of(&tables);
            tracing::info!(
                percent = sum.percent(),
                tables_loaded = sum.live,
                tables = tables.len(),
                rows = sum.rows,
                bytes = sum.bytes,
                "initial load"
            );
        }
        if over {
            return;
        }
    }
}

fn log_beside(tables: &[Table]) {
    let loading = tables
        .iter()
        .filter(|table| table.state != TableState::Live);
    let loading: Vec<Table> = loading.cloned().collect();
    let sum = Sum::of(&loading);
    tracing::info!(
        percent = sum.percent(),
        tables = loading.len(),
        rows = sum.rows,
        bytes = sum.bytes,
        "loading tables beside the stream"
    );
}

/// The whole load in a few numbers.
pub(super) struct Sum {
    pub(super) live: usize,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Work done and work in all. A table's size on disk stands for its work: COPY data can be
    /// larger or smaller than that, so copied bytes alone would end at 70 % or at 140 %.
    pub(super) work: u64,
    pub(super) work_total: u64,
}

impl Sum {
    pub(super) fn of(tables: &[Table]) -> Self {
        let mut sum = Sum {
            live: 0,
            rows: 0,
            bytes: 0,
            work: 0,
            work_total: 0,
        };
        for table in tables {
            sum.live += usize::from(table.state == TableState::Live);
            sum.rows += table.rows;
            sum.bytes += table.bytes;
            sum.work += work_done(table);
            sum.work_total += work_of(table);
        }
        sum
    }

    pub(super) fn percent(&self) -> u64 {
        self.work * 100 / self.work_total.max(1)
    }
}

/// One page at least, so that empty tables count too.
pub(super) fn work_of(table: &Table) -> u64 {
    table.bytes_expected.max(8192)
}

pub(super) fn work_done(table: &Table) -> u64 {
    let work = work_of(table);
    match table.state {
        TableState::Live => work,
        TableState::Pending => 0,
        TableState::Copying | TableState::Quarantined => table.bytes.min(work - work / 100),
        TableState::Indexing => work - work / 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, state: TableState, bytes: u64, bytes_expected: u64) -> Table {
        Table {
            schema: "public".to_owned(),
            table: name.to_owned(),
            state,
            rows: 1,
            bytes,
            bytes_expected,
            changes: 0,
            error: None,
        }
    }

    #[test]
    fn the_total_reaches_100_percent_when_all_tables_are_live_and_not_before() {
        let over = table("a", TableState::Copying, 5_000_000, 1_000_000);
        let empty = table("b", TableState::Live, 0, 0);
        let sum = Sum::of(&[over.clone(), empty.clone()]);
        assert_eq!(sum.percent(), 99);
        let done = Table {
            state: TableState::Live,
            ..over
        };
        assert_eq!(Sum::of(&[done, empty]).percent(), 100);
    }
}
