//! The initial load as somebody at the terminal sees it: bars; elsewhere: a log line now and then.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::IsTerminal;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use indicatif::{
    HumanBytes, HumanCount, HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget,
    ProgressStyle,
};
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::status::{State, Table, TableState};
use crate::catalog::TableName;
use crate::config::LogFormat;
use crate::limits;

/// How often the bars move.
const REDRAW: Duration = Duration::from_millis(200);

const TOTAL: &str = "{prefix:.bold} {wide_bar:.cyan/blue} {percent:>3} %  {msg}  {eta:>4} left";
const TABLE: &str =
    "  {prefix:36!} {bar:20} {percent:>3} %  {msg}  {binary_bytes_per_sec}  {eta:>4} left";

/// There is one terminal in a process, so there is one set of bars: the logger writes beside it.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::hidden()));

/// Writes to the terminal while the bars are out of the way.
pub(super) fn beside_bars<R>(write: impl FnOnce() -> R) -> R {
    BARS.suspend(write)
}

/// Shows each initial load while it lasts: bars where the standard error is a terminal and the
/// log is text, else a log line every [`limits::PROGRESS_LOG_INTERVAL`]. That a table is loaded is
/// logged by `snapshot`; the line appears above the bars.
pub async fn follow(board: Board, format: LogFormat, shutdown: CancellationToken) {
    let terminal = format == LogFormat::Text && std::io::stderr().is_terminal();
    let mut states = board.watch_state();
    loop {
        let loading = states.wait_for(|state| *state == State::Snapshot);
        // `wait_for` cannot fail: we hold the board, and it the sender
        if shutdown.run_until_cancelled(loading).await.is_none() {
            return;
        }
        if terminal {
            BARS.set_draw_target(ProgressDrawTarget::stderr());
            draw(&board, &shutdown).await;
            BARS.set_draw_target(ProgressDrawTarget::hidden());
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

/// The whole load in a few numbers.
struct Sum {
    live: usize,
    rows: u64,
    bytes: u64,
    /// Work done and work in all. A table's size on disk stands for its work: COPY data can be
    /// larger or smaller than that, so copied bytes alone would end at 70 % or at 140 %.
    work: u64,
    work_total: u64,
}

impl Sum {
    fn of(tables: &[Table]) -> Self {
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

    fn percent(&self) -> u64 {
        self.work * 100 / self.work_total.max(1)
    }
}

/// One page at least, so that empty tables count too.
fn work_of(table: &Table) -> u64 {
    table.bytes_expected.max(8192)
}

fn work_done(table: &Table) -> u64 {
    let work = work_of(table);
    match table.state {
        TableState::Live => work,
        TableState::Pending => 0,
        TableState::Copying | TableState::Failed => table.bytes.min(work - work / 100),
    }
}

/// The bars on the terminal.
struct Bars {
    total: ProgressBar,
    tables: BTreeMap<TableName, ProgressBar>,
    rate: Rate,
    began: Instant,
}

impl Bars {
    fn new() -> Self {
        let total = BARS.add(ProgressBar::new(1).with_style(style(TOTAL)));
        total.set_prefix("initial load");
        Bars {
            total,
            tables: BTreeMap::new(),
            rate: Rate::default(),
            began: Instant::now(),
        }
    }

    fn show(&mut self, tables: &[Table]) {
        let sum = Sum::of(tables);
        let rate = self.rate.of(sum.bytes);
        self.total.set_length(sum.work_total.max(1));
        self.total.set_position(sum.work);
        self.total.set_message(format!(
            "{} of {} tables  {}  {}/s",
            sum.live,
            tables.len(),
            HumanBytes(sum.bytes),
            HumanBytes(rate)
        ));
        let mut copying: BTreeSet<TableName> = BTreeSet::new();
        for table in tables.iter().filter(|t| t.state == TableState::Copying) {
            let name = TableName::new(&table.schema, &table.table);
            let bar = self.tables.entry(name.clone()).or_insert_with(|| {
                let bar = ProgressBar::new(1).with_style(style(TABLE));
                bar.set_prefix(name.to_string());
                // above the total, which stays the last line
                BARS.insert_before(&self.total, bar)
            });
            bar.set_length(work_of(table));
            bar.set_position(work_done(table));
            bar.set_message(HumanBytes(table.bytes).to_string());
            copying.insert(name);
        }
        self.tables.retain(|name, bar| {
            let keep = copying.contains(name);
            if !keep {
                bar.finish_and_clear();
                BARS.remove(bar);
            }
            keep
        });
    }

    /// Leaves one line that says how far the load came, and no bar.
    fn close(self, tables: &[Table]) {
        for bar in self.tables.values().chain([&self.total]) {
            bar.finish_and_clear();
            BARS.remove(bar);
        }
        let sum = Sum::of(tables);
        // fails only where there is no terminal any more
        let _ = BARS.println(format!(
            "initial load: {} %, {} of {} tables, {} rows, {} in {}",
            sum.percent(),
            sum.live,
            tables.len(),
            HumanCount(sum.rows),
            HumanBytes(sum.bytes),
            HumanDuration(self.began.elapsed())
        ));
    }
}

/// Bytes a second over the last few seconds.
#[derive(Default)]
struct Rate(VecDeque<(Instant, u64)>);

impl Rate {
    fn of(&mut self, bytes: u64) -> u64 {
        let now = Instant::now();
        self.0.push_back((now, bytes));
        while self
            .0
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > Duration::from_secs(5))
            && self.0.len() > 2
        {
            self.0.pop_front();
        }
        let Some((since, before)) = self.0.front() else {
            return 0;
        };
        let millis = u64::try_from(now.duration_since(*since).as_millis()).unwrap_or(u64::MAX);
        bytes.saturating_sub(*before).saturating_mul(1000) / millis.max(1)
    }
}

/// The templates are constants; were one wrong, indicatif's own would do.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
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

    #[test]
    fn every_template_is_one_that_indicatif_understands() {
        for template in [TOTAL, TABLE] {
            ProgressStyle::with_template(template).unwrap();
        }
    }
}
