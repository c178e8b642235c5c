//! preflight → start (slot, checkpoint, initial load) → stream → drain, and again after a fault.
//!
//! ```text
//! run ─▶ preflight ─▶ ┌─ start ─▶ stream ─▶ drained: done
//!                     └── retry after a pause ◀── error ──▶ halt: exit code 4
//! ```
//!
//! Each round starts from what the destination's checkpoint says and holds no state of the round
//! before it: whatever failed, the way back is the same.

mod alignment;
mod applier;
mod figures;
mod flow;
mod intake;
mod joiners;
mod loading;
pub mod preflight;
mod reaction;
mod reshape;
mod routes;
mod start;
mod stream;
mod tablesync;
mod take_over;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio_util::sync::CancellationToken;

pub use reaction::{Reaction, reaction};

use watch::Watch;

use crate::config::{Config, SchemaChanges};
use crate::error::{Error, Kind, Result};
use crate::limits::{BACKOFF_MAX, BACKOFF_MIN};
use crate::lsn::Lsn;
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
        let error = match outcome {
            Ok(()) => break,
            Err(error) => error,
        };
        board.error(&error);
        match reaction(error.kind()) {
            // The catalogs were read when the round began.
            Reaction::Halt if progress.may_mend(&config, &error) => {
                tracing::info!(reason = %error, "starting again");
                continue;
            }
            // The sessions of our own last round may take a moment to end.
            Reaction::Halt if progress.started && error.kind() == Kind::AlreadyRunning => {}
            Reaction::Halt => {
                report_halt(&error);
                board.state(State::Halted);
                return Err(error);
            }
            Reaction::StartAgain => {
                tracing::info!(reason = %error, "starting again");
                continue;
            }
            Reaction::Retry => {}
        }
        if let Some(side) = error.side() {
            board.reconnect(side);
        }
        // A round that ran for a while was healthy: its end is a new fault, not the old one.
        if began.elapsed() > BACKOFF_MAX {
            pauses = self::pauses();
        }
        let pause = pauses.next().unwrap_or(BACKOFF_MAX);
        report_retry(&error, pause);
        board.state(State::Retrying);
        if !wait(&board, pause, &shutdown).await {
            break;
        }
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
    /// Where a row did not fit its table, before the catalogs were read once more.
    misfit_at: Option<Lsn>,
    /// The table that a row did not fit even then: it is to be loaded again.
    misfit: Option<String>,
}

impl Progress {
    /// Whether starting again can mend the failure: at first with the catalogs as they are now,
    /// then by loading the table again, each once for a position.
    fn may_mend(&mut self, config: &Config, error: &Error) -> bool {
        let by_reading = matches!(error.kind(), Kind::SchemaChanged | Kind::Refused);
        let Some(at) = error.position().filter(|_| by_reading) else {
            return false;
        };
        if self.misfit_at != Some(at) {
            self.misfit_at = Some(at);
            self.misfit = None;
            return true;
        }
        let by_loading = error.kind() == Kind::SchemaChanged
            && config.schema_changes == SchemaChanges::Follow
            && self.misfit.is_none();
        if by_loading {
            self.misfit = error.about_table().map(str::to_owned);
        }
        by_loading && self.misfit.is_some()
    }
}

/// One life of all connections: start, stream, drain.
async fn round(
    config: &Arc<Config>,
    board: &Board,
    shutdown: &CancellationToken,
    progress: &mut Progress,
) -> Result<()> {
    if !progress.checked {
        board.state(State::Preflight);
        let findings = tokio::select! {
            findings = turning(board, preflight::findings(config)) => findings?,
            () = shutdown.cancelled() => return Ok(()),
        };
        if let Some(failure) = preflight::first_failure(&findings) {
            return Err(failure);
        }
        progress.checked = true;
    }
    // Also during the initial load: the slot may run out of WAL meanwhile.
    let watch = Watch::start(config, board.clone());
    let misfit = progress.misfit.as_deref();
    let started = tokio::select! {
        started = turning(board, start::start(config, board, misfit)) => started?,
        () = shutdown.cancelled() => return Ok(()),
    };
    progress.started = true;
    stream::follow(config, started, &watch, board, shutdown).await
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

fn report_retry(error: &Error, pause: Duration) {
    tracing::warn!(
        kind = error.kind().as_str(),
        error = %error,
        hint = error.hint().unwrap_or_default(),
        pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
        "will try again"
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
