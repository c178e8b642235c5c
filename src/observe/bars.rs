//! The bars: a line for the whole load, and above it one for each of the largest tables under way.
//!
//! All figures have columns of their own, whatever their size, so that nothing moves but the bars.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{
    HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle,
};

use super::progress::{BARS, Sum, work_done, work_of};
use super::status::{Table, TableState};
use crate::catalog::TableName;
use crate::limits::{PACK_BYTES_MAX, PROGRESS_BARS_MAX};

const TOTAL: &str = "{prefix:.bold} {percent:>3} % {wide_bar:.cyan/blue} {msg}";
const TABLE: &str = "{prefix} {percent:>3} % {wide_bar} {msg}";

/// The rate is that of the last seconds.
const RATE_WINDOW: Duration = Duration::from_secs(5);

/// The bars on the terminal.
pub(super) struct Bars {
    term: Term,
    total: ProgressBar,
    rate: Rate,
    tables: BTreeMap<TableName, (ProgressBar, Rate)>,
    began: Instant,
}

impl Bars {
    pub(super) fn new() -> Self {
        Bars {
            term: Term::stderr(),
            total: BARS.add(ProgressBar::new(1).with_style(style(TOTAL))),
            rate: Rate::default(),
            tables: BTreeMap::new(),
            began: Instant::now(),
        }
    }

    pub(super) fn show(&mut self, tables: &[Table]) {
        let (rows, columns) = self.term.size();
        let layout = Layout::of(columns);
        let sum = Sum::of(tables);
        self.rate.note(sum.bytes, sum.work);
        let counted = format!("{} of {} tables", sum.live, tables.len());
        let figures = layout.figures(sum.rows, sum.bytes, &self.rate, sum.work_total - sum.work);
        draw(
            &self.total,
            (sum.work, sum.work_total),
            layout.name(&counted),
            figures,
        );

        let under_way =
            |table: &&Table| matches!(table.state, TableState::Copying | TableState::Indexing);
        let mut copying: Vec<&Table> = tables.iter().filter(under_way).collect();
        self.tables.retain(|name, (bar, _)| {
            let is = |table: &&Table| table.schema == name.schema && table.table == name.name;
            let keep = copying.iter().any(is);
            if !keep {
                bar.finish_and_clear();
                BARS.remove(bar);
            }
            keep
        });
        // small ones come and go faster than anybody reads
        copying.retain(|table| work_of(table) > PACK_BYTES_MAX);
        copying.sort_by_key(|table| std::cmp::Reverse(work_of(table)));
        let room = usize::from(rows / 2).clamp(1, PROGRESS_BARS_MAX);
        for table in copying {
            let name = TableName::new(&table.schema, &table.table);
            if self.tables.len() >= room && !self.tables.contains_key(&name) {
                continue;
            }
            let shown = layout.name(&name.to_string());
            let (bar, rate) = self.tables.entry(name).or_insert_with(|| {
                let bar = ProgressBar::new(1).with_style(style(TABLE));
                // above the total, which stays the last line
                (BARS.insert_before(&self.total, bar), Rate::default())
            });
            let (done, work) = (work_done(table), work_of(table));
            rate.note(table.bytes, done);
            let figures = if table.state == TableState::Indexing {
                layout.indexing(table.rows, table.bytes)
            } else {
                layout.figures(table.rows, table.bytes, rate, work - done)
            };
            draw(bar, (done, work), shown, figures);
        }
    }

    /// Leaves one line that says how far the load came, and no bar.
    pub(super) fn close(self, tables: &[Table]) {
        let _ = BARS.clear();
        // what would be drawn while one bar after the other goes would stay
        BARS.set_draw_target(ProgressDrawTarget::hidden());
        for bar in self
            .tables
            .values()
            .map(|(bar, _)| bar)
            .chain([&self.total])
        {
            bar.finish_and_clear();
            BARS.remove(bar);
        }
        let sum = Sum::of(tables);
        // fails only where there is no terminal any more
        let _ = writeln!(
            std::io::stderr(),
            "initial load: {} %, {} of {} tables, {} rows, {} in {}",
            sum.percent(),
            sum.live,
            tables.len(),
            HumanCount(sum.rows),
            HumanBytes(sum.bytes),
            HumanDuration(self.began.elapsed())
        );
    }
}

fn draw(bar: &ProgressBar, (done, work): (u64, u64), name: String, figures: String) {
    bar.set_length(work.max(1));
    bar.set_position(done);
    bar.set_prefix(name);
    bar.set_message(figures);
}

/// How many columns of the terminal go to what; the bar gets the rest.
struct Layout {
    name: usize,
    /// There is room for rows and a word more.
    rows: bool,
}

impl Layout {
    fn of(columns: u16) -> Self {
        Layout {
            name: usize::from(columns / 3).clamp(16, 64),
            rows: columns >= 120,
        }
    }

    /// In exactly its columns; the end of a name tells more than its beginning.
    fn name(&self, name: &str) -> String {
        let length = name.chars().count();
        if length <= self.name {
            return format!("{name:width$}", width = self.name);
        }
        let end: String = name.chars().skip(length + 1 - self.name).collect();
        format!("…{end}")
    }

    fn figures(&self, rows: u64, bytes: u64, rate: &Rate, work_left: u64) -> String {
        let speed = format!("{}/s", HumanBytes(rate.bytes_a_second()));
        let left = rate.left(work_left).map_or_else(String::new, remaining);
        let word = if self.rows { " left" } else { "" };
        let copied = self.copied(rows, bytes);
        format!("{copied} {speed:>12} {left:>9}{word}")
    }

    /// Nothing tells how long it takes.
    fn indexing(&self, rows: u64, bytes: u64) -> String {
        let width = if self.rows { 27 } else { 22 };
        let copied = self.copied(rows, bytes);
        format!("{copied} {:>width$}", "building indexes")
    }

    fn copied(&self, rows: u64, bytes: u64) -> String {
        let bytes = HumanBytes(bytes).to_string();
        if self.rows {
            format!("{:>15} rows {bytes:>10}", HumanCount(rows).to_string())
        } else {
            format!("{bytes:>10}")
        }
    }
}

/// What was copied over the last few seconds.
#[derive(Default)]
struct Rate(VecDeque<(Instant, u64, u64)>);

impl Rate {
    fn note(&mut self, bytes: u64, work: u64) {
        let now = Instant::now();
        self.0.push_back((now, bytes, work));
        let old = |at: &Instant| now.duration_since(*at) > RATE_WINDOW;
        while self.0.len() > 2 && self.0.front().is_some_and(|(at, ..)| old(at)) {
            self.0.pop_front();
        }
    }

    /// Bytes and work a second.
    fn speeds(&self) -> (u64, u64) {
        let (Some(first), Some(last)) = (self.0.front(), self.0.back()) else {
            return (0, 0);
        };
        let millis = last.0.duration_since(first.0).as_millis();
        let millis = u64::try_from(millis).unwrap_or(u64::MAX).max(1);
        let speed = |from: u64, to: u64| to.saturating_sub(from).saturating_mul(1000) / millis;
        (speed(first.1, last.1), speed(first.2, last.2))
    }

    fn bytes_a_second(&self) -> u64 {
        self.speeds().0
    }

    /// How long the rest takes; `None` while nothing moves.
    fn left(&self, work: u64) -> Option<Duration> {
        let speed = self.speeds().1;
        (speed > 0).then(|| Duration::from_secs(work.div_ceil(speed)))
    }
}

/// In at most nine columns.
fn remaining(left: Duration) -> String {
    let seconds = left.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} m {:02} s", seconds % 60),
        (..100, _) => format!("{hours} h {:02} m", minutes % 60),
        _ => format!("{} days", hours / 24),
    }
}

/// The templates are constants; were one wrong, indicatif's own would do.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_one_that_indicatif_understands() {
        for template in [TOTAL, TABLE] {
            ProgressStyle::with_template(template).unwrap();
        }
    }

    #[test]
    fn names_and_figures_keep_their_columns_whatever_they_say() {
        let mut rate = Rate::default();
        rate.note(0, 0);
        for columns in [20, 80, 119, 120, 200, 500] {
            let layout = Layout::of(columns);
            for name in ["t", "größe", &"long.".repeat(30)] {
                assert_eq!(layout.name(name).chars().count(), layout.name);
            }
            let empty = layout.figures(0, 0, &rate, 1).chars().count();
            let much = layout.figures(99_999_999_999, 1 << 52, &rate, 1);
            assert_eq!(much.chars().count(), empty);
            assert_eq!(layout.indexing(1, 1).chars().count(), empty);
            let bar = usize::from(columns).checked_sub(layout.name + 9 + empty);
            assert!(
                columns < 80 || bar.is_some_and(|bar| bar >= 12),
                "{columns}"
            );
        }
    }

    #[test]
    fn the_remaining_time_fits_its_column() {
        for (seconds, shown) in [
            (9, "9 s"),
            (65, "1 m 05 s"),
            (3_599, "59 m 59 s"),
            (7_260, "2 h 01 m"),
            (900_000, "10 days"),
        ] {
            assert_eq!(remaining(Duration::from_secs(seconds)), shown);
            assert!(shown.len() <= 9);
        }
    }
}
