//! What is known of each table, and the part of `/metrics` that tells of it.
//!
//! Ten thousand tables have sixty thousand series. A registered gauge takes some 500 bytes with its
//! labels, and a scrape copies all of them several times, so these are written from the facts.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::time::Instant;

use super::load::Work;
use super::metrics::{Shape, describe};
use super::rate::Rate;
use super::status::{Table, TableState};
use crate::catalog::TableName;

/// All tables, in name order.
pub(super) type Tables = BTreeMap<TableName, TableFacts>;

/// What is known of one.
pub(super) struct TableFacts {
    pub(super) state: TableState,
    pub(super) rows: u64,
    /// Bytes that its load has copied; `None` until it is known whether there is a load.
    pub(super) bytes: Option<u64>,
    /// Its size on the source when its load was planned; `bytes` once those are all there.
    pub(super) bytes_expected: Option<u64>,
    /// How fast it is copied; `None` while it is not.
    pub(super) rate: Option<Rate>,
    /// Rows inserted, updated, deleted; `None` before the first batch with any.
    pub(super) changes: Option<[u64; 3]>,
    /// Why the pipeline goes on without it.
    pub(super) error: Option<String>,
    /// It is part of the load under way, also once it is live: tables come in groups beside the
    /// stream, and what is done of the first counts while the last is waited for.
    pub(super) in_load: bool,
}

impl TableFacts {
    pub(super) fn new(state: TableState) -> Self {
        TableFacts {
            state,
            rows: 0,
            bytes: None,
            bytes_expected: None,
            rate: None,
            changes: None,
            error: None,
            in_load: false,
        }
    }

    pub(super) fn changed(&mut self, counts: [u64; 3]) {
        let changes = self.changes.get_or_insert_default();
        for (sum, count) in changes.iter_mut().zip(counts) {
            *sum += count;
        }
    }

    /// All of it was copied, so that is what was to be expected.
    pub(super) fn copied(&mut self) {
        self.bytes_expected = self.bytes;
    }

    /// Looks at how far its load is.
    pub(super) fn note_rate(&mut self, now: Instant) -> (u64, Work) {
        let (bytes, work) = (self.bytes.unwrap_or(0), self.work());
        if self.state == TableState::Copying {
            let rate = self.rate.get_or_insert_default();
            rate.note(now, bytes, work.done);
        } else {
            self.rate = None;
        }
        (bytes, work)
    }

    fn work(&self) -> Work {
        let expected = self.bytes_expected.unwrap_or(0);
        Work::of(self.state, self.bytes.unwrap_or(0), expected)
    }

    pub(super) fn status(&self, name: &TableName) -> Table {
        let work = self.work();
        let copying = self.state == TableState::Copying;
        let rate = self.rate.as_ref().filter(|_| copying);
        Table {
            schema: name.schema.clone(),
            table: name.name.clone(),
            state: self.state,
            rows: self.rows,
            bytes: self.bytes.unwrap_or(0),
            bytes_expected: self.bytes_expected.unwrap_or(0),
            percent: work.percent(),
            bytes_per_second: rate.and_then(Rate::bytes_per_second),
            remaining_seconds: rate.and_then(|rate| rate.seconds_for(work.left())),
            changes: self.changes.unwrap_or_default().iter().sum(),
            error: self.error.clone(),
            in_load: self.in_load,
        }
    }
}

/// Adds the tables' series in the text exposition format.
pub(super) fn render(tables: &Tables, text: &mut String) {
    family(text, tables, "walferry_table_state", |series, facts| {
        for state in TableState::ALL {
            let now = u8::from(state == facts.state);
            series.line(&format_args!(",state=\"{state}\""), now);
        }
    });
    family(text, tables, "walferry_snapshot_rows", |series, facts| {
        if facts.bytes.is_some() {
            series.line(&"", facts.rows);
        }
    });
    family(text, tables, "walferry_snapshot_bytes", |series, facts| {
        if let Some(bytes) = facts.bytes {
            series.line(&"", bytes);
        }
    });
    let expected = "walferry_snapshot_bytes_expected";
    family(text, tables, expected, |series, facts| {
        if let Some(bytes) = facts.bytes_expected {
            series.line(&"", bytes);
        }
    });
    let changes = "walferry_table_changes_total";
    family(text, tables, changes, |series, facts| {
        let counts = facts.changes.into_iter().flatten();
        for (op, count) in ["insert", "update", "delete"].iter().zip(counts) {
            series.line(&format_args!(",op=\"{op}\""), count);
        }
    });
}

/// One metric of all tables; its help and type come before its first series.
fn family(
    text: &mut String,
    tables: &Tables,
    metric: &'static str,
    write: impl Fn(&mut Series<'_>, &TableFacts),
) {
    let mut announced = false;
    for (name, facts) in tables {
        let mut series = Series {
            text: &mut *text,
            metric,
            name,
            announced: &mut announced,
        };
        write(&mut series, facts);
    }
}

struct Series<'a> {
    text: &'a mut String,
    metric: &'static str,
    name: &'a TableName,
    announced: &'a mut bool,
}

impl Series<'_> {
    fn line(&mut self, more_labels: &dyn Display, value: impl Display) {
        if !std::mem::replace(self.announced, true) {
            let (shape, help) = describe(self.metric);
            let kind = match shape {
                Shape::Counter => "counter",
                Shape::Gauge => "gauge",
                Shape::Histogram => "histogram",
            };
            let metric = self.metric;
            // writing to a String does not fail
            let _ = writeln!(self.text, "# HELP {metric} {help}\n# TYPE {metric} {kind}");
        }
        self.text.push_str(self.metric);
        self.text.push_str("{schema=\"");
        escape(self.text, &self.name.schema);
        self.text.push_str("\",table=\"");
        escape(self.text, &self.name.name);
        let _ = writeln!(self.text, "\"{more_labels}}} {value}");
    }
}

/// As the exposition format has it.
fn escape(text: &mut String, name: &str) {
    for character in name.chars() {
        match character {
            '\\' => text.push_str(r"\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str(r"\n"),
            other => text.push(other),
        }
    }
}
