//! The Prometheus side of the [`super::Board`]: every metric's name, help and handle.
//!
//! Series of tables are not here but in [`super::tables`]. The recorder is the board's own, not the
//! process's, so that two pipelines (or two tests) in one process do not mix. docs/metrics.md says
//! what each metric means and when to alert.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use super::board::BatchReport;
use super::status::{Positions, State};
use crate::error::{Kind, Side};

const BATCH_SECONDS: &str = "walferry_batch_seconds";
const BATCH_CHANGES: &str = "walferry_batch_changes";

const SECONDS_BUCKETS: [f64; 15] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
const CHANGES_BUCKETS: [f64; 11] = [1.0, 10.0, 100.0, 1e3, 5e3, 1e4, 2.5e4, 5e4, 1e5, 2.5e5, 1e6];

pub(super) enum Shape {
    Counter,
    Gauge,
    Histogram,
}

/// Every metric there is: name, type, help. docs/metrics.md is checked against it.
pub(super) const CATALOGUE: &[(&str, Shape, &str)] = &[
    (
        "walferry_lag_bytes",
        Shape::Gauge,
        "Bytes of the source's log that are not yet received, applied or confirmed.",
    ),
    (
        "walferry_lag_seconds",
        Shape::Gauge,
        "Seconds from a commit on the source until the destination shows it.",
    ),
    (
        "walferry_pipeline_state",
        Shape::Gauge,
        "1 for the state that the pipeline is in, 0 for the others.",
    ),
    (
        "walferry_table_state",
        Shape::Gauge,
        "1 for the state that the table is in, 0 for the others.",
    ),
    (
        "walferry_changes_total",
        Shape::Counter,
        "Changes committed in the destination.",
    ),
    (
        "walferry_table_changes_total",
        Shape::Counter,
        "Row changes committed in the destination, by table of the source.",
    ),
    (
        "walferry_transactions_total",
        Shape::Counter,
        "Source transactions committed in the destination.",
    ),
    (
        BATCH_SECONDS,
        Shape::Histogram,
        "Seconds that one batch spent in a step of being applied.",
    ),
    (
        BATCH_CHANGES,
        Shape::Histogram,
        "Changes that were folded into one batch.",
    ),
    (
        "walferry_snapshot_rows",
        Shape::Gauge,
        "Rows that the table's initial load has copied.",
    ),
    (
        "walferry_snapshot_bytes",
        Shape::Gauge,
        "Bytes of COPY data that the table's initial load has copied.",
    ),
    (
        "walferry_snapshot_bytes_expected",
        Shape::Gauge,
        "Bytes that the table's load will copy; its size on the source, until they are known.",
    ),
    (
        "walferry_slot_retained_bytes",
        Shape::Gauge,
        "Bytes of log that the source keeps for the slot.",
    ),
    (
        "walferry_slot_safe_bytes",
        Shape::Gauge,
        "Bytes of log that may still be written before the slot may be lost; +Inf without a limit.",
    ),
    (
        "walferry_spool_bytes",
        Shape::Gauge,
        "Bytes of transactions that came before they were committed and are not applied yet.",
    ),
    (
        "walferry_reconnects_total",
        Shape::Counter,
        "Connections that were lost and opened again.",
    ),
    (
        "walferry_errors_total",
        Shape::Counter,
        "Errors, healed or not, by kind.",
    ),
    (
        "walferry_build_info",
        Shape::Gauge,
        "Always 1; the version is the label.",
    ),
    (
        "process_start_time_seconds",
        Shape::Gauge,
        "When the daemon started, in seconds since the Unix epoch.",
    ),
];

/// Type and help of a metric of the catalogue.
pub(super) fn describe(metric: &str) -> (&'static Shape, &'static str) {
    let found = CATALOGUE.iter().find(|(name, ..)| *name == metric);
    found.map_or((&Shape::Gauge, ""), |(_, shape, help)| (shape, help))
}

const METADATA: Metadata<'static> = Metadata::new("walferry", Level::INFO, None);

/// The handles of one board, and the recorder behind them.
pub(super) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    /// Held while figures change that belong together, and while they are read.
    scrape: Mutex<()>,
    lag_received: Gauge,
    lag_applied: Gauge,
    lag_confirmed: Gauge,
    // These three appear with their first value: 0 would claim that all is well.
    lag_seconds: OnceLock<Gauge>,
    slot_retained: OnceLock<Gauge>,
    slot_safe: OnceLock<Gauge>,
    spool: Gauge,
    states: [Gauge; State::ALL.len()],
    transactions: Counter,
    inserts: Counter,
    updates: Counter,
    deletes: Counter,
    truncates: Counter,
    batch_changes: Histogram,
    reconnects_source: Counter,
    reconnects_destination: Counter,
}

/// The handles of `batch_seconds`, by step.
pub(super) type StepMeters = HashMap<&'static str, Histogram, foldhash::fast::RandomState>;

impl Metrics {
    pub(super) fn new() -> Self {
        // the buckets are constants and not empty; without them summaries would do
        let recorder = builder().unwrap_or_default().build_recorder();
        for (name, shape, help) in CATALOGUE {
            let (name, help) = ((*name).into(), (*help).into());
            match shape {
                Shape::Counter => recorder.describe_counter(name, None, help),
                Shape::Gauge => recorder.describe_gauge(name, None, help),
                Shape::Histogram => recorder.describe_histogram(name, None, help),
            }
        }
        let one = Maker(&recorder);
        let changes = |op| one.counter("walferry_changes_total", vec![Label::new("op", op)]);
        let lag = |stage| one.gauge("walferry_lag_bytes", vec![Label::new("stage", stage)]);
        let reconnects = |side: Side| {
            let label = Label::new("endpoint", side.as_str());
            one.counter("walferry_reconnects_total", vec![label])
        };
        let version = Label::new("version", env!("CARGO_PKG_VERSION"));
        one.gauge("walferry_build_info", vec![version]).set(1.0);
        one.gauge("process_start_time_seconds", vec![])
            .set(unix_seconds());
        Metrics {
            scrape: Mutex::new(()),
            lag_received: lag("received"),
            lag_applied: lag("applied"),
            lag_confirmed: lag("confirmed"),
            lag_seconds: OnceLock::new(),
            slot_retained: OnceLock::new(),
            slot_safe: OnceLock::new(),
            spool: one.gauge("walferry_spool_bytes", vec![]),
            states: State::ALL.map(|state| {
                let label = Label::new("state", state.as_str());
                one.gauge("walferry_pipeline_state", vec![label])
            }),
            transactions: one.counter("walferry_transactions_total", vec![]),
            inserts: changes("insert"),
            updates: changes("update"),
            deletes: changes("delete"),
            truncates: changes("truncate"),
            batch_changes: one.histogram(BATCH_CHANGES, vec![]),
            reconnects_source: reconnects(Side::Source),
            reconnects_destination: reconnects(Side::Destination),
            handle: recorder.handle(),
            recorder,
        }
    }

    /// The text exposition format, version 0.0.4.
    pub(super) fn render(&self) -> String {
        let _together = self.scrape.lock();
        self.handle.render()
    }

    pub(super) fn drain_histograms(&self) {
        self.handle.run_upkeep();
    }

    pub(super) fn state(&self, now: State) {
        for (state, gauge) in State::ALL.iter().zip(&self.states) {
            gauge.set(flag(*state == now));
        }
    }

    pub(super) fn positions(&self, at: Positions) {
        let behind = |position| float(at.server_end.bytes_since(position));
        let _together = self.scrape.lock();
        self.lag_received.set(behind(at.received));
        self.lag_applied.set(behind(at.applied));
        self.lag_confirmed.set(behind(at.confirmed));
    }

    pub(super) fn lag_seconds(&self, seconds: f64) {
        self.lag_seconds
            .get_or_init(|| Maker(&self.recorder).gauge("walferry_lag_seconds", vec![]))
            .set(seconds);
    }

    pub(super) fn slot(&self, retained_bytes: u64, safe_bytes: f64) {
        let one = Maker(&self.recorder);
        self.slot_retained
            .get_or_init(|| one.gauge("walferry_slot_retained_bytes", vec![]))
            .set(float(retained_bytes));
        self.slot_safe
            .get_or_init(|| one.gauge("walferry_slot_safe_bytes", vec![]))
            .set(safe_bytes);
    }

    pub(super) fn spooled(&self, bytes: u64) {
        self.spool.set(float(bytes));
    }

    pub(super) fn batch(&self, report: &BatchReport<'_>, steps: &mut StepMeters) {
        self.transactions.increment(report.transactions);
        self.inserts.increment(report.inserts);
        self.updates.increment(report.updates);
        self.deletes.increment(report.deletes);
        self.truncates.increment(report.truncates);
        self.batch_changes.record(float(report.changes));
        for (step, took) in report.steps {
            steps
                .entry(step)
                .or_insert_with(|| {
                    Maker(&self.recorder).histogram(BATCH_SECONDS, vec![Label::new("step", *step)])
                })
                .record(Duration::as_secs_f64(took));
        }
    }

    pub(super) fn reconnect(&self, side: Side) {
        match side {
            Side::Source => self.reconnects_source.increment(1),
            Side::Destination => self.reconnects_destination.increment(1),
        }
    }

    /// Looked up each time: errors are rare.
    pub(super) fn error(&self, kind: Kind) {
        let label = Label::new("kind", kind.as_str());
        Maker(&self.recorder)
            .counter("walferry_errors_total", vec![label])
            .increment(1);
    }
}

/// Registers on one recorder, instead of the process-wide one that the macros use.
#[derive(Clone, Copy)]
struct Maker<'a>(&'a PrometheusRecorder);

impl Maker<'_> {
    fn counter(self, name: &'static str, labels: Vec<Label>) -> Counter {
        let counter = self
            .0
            .register_counter(&Key::from_parts(name, labels), &METADATA);
        counter.absolute(0);
        counter
    }

    fn gauge(self, name: &'static str, labels: Vec<Label>) -> Gauge {
        self.0
            .register_gauge(&Key::from_parts(name, labels), &METADATA)
    }

    fn histogram(self, name: &'static str, labels: Vec<Label>) -> Histogram {
        self.0
            .register_histogram(&Key::from_parts(name, labels), &METADATA)
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let exactly = |name: &str| Matcher::Full(name.to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(exactly(BATCH_SECONDS), &SECONDS_BUCKETS)?
        .set_buckets_for_metric(exactly(BATCH_CHANGES), &CHANGES_BUCKETS)
}

fn unix_seconds() -> f64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

fn flag(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus knows no other number; exact up to 8 PiB"
)]
fn float(number: u64) -> f64 {
    number as f64
}
