//! preflight → start (slot, checkpoint, initial load) → stream → drain, and again after a fault, or
//! when what is followed changes.
//!
//! ```text
//! run ─▶ preflight ─▶ ┌─ start ─▶ stream ─▶ drained: done
//!                     └── retry after a pause ◀── error ──▶ halt: exit code 4
//! ```
//!
//! Each round starts from what the destination's checkpoint says and holds no state of the round
//! before it: whatever failed, the way back is the same. Only one that nothing was wrong with, and
//! that stands between two transactions with all before them applied, leaves its stream and its
//! lock to the next.

mod ahead;
mod alignment;
mod applier;
mod aside;
mod emptied;
mod feed;
mod figures;
mod flow;
mod groups;
mod intake;
mod joiners;
mod known;
mod loading;
pub mod locked;
mod lost_slot;
mod misfits;
mod pace;
mod partitions;
pub mod preflight;
mod publications;
mod quarantine;
mod reaction;
mod reading;
mod reshape;
mod rollbacks;
mod routes;
mod start;
mod stream;
mod tablesync;
mod take_over;
mod types;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

pub use reaction::{Reaction, reaction};

use emptied::Emptied;
use misfits::Misfits;
use reshape::Keys;
use stream::{Caution, Ended, Kept};
use tablesync::Joining;
use types::Mending;
use watch::Watch;

use crate::catalog::TableName;
use crate::config::{Config, SchemaChanges};
use crate::error::postgres::VALUE_UNKNOWN;
use crate::error::{Error, Kind, Result};
use crate::limits::{BACKOFF_MAX, BACKOFF_MIN, SPOOL_REST};
use crate::observe::{Board, State};

/// Runs the pipeline until `shutdown`, through every fault that may heal.
///
/// # Errors
/// The first failure that needs an operator.
pub async fn run(config: Config, board: Board, shutdown: CancellationToken) -> Result<()> {
    let config = Arc::new(config);
    let mut pauses = pauses();
    let mut progress = Progress::default();
    while !shutdown.is_cancelled() {
        let began = Instant::now();
        let outcome = round(&config, &board, &shutdown, &mut progress).await;
        if began.elapsed() > BACKOFF_MAX {
            // It was healthy: what ends it is new, and older misfits are behind us.
            pauses = self::pauses();
            let position = match &outcome {
                Ok(Ended::Drained) => None,
                Ok(Ended::Paused(_, reason)) | Err(reason) => reason.position(),
            };
            progress.misfits.forget_all_but(position);
            progress.lacking = None;
        }
        let error = match outcome {
            Ok(Ended::Drained) => break,
            Ok(Ended::Paused(kept, reason)) => {
                tracing::info!(%reason, "looking at the catalogs again");
                progress.kept = Some(*kept);
                continue;
            }
            Err(error) => locked::named(&config.source.endpoint, error).await,
        };
        board.error(&error);
        match reaction(error.kind()) {
            // The catalogs were read when the round began.
            Reaction::Halt if progress.may_mend(&config, &error) => {
                tracing::info!(reason = %error, "starting again");
                continue;
            }
            Reaction::Halt if progress.may_go_on_without(&config, &error) => {
                report_quarantine(&error);
                progress.faulty = Some(error);
                continue;
            }
            Reaction::Halt if progress.may_heal(&config, &error) => {}
            Reaction::Halt => {
                report_halt(&error);
                board.state(State::Halted);
                return Err(error);
            }
            Reaction::StartAgain => {
                progress.start_again(&error);
                continue;
            }
            Reaction::Retry => {}
        }
        // a question may still wait for its answer there
        progress.catalog = None;
        if let Some(side) = error.side() {
            board.reconnect(side);
        }
        let pause = pauses.next().unwrap_or(BACKOFF_MAX);
        report_retry(&error, pause);
        board.state(State::Retrying);
        if !wait(&board, pause, &shutdown).await {
            break;
        }
    }
    if let Some(kept) = progress.kept {
        kept.inlet.close().await;
    }
    board.state(State::Stopped);
    Ok(())
}

/// What earlier rounds got done.
#[derive(Default)]
struct Progress {
    /// Preflight found no failure.
    checked: bool,
    /// The writer lock was ours.
    started: bool,
    /// Where the shape of a table or a type did not fit.
    misfits: Misfits,
    /// The table that a row did not fit even then: the next start has it loaded again.
    misfit: Option<String>,
    /// An error of one table: the next start goes on without that.
    faulty: Option<Error>,
    /// The table that it names, until that is done.
    quarantining: Option<String>,
    /// A table of which the source seemed to have sent too little.
    lacking: Option<String>,
    /// Tables that the source emptied.
    emptied: Emptied,
    /// Types that changed.
    mending: Mending,
    /// Transactions are applied one by one at first, to find the one that does not fit.
    careful: bool,
    /// The session that asks the source's catalogs, while nothing is wrong with it.
    catalog: Option<Arc<Client>>,
    /// Keys that wait for what was written before them.
    keys: Keys,
    /// The stream and the lock of a round that nothing was wrong with.
    kept: Option<Kept>,
    /// When the spool could not take a large transaction.
    spool_failed_at: Option<Instant>,
    /// When a transaction could not be applied ahead of its commit.
    ahead_failed_at: Option<Instant>,
}

impl Progress {
    /// The source is to send large transactions before they commit.
    fn takes_transactions_in_progress(&self, config: &Config) -> bool {
        config.apply.spool_bytes_max > 0 && self.spool_failed_at.is_none_or(has_rested)
    }

    /// The sessions of our own last round may take a moment to end, and the next start sees what
    /// became of the slot.
    fn may_heal(&self, config: &Config, error: &Error) -> bool {
        let ours = self.started && error.kind() == Kind::AlreadyRunning;
        ours || (self.checked && lost_slot::may_have_gone(config, error))
    }

    /// Takes note of what is not to be tried again for a while.
    fn start_again(&mut self, error: &Error) {
        let now = Some(Instant::now());
        match error.kind() {
            Kind::Spool => {
                self.spool_failed_at = now;
                return report_spool(error);
            }
            Kind::Ahead => self.ahead_failed_at = now,
            _ => {}
        }
        tracing::info!(reason = %error, "starting again");
    }

    /// Whether starting again can mend the failure: with the catalogs as they are now, by finding
    /// the one transaction that does not fit, or in the end by loading the table again.
    fn may_mend(&mut self, config: &Config, error: &Error) -> bool {
        // The publication may send other rows than it did, or a partition may have come or gone:
        // a start sees that, and has the table loaded again.
        let of_a_row = match error.kind() {
            Kind::Diverged => true,
            Kind::ShapeMismatch => error.position().is_some(),
            // changes that contradict each other: rows went with their partition in between
            Kind::Protocol => error.about_table().is_some(),
            _ => false,
        };
        if of_a_row {
            let table = error.about_table().map(str::to_owned);
            let first = table.is_some() && table != self.lacking;
            self.lacking = table;
            return first;
        }
        if !matches!(error.kind(), Kind::SchemaChanged | Kind::Refused) {
            return false;
        }
        if std::mem::take(&mut self.mending.changed) {
            self.misfits.begin_again();
        }
        let value_unknown = error.sqlstate() == Some(VALUE_UNKNOWN);
        let in_a_load = error.position().is_none();
        if value_unknown && self.mending.due.is_some() && (self.careful || in_a_load) {
            self.mending.now = true;
            self.careful = false;
            return true;
        }
        self.careful = value_unknown;
        self.misfits.may_read_again(error.position()) || self.may_mend_by_loading(config, error)
    }

    /// Tables that are loaded again are no longer those that the source sent too little of.
    fn forget_lacking(&mut self, joining: &[Joining]) {
        let is = |table: &TableName, name: &str| table.to_string() == name;
        self.lacking = self.lacking.take().filter(|name| {
            let mut joining = joining.iter();
            !joining.any(|joining| is(&joining.table.name, name) || is(&joining.place, name))
        });
    }

    /// The error is of one table, and that can be named in the bookkeeping.
    fn may_go_on_without(&mut self, config: &Config, error: &Error) -> bool {
        let table = error.about_table().map(str::to_owned);
        let may = self.checked && quarantine::is_of_one_table(config, error);
        let may = may && table != self.quarantining;
        if may {
            self.quarantining = table;
        }
        may
    }

    fn may_mend_by_loading(&mut self, config: &Config, error: &Error) -> bool {
        let follow = config.schema_changes != SchemaChanges::Halt;
        let by_shape = error.kind() == Kind::SchemaChanged && error.sqlstate().is_none();
        let Some(table) = error.about_table().filter(|_| follow && by_shape) else {
            return false;
        };
        let may = self.misfits.may_load_again(table, error.position());
        if may {
            self.misfit = Some(table.to_owned());
        }
        may
    }
}

/// What failed then may be tried again.
fn has_rested(failed_at: Instant) -> bool {
    failed_at.elapsed() > SPOOL_REST
}

/// One life of all connections: start, stream, drain.
async fn round(
    config: &Arc<Config>,
    board: &Board,
    shutdown: &CancellationToken,
    progress: &mut Progress,
) -> Result<Ended> {
    if !progress.checked {
        board.state(State::Preflight);
        let findings = tokio::select! {
            findings = turning(board, preflight::findings(config)) => findings?,
            () = shutdown.cancelled() => return Ok(Ended::Drained),
        };
        if let Some(failure) = preflight::first_failure(&findings) {
            return Err(failure);
        }
        progress.checked = true;
    }
    // Also during the initial load: the slot may run out of WAL meanwhile.
    let watch = Watch::start(config, board.clone());
    let started = tokio::select! {
        started = turning(board, Box::pin(start::start(config, board, progress))) => started?,
        () = shutdown.cancelled() => return Ok(Ended::Drained),
    };
    progress.started = true;
    // they stand in the bookkeeping now
    (progress.misfit, progress.quarantining) = (None, None);
    let caution = Caution {
        one_by_one: progress.careful,
        due: progress.mending.due,
        ahead: progress.ahead_failed_at.is_none_or(has_rested),
    };
    let emptied = &mut progress.emptied;
    stream::follow(config, started, caution, &watch, board, shutdown, emptied).await
}

fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(BACKOFF_MIN)
        .with_max_delay(BACKOFF_MAX)
        .with_jitter()
        .without_max_times()
        .build()
        .map(|pause| pause.min(BACKOFF_MAX))
}

/// For the log and what collects it; the command line tells the person at the terminal.
fn report_halt(error: &Error) {
    tracing::error!(
        kind = error.kind().as_str(),
        error = %error,
        hint = error.hint().unwrap_or_default(),
        "halted"
    );
}

/// The pipeline goes on, and an operator has to see to the table.
fn report_quarantine(error: &Error) {
    tracing::error!(
        kind = error.kind().as_str(),
        error = %error,
        hint = error.hint().unwrap_or_default(),
        "a table is quarantined: its copy stands still, the others go on"
    );
}

fn report_retry(error: &Error, pause: Duration) {
    tracing::warn!(
        kind = error.kind().as_str(),
        error = %error,
        hint = error.hint().unwrap_or_default(),
        pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
        "will try again"
    );
}

/// It goes on, with more work for the source.
fn report_spool(error: &Error) {
    tracing::warn!(
        kind = error.kind().as_str(),
        error = %error,
        hint = error.hint().unwrap_or_default(),
        seconds = SPOOL_REST.as_secs(),
        "leaving large transactions to the source"
    );
}

/// Does the work, and shows the watchdog once a second that this task still turns.
async fn turning<T>(board: &Board, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = seconds.tick() => board.loop_turned(),
        }
    }
}

/// Waits; false when told to stop.
async fn wait(board: &Board, pause: Duration, shutdown: &CancellationToken) -> bool {
    board.loop_turned();
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        () = shutdown.cancelled() => false,
    }
}
