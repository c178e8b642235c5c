//! The bars: a line for the whole load, and above it one for each of the largest tables under way.
//!
//! All figures have columns of their own, whatever their size, so that nothing moves but the bars.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Instant;

use console::Term;
use indicatif::{
    HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle,
};

use super::load::{Load, Work, remaining};
use super::progress::BARS;
use super::status::{Status, Table, TableState};
use crate::catalog::TableName;
use crate::limits::{PACK_BYTES_MAX, PROGRESS_BARS_MAX};
use crate::printable::OneLine;

const TOTAL: &str = "{prefix:.bold} {percent:>3} % {wide_bar:.cyan/blue} {msg}";
const TABLE: &str = "{prefix} {percent:>3} % {wide_bar} {msg}";

/// The bars on the terminal.
pub(super) struct Bars {
    term: Term,
    total: ProgressBar,
    tables: BTreeMap<TableName, ProgressBar>,
    began: Instant,
}

impl Bars {
    pub(super) fn new() -> Self {
        Bars {
            term: Term::stderr(),
            total: BARS.add(ProgressBar::new(1).with_style(style(TOTAL))),
            tables: BTreeMap::new(),
            began: Instant::now(),
        }
    }

    pub(super) fn show(&mut self, status: &Status) {
        let (rows, columns) = self.term.size();
        let layout = Layout::of(columns);
        if let Some(load) = &status.load {
            let counted = format!("{} of {} tables", load.tables_loaded, load.tables);
            let pace = (load.bytes_per_second, load.remaining_seconds);
            let figures = layout.figures(load.rows, load.bytes, pace);
            draw(&self.total, load.work, layout.name(&counted), figures);
        }
        let room = usize::from(rows / 2).clamp(1, PROGRESS_BARS_MAX);
        self.show_tables(&status.tables, &layout, room);
    }

    fn show_tables(&mut self, tables: &[Table], layout: &Layout, room: usize) {
        let under_way =
            |table: &&Table| matches!(table.state, TableState::Copying | TableState::Indexing);
        let mut copying: Vec<&Table> = tables.iter().filter(under_way).collect();
        self.tables.retain(|name, bar| {
            let is = |table: &&Table| table.schema == name.schema && table.table == name.name;
            let keep = copying.iter().any(is);
            if !keep {
                bar.finish_and_clear();
                BARS.remove(bar);
            }
            keep
        });
        // small ones come and go faster than anybody reads; what has a bar keeps it
        copying.retain(|table| {
            let name = TableName::new(&table.schema, &table.table);
            table.bytes_expected > PACK_BYTES_MAX || self.tables.contains_key(&name)
        });
        copying.sort_by_key(|table| std::cmp::Reverse(table.bytes_expected));
        for table in copying {
            let name = TableName::new(&table.schema, &table.table);
            if self.tables.len() >= room && !self.tables.contains_key(&name) {
                continue;
            }
            let shown = layout.name(&OneLine(&name).to_string());
            let bar = self.tables.entry(name).or_insert_with(|| {
                let bar = ProgressBar::new(1).with_style(style(TABLE));
                // above the total, which stays the last line
                BARS.insert_before(&self.total, bar)
            });
            let figures = if table.state == TableState::Indexing {
                layout.indexing(table.rows, table.bytes)
            } else {
                let pace = (table.bytes_per_second, table.remaining_seconds);
                layout.figures(table.rows, table.bytes, pace)
            };
            draw(bar, Work::of_table(table), shown, figures);
        }
    }

    /// Leaves one line that says how far the load came, and no bar.
    pub(super) fn close(self, tables: &[Table]) {
        let _ = BARS.clear();
        // what would be drawn while one bar after the other goes would stay
        BARS.set_draw_target(ProgressDrawTarget::hidden());
        for bar in self.tables.values().chain([&self.total]) {
            bar.finish_and_clear();
            BARS.remove(bar);
        }
        let load = Load::of(tables.iter());
        // fails only where there is no terminal any more
        let _ = writeln!(
            std::io::stderr(),
            "initial load: {} %, {} of {} tables, {} rows, {} in {}",
            load.percent,
            load.tables_loaded,
            load.tables,
            HumanCount(load.rows),
            HumanBytes(load.bytes),
            HumanDuration(self.began.elapsed())
        );
    }
}

fn draw(bar: &ProgressBar, work: Work, name: String, figures: String) {
    bar.set_length(work.all.max(1));
    bar.set_position(work.done);
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

    fn figures(&self, rows: u64, bytes: u64, pace: (Option<u64>, Option<u64>)) -> String {
        let (speed, left) = pace;
        let speed = format!("{}/s", HumanBytes(speed.unwrap_or(0)));
        let left = left.map_or_else(String::new, remaining);
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
        for columns in [20, 80, 119, 120, 200, 500] {
            let layout = Layout::of(columns);
            for name in ["t", "größe", &"long.".repeat(30)] {
                assert_eq!(layout.name(name).chars().count(), layout.name);
            }
            let empty = layout.figures(0, 0, (None, None)).chars().count();
            let pace = (Some(1 << 62), Some(359_999));
            let much = layout.figures(99_999_999_999, 1 << 52, pace);
            assert_eq!(much.chars().count(), empty);
            assert_eq!(layout.indexing(1, 1).chars().count(), empty);
            let bar = usize::from(columns).checked_sub(layout.name + 9 + empty);
            assert!(
                columns < 80 || bar.is_some_and(|bar| bar >= 12),
                "{columns}"
            );
        }
    }
}
