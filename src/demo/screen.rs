//! What the demo shows: a small table, redrawn in place on a terminal, else a line a second.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _, stdout};
use std::time::{Duration, Instant};

use super::daemon::{Daemon, Status};
use super::shop::{Rows, Shop};
use crate::error::Result;

/// The present, as it is shown.
pub(super) struct View {
    pub(super) rows: Vec<Rows>,
    pub(super) status: Option<Status>,
    pub(super) running: Duration,
}

pub(super) struct Screen {
    terminal: bool,
    /// Lines that the next table replaces.
    drawn: usize,
    /// When and what the daemon last counted, for the rate.
    counted: Option<(Instant, u64)>,
}

impl Screen {
    pub(super) fn new() -> Screen {
        Screen {
            terminal: stdout().is_terminal(),
            drawn: 0,
            counted: None,
        }
    }

    /// A line that stays.
    pub(super) fn line(&mut self, text: &str) -> Result<()> {
        self.drawn = 0;
        // unlike println!, a closed pipe is an error here and not a panic
        writeln!(stdout(), "{text}")?;
        Ok(stdout().flush()?)
    }

    /// Where everything is, and how to look for oneself.
    pub(super) fn addresses(&mut self, shop: &Shop, daemon: &Daemon) -> Result<()> {
        let address = daemon.address();
        let source = shop.source.socket_directory().display();
        let destination = shop.destination.socket_directory().display();
        self.line(&format!(
            "\n  status page   http://{address}/\n  \
               status JSON   http://{address}/status\n  \
               metrics       http://{address}/metrics\n  \
               daemon's log  {log}\n  \
               source        psql 'host={source} port={source_port} user=postgres dbname=shop'\n  \
               destination   psql 'host={destination} port={destination_port} user=postgres dbname=warehouse'\n\n\
               Ctrl-C stops the writing, compares both sides and cleans up.\n",
            log = daemon.log_path().display(),
            source_port = shop.source.port(),
            destination_port = shop.destination.port(),
        ))
    }

    /// Shows the present.
    pub(super) fn show(&mut self, view: &View) -> Result<()> {
        let rate = self.rate(view.status.as_ref());
        if !self.terminal {
            return self.line(&summary(view, rate));
        }
        let table = table(view, rate);
        let mut out = stdout();
        if self.drawn > 0 {
            write!(out, "\x1b[{}A\x1b[J", self.drawn)?;
        }
        writeln!(out, "{table}")?;
        self.drawn = table.lines().count();
        Ok(out.flush()?)
    }

    /// Changes a second since the last look.
    #[expect(clippy::cast_precision_loss, reason = "a figure for the eye")]
    fn rate(&mut self, status: Option<&Status>) -> Option<f64> {
        let changes = status?.counters.changes;
        let before = self.counted.replace((Instant::now(), changes))?;
        let passed = before.0.elapsed().as_secs_f64();
        Some(changes.saturating_sub(before.1) as f64 / passed)
    }
}

fn table(view: &View, rate: Option<f64>) -> String {
    let mut text = format!("  {:<14}{:>12}{:>14}\n", "table", "source", "destination");
    for rows in &view.rows {
        let destination = rows.destination.map_or("-".to_owned(), grouped);
        let (table, source) = (rows.table, grouped(rows.source));
        // writing to a String cannot fail
        let _ = writeln!(text, "  {table:<14}{source:>12}{destination:>14}");
    }
    let (source, destination) = totals(view);
    let (source, destination) = (grouped(source), grouped(destination));
    let _ = writeln!(text, "  {:<14}{source:>12}{destination:>14}", "total");
    let _ = write!(text, "  {}", condition(view, rate));
    text
}

/// The table in one line, for logs.
fn summary(view: &View, rate: Option<f64>) -> String {
    let (source, destination) = totals(view);
    let condition = condition(view, rate);
    format!("source {source} rows, destination {destination} rows, {condition}")
}

fn totals(view: &View) -> (i64, i64) {
    let source = view.rows.iter().map(|rows| rows.source).sum();
    let destination = view.rows.iter().filter_map(|rows| rows.destination).sum();
    (source, destination)
}

fn condition(view: &View, rate: Option<f64>) -> String {
    let seconds = view.running.as_secs();
    let Some(status) = &view.status else {
        return format!("{seconds} s, the daemon does not answer yet");
    };
    let rate = rate.map_or("-".to_owned(), |rate| format!("{rate:.0}"));
    let lag = status
        .lag
        .seconds
        .map_or("-".to_owned(), |lag| format!("{lag:.2}"));
    let bytes = status
        .lag
        .bytes
        .map_or("-".to_owned(), |bytes| bytes.to_string());
    let state = &status.state;
    format!("{seconds} s, {state}, {rate} changes/s, lag {lag} s and {bytes} bytes")
}

/// 1234567 as "1 234 567".
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::daemon::{Counters, Lag};

    fn view() -> View {
        let rows = |table, source, destination| Rows {
            table,
            source,
            destination,
        };
        View {
            rows: vec![
                rows("orders", 1_234_567, Some(999)),
                rows("events", 12, None),
            ],
            status: Some(Status {
                state: "streaming".to_owned(),
                lag: Lag {
                    bytes: Some(512),
                    seconds: Some(0.25),
                },
                counters: Counters { changes: 10 },
            }),
            running: Duration::from_millis(3_900),
        }
    }

    #[test]
    fn the_table_is_aligned_and_says_what_is_not_there_yet() {
        let expected = "  table               source   destination\n  \
                          orders           1 234 567           999\n  \
                          events                  12             -\n  \
                          total            1 234 579           999\n  \
                          3 s, streaming, 300 changes/s, lag 0.25 s and 512 bytes";
        assert_eq!(table(&view(), Some(300.4)), expected);
    }

    #[test]
    fn without_a_terminal_one_line_says_it_all() {
        let mut view = view();
        view.status = None;
        assert_eq!(
            summary(&view, None),
            "source 1234579 rows, destination 999 rows, 3 s, the daemon does not answer yet"
        );
    }
}
