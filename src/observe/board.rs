//! The one object that the pipeline reports to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;

use super::identity::Identity;
use super::load::{Load, is_loading};
use super::metrics::{Metrics, StepMeters};
use super::rate::Rate;
use super::status::{Counters, Lag, LastError, Positions, Slot, State, Status, Table, TableState};
use super::tables::{self, TableFacts, Tables};
use crate::catalog::TableName;
use crate::error::{Error, Side};
use crate::limits;
use crate::lsn::Lsn;

/// What one committed batch was made of. Changes are counted as the source sent them, before
/// several changes of one row were folded into one.
#[derive(Clone, Copy, Debug, Default)]
pub struct BatchReport<'a> {
    /// Source transactions in it.
    pub transactions: u64,
    /// Rows inserted.
    pub inserts: u64,
    /// Rows updated.
    pub updates: u64,
    /// Rows deleted.
    pub deletes: u64,
    /// Tables truncated.
    pub truncates: u64,
    /// All of the four above.
    pub changes: u64,
    /// How long each step took; the names become the label `step` of `batch_seconds`.
    pub steps: &'a [(&'static str, Duration)],
    /// Table of the source, rows inserted, rows updated, rows deleted.
    pub tables: &'a [(TableName, u64, u64, u64)],
}

/// Collects what the pipeline reports and answers everybody who asks. A clone is the same board.
///
/// Setters take a lock for about a microsecond and never wait for I/O. Call them per batch, per
/// COPY chunk or per second, never per row.
#[derive(Clone)]
pub struct Board(Arc<Inner>);

struct Inner {
    identity: Identity,
    started: Timestamp,
    born: Instant,
    metrics: Metrics,
    facts: Mutex<Facts>,
    state: watch::Sender<State>,
    // milliseconds since `born`, so that the hot path takes no lock
    loop_turned: AtomicU64,
    source_heard: AtomicU64,
    // milliseconds
    silence_max: AtomicU64,
}

struct Facts {
    since: Timestamp,
    positions: Positions,
    lag_seconds: Option<f64>,
    slot: Slot,
    counters: Counters,
    last_error: Option<LastError>,
    tables: Tables,
    /// Of the load under way.
    rate: Rate,
    steps: StepMeters,
}

impl Board {
    /// A board in the state `Starting`, with metrics of its own.
    pub fn new(identity: Identity) -> Self {
        let started = now();
        let metrics = Metrics::new();
        metrics.state(State::Starting);
        Board(Arc::new(Inner {
            facts: Mutex::new(Facts {
                since: started,
                positions: Positions::default(),
                lag_seconds: None,
                slot: Slot {
                    name: identity.slot.clone(),
                    ..Slot::default()
                },
                counters: Counters::default(),
                last_error: None,
                tables: Tables::new(),
                rate: Rate::default(),
                steps: StepMeters::default(),
            }),
            identity,
            started,
            born: Instant::now(),
            metrics,
            state: watch::Sender::new(State::Starting),
            loop_turned: AtomicU64::new(0),
            source_heard: AtomicU64::new(0),
            silence_max: AtomicU64::new(u64::MAX),
        }))
    }

    /// The pipeline is in this state from now on.
    pub fn state(&self, state: State) {
        let mut facts = self.facts();
        self.loop_turned();
        if self.0.state.send_replace(state) != state {
            facts.since = now();
            facts.rate = Rate::default();
            self.0.metrics.state(state);
        }
    }

    /// Where the pipeline stands in the source's log.
    pub fn positions(&self, received: Lsn, applied: Lsn, confirmed: Lsn, server_end: Lsn) {
        let positions = Positions {
            received,
            applied,
            confirmed,
            server_end,
        };
        self.facts().positions = positions;
        self.0.metrics.positions(positions);
    }

    /// Seconds from a commit on the source to its commit in the destination.
    pub fn lag_seconds(&self, seconds: f64) {
        self.facts().lag_seconds = Some(seconds);
        self.0.metrics.lag_seconds(seconds);
    }

    /// The destination has committed a batch.
    pub fn batch_applied(&self, report: &BatchReport<'_>) {
        let mut facts = self.facts();
        let facts = &mut *facts;
        let sum = &mut facts.counters;
        sum.batches += 1;
        sum.transactions += report.transactions;
        sum.changes += report.changes;
        sum.inserts += report.inserts;
        sum.updates += report.updates;
        sum.deletes += report.deletes;
        sum.truncates += report.truncates;
        self.0.metrics.batch(report, &mut facts.steps);
        for (name, inserts, updates, deletes) in report.tables {
            let table = entry(&mut facts.tables, name, TableState::Live);
            table.changed([*inserts, *updates, *deletes]);
        }
    }

    /// The table is in this state from now on. A table that waits for a load has copied nothing.
    pub fn table_state(&self, name: &TableName, state: TableState) {
        let mut facts = self.facts();
        let table = entry(&mut facts.tables, name, state);
        table.state = state;
        table.error = None;
        table.in_load |= is_loading(state);
        match state {
            TableState::Pending => (table.rows, table.bytes) = (0, Some(0)),
            TableState::Indexing => table.copied(),
            _ => {}
        }
    }

    /// The pipeline goes on without the table, because of this error.
    pub fn table_quarantined(&self, name: &TableName, error: &str) {
        let mut facts = self.facts();
        let table = entry(&mut facts.tables, name, TableState::Quarantined);
        table.state = TableState::Quarantined;
        table.error = Some(error.to_owned());
    }

    /// The size of the table on the source, when its load is planned.
    pub fn table_expected(&self, name: &TableName, bytes: u64) {
        let mut facts = self.facts();
        let table = entry(&mut facts.tables, name, TableState::Pending);
        table.bytes_expected = Some(bytes);
    }

    /// The initial load has copied this much more of the table.
    pub fn table_copied(&self, name: &TableName, bytes_delta: u64, rows_delta: u64) {
        let mut facts = self.facts();
        let table = entry(&mut facts.tables, name, TableState::Copying);
        if table.state == TableState::Pending {
            table.state = TableState::Copying;
        }
        *table.bytes.get_or_insert_default() += bytes_delta;
        table.rows += rows_delta;
    }

    /// Some table waits for its load, or is being loaded. Where none does, the load is over.
    pub(super) fn is_loading(&self) -> bool {
        let mut facts = self.facts();
        let is_loading = facts.tables.values().any(|table| is_loading(table.state));
        if !is_loading {
            let tables = facts.tables.values_mut();
            tables.for_each(|table| table.in_load = false);
        }
        is_loading
    }

    /// What was reported as copied has come to nothing, and will be copied again.
    pub fn table_not_copied(&self, name: &TableName, bytes: u64, rows: u64) {
        let mut facts = self.facts();
        let table = entry(&mut facts.tables, name, TableState::Copying);
        let copied = table.bytes.get_or_insert_default();
        *copied = copied.saturating_sub(bytes);
        table.rows = table.rows.saturating_sub(rows);
    }

    /// The table is loaded, now or in an earlier run, with these totals, and follows the stream.
    pub fn table_done(&self, name: &TableName, rows: u64, bytes: u64) {
        let mut facts = self.facts();
        let table = entry(&mut facts.tables, name, TableState::Live);
        table.state = TableState::Live;
        table.error = None;
        table.bytes = Some(bytes);
        table.rows = rows;
        table.copied();
    }

    /// Looks at how far the load under way is, by which its rate is known. Due several times in a
    /// few seconds while there is one.
    pub(super) fn note_rates(&self) {
        let now = Instant::now();
        let mut facts = self.facts();
        let facts = &mut *facts;
        let (mut bytes, mut work) = (0, 0);
        for table in facts.tables.values_mut() {
            let (copied, of_table) = table.note_rate(now);
            bytes += copied;
            work += of_table.done;
        }
        facts.rate.note(now, bytes, work);
    }

    /// What `pg_replication_slots` says of the slot. `safe_bytes` is `safe_wal_size`: `None` when
    /// the source sets no limit, or when the slot is lost.
    pub fn slot(&self, retained_bytes: u64, safe_bytes: Option<u64>, wal_status: &str) {
        let mut facts = self.facts();
        facts.slot.retained_bytes = Some(retained_bytes);
        facts.slot.safe_bytes = safe_bytes;
        facts.slot.wal_status = Some(wal_status.to_owned());
        #[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
        let safe = match safe_bytes {
            Some(bytes) => bytes as f64,
            None if wal_status == "lost" => 0.0,
            None => f64::INFINITY,
        };
        self.0.metrics.slot(retained_bytes, safe);
    }

    /// What transactions take, in memory and on disk, that came before they were committed.
    pub fn spooled(&self, bytes: u64) {
        self.0.metrics.spooled(bytes);
    }

    /// A lost connection to this side is open again.
    pub fn reconnect(&self, side: Side) {
        self.facts().counters.reconnects += 1;
        self.0.metrics.reconnect(side);
    }

    /// Something failed, whether or not it will be tried again.
    pub fn error(&self, error: &Error) {
        let mut facts = self.facts();
        facts.counters.errors += 1;
        facts.last_error = Some(LastError {
            kind: error.kind().as_str().to_owned(),
            what: error.to_string(),
            remedy: error.hint().map(str::to_owned),
            at: now(),
        });
        self.0.metrics.error(error.kind());
    }

    /// From now on somebody listens to the replication connection, and for no longer than so when
    /// nothing comes.
    pub fn listen_to_source(&self, silence_max: Duration) {
        let most = u64::try_from(silence_max.as_millis()).unwrap_or(u64::MAX);
        self.0.silence_max.store(most, Ordering::Relaxed);
        self.heard_from_source();
    }

    /// Bytes arrived on the replication connection.
    pub fn heard_from_source(&self) {
        self.0.source_heard.store(self.clock(), Ordering::Relaxed);
    }

    /// The pipeline's loop has come round; due in every state, far more often than
    /// [`limits::LOOP_SILENCE_MAX`].
    pub fn loop_turned(&self) {
        self.0.loop_turned.store(self.clock(), Ordering::Relaxed);
    }

    /// Everything, for `/status`.
    pub fn status(&self) -> Status {
        let identity = &self.0.identity;
        let facts = self.facts();
        let state = self.current_state();
        let tables = facts.tables.iter();
        let tables: Vec<Table> = tables.map(|(name, table)| table.status(name)).collect();
        let known = facts.positions.server_end != Lsn::ZERO;
        let behind = facts
            .positions
            .server_end
            .bytes_since(facts.positions.applied);
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pipeline: identity.pipeline.clone(),
            state,
            since: facts.since,
            started: self.0.started,
            source: identity.source.clone(),
            destination: identity.destination.clone(),
            publication: identity.publication.clone(),
            positions: facts.positions,
            lag: Lag {
                bytes: known.then_some(behind),
                seconds: facts.lag_seconds,
            },
            slot: facts.slot.clone(),
            counters: facts.counters,
            last_error: facts.last_error.clone(),
            load: Load::under_way(state, &tables, &facts.rate),
            tables,
        }
    }

    /// The state that the pipeline is in.
    pub fn current_state(&self) -> State {
        *self.0.state.borrow()
    }

    /// Wakes whoever waits for a change of state.
    pub(super) fn watch_state(&self) -> watch::Receiver<State> {
        self.0.state.subscribe()
    }

    /// `Err` with the reason when a supervisor had better restart the daemon: the loop is stuck,
    /// the wire has been silent for too long, or the pipeline has halted.
    pub fn health(&self) -> std::result::Result<(), String> {
        self.health_at(self.clock())
    }

    fn health_at(&self, now: u64) -> std::result::Result<(), String> {
        let state = self.current_state();
        if state == State::Halted {
            return Err("the pipeline has halted and needs an operator, see /status".to_owned());
        }
        let since = |heard: &AtomicU64| now.saturating_sub(heard.load(Ordering::Relaxed));
        let stuck = Duration::from_millis(since(&self.0.loop_turned));
        if stuck > limits::LOOP_SILENCE_MAX {
            let seconds = stuck.as_secs();
            return Err(format!("the loop has not turned for {seconds} s"));
        }
        let silent = since(&self.0.source_heard);
        if state == State::Streaming && silent > self.0.silence_max.load(Ordering::Relaxed) {
            let seconds = silent / 1_000;
            return Err(format!("the source has not been heard for {seconds} s"));
        }
        Ok(())
    }

    /// All metrics in Prometheus' text format.
    pub fn render_metrics(&self) -> String {
        let mut text = self.0.metrics.render();
        tables::render(&self.facts().tables, &mut text);
        text
    }

    /// Folds recorded samples into their buckets, so that they do not pile up between scrapes.
    pub fn drain_histograms(&self) {
        self.0.metrics.drain_histograms();
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        // a panic elsewhere leaves numbers that are at worst one report old
        self.0.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clock(&self) -> u64 {
        u64::try_from(self.0.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn entry<'t>(tables: &'t mut Tables, name: &TableName, state: TableState) -> &'t mut TableFacts {
    tables
        .entry(name.clone())
        .or_insert_with(|| TableFacts::new(state))
}

/// Whole milliseconds: nobody wants nine digits in a JSON that people read.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

#[cfg(test)]
mod tests;
