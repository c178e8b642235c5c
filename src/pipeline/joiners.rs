//! The tables that are loaded beside the stream, as the stream sees them.
//!
//! ```text
//! load ─▶ near: the stream holds ─▶ there, both at the same position ─▶ the stream stays: done
//!   ▲                       └── not in time                                       │
//!   │                           somebody reads an old copy ◀──────────────────────┘
//!   │                           then the stream goes on, and holds again later
//!   └── a fault that may heal: again after a pause, while the stream goes on
//! ```
//!
//! Once it stays, the stream does not go on before it knows what became of the tables.
//!
//! A round that ends because another table has another shape leaves the load to the next. That goes
//! on with it if it still wants these tables as they were, and goes on with the same stream: one
//! that is opened again comes from before where the load was told that the stream is.

use std::sync::Arc;

use tokio::time::{Duration, Instant};

use super::flow::Flow;
use super::stream::start_again;
use super::tablesync::{Joining, News, Tablesync};
use super::{Reaction, pauses, reaction, report_retry};
use crate::catalog::types::Types;
use crate::checkpoint::Loader;
use crate::config::Config;
use crate::error::{Error, Kind, Result, Side};
use crate::limits::{BACKOFF_MAX, TABLESYNC_HOLD_MAX, TABLESYNC_HOLD_MIN};
use crate::lsn::Lsn;
use crate::observe::{Board, TableState};

/// `object_not_in_prerequisite_state`, by which a source says that it has removed log that the slot
/// needs (`max_slot_wal_keep_size`).
const SLOT_GIVEN_UP: &str = "55000";

/// None, or some that are loaded together.
pub(super) struct Joiners {
    config: Arc<Config>,
    board: Board,
    loader: Loader,
    types: Arc<Types>,
    tables: Vec<Joining>,
    sync: Option<Tablesync>,
    began: Instant,
    /// When to begin again after a fault.
    again_at: Option<Instant>,
    pauses: Box<dyn Iterator<Item = Duration> + Send + Sync>,
    /// The stream holds here for them, since then.
    held: Option<(Lsn, Instant)>,
    /// How often the stream has waited in vain.
    turn: u32,
    /// It stays there until the tables are in their places, or say that they will not be.
    stays: bool,
}

impl Joiners {
    pub(super) fn new(
        config: &Arc<Config>,
        flow: &Flow<'_>,
        tables: Vec<Joining>,
        types: Arc<Types>,
        loader: Loader,
        board: &Board,
    ) -> Self {
        let mut joiners = Joiners {
            config: Arc::clone(config),
            board: board.clone(),
            loader,
            types,
            tables,
            sync: None,
            began: Instant::now(),
            again_at: None,
            pauses: Box::new(pauses()),
            held: None,
            turn: 0,
            stays: false,
        };
        if !joiners.is_idle() {
            joiners.begin(flow);
        }
        joiners
    }

    /// There are none.
    pub(super) fn is_idle(&self) -> bool {
        self.tables.is_empty()
    }

    /// They are among the tables that are to be loaded, as they were when that began.
    pub(super) fn are_among(&self, joining: &[Joining]) -> bool {
        let is_there = |table: &Joining| joining.iter().any(|joining| joining.is(table));
        self.sync.is_some() && self.tables.iter().all(is_there)
    }

    /// Another round goes on with them.
    pub(super) fn go_on_with(self, types: Arc<Types>, loader: Loader) -> Self {
        Joiners {
            loader,
            types,
            ..self
        }
    }

    /// Those that are loaded.
    pub(super) fn tables(&self) -> &[Joining] {
        &self.tables
    }

    /// The stream holds for them, so that it cannot be left.
    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// The stream has stopped before it came to where it was to hold.
    pub(super) fn stopped(&mut self) {
        if self.held.take().is_some() {
            self.turn += 1;
        }
    }

    fn begin(&mut self, flow: &Flow<'_>) {
        self.began = Instant::now();
        self.again_at = None;
        for joining in &self.tables {
            self.board
                .table_state(&joining.table.name, TableState::Pending);
        }
        let (tables, loader) = (self.tables.clone(), self.loader.clone());
        let types = Arc::clone(&self.types);
        let at = flow.received_for_good();
        self.sync = Some(Tablesync::start(
            &self.config,
            tables,
            types,
            loader,
            &self.board,
            at,
        ));
    }

    /// Waits for news of them; for ever when there are none.
    pub(super) async fn news(&mut self) -> Result<News> {
        let patience = self.held.filter(|_| !self.stays);
        let patience = patience.map(|(_, since)| since + hold_max(self.turn));
        match (&mut self.sync, self.again_at) {
            (Some(sync), _) => tokio::select! {
                news = sync.news() => news,
                () = until(patience) => Ok(News::Late),
            },
            (None, again_at) => {
                until(again_at).await;
                Ok(News::Again)
            }
        }
    }

    /// Does what the news are about; an error only when it will not heal by itself.
    pub(super) fn note(&mut self, news: Result<News>, flow: &mut Flow<'_>) -> Result<()> {
        match news {
            Ok(News::Near) if self.held.is_none() => {
                let lsn = flow.hold();
                tracing::debug!(%lsn, "the stream holds for tables beside it");
                self.held = Some((lsn, Instant::now()));
            }
            Ok(News::There(turn)) if self.held.is_some() && turn == self.turn => self.stays = true,
            // there, where the stream has just left
            Ok(News::Near | News::There(_)) => {}
            Ok(News::Late) => {
                tracing::info!("tables beside the stream did not catch up in time: it goes on");
                self.release(flow);
            }
            Ok(News::Later) => self.release(flow),
            Ok(News::Done) => {
                (self.sync, self.held) = (None, None);
                return Err(start_again());
            }
            Ok(News::Again) => self.begin(flow),
            // a start reads what became of them
            Err(error) if self.stays => {
                (self.sync, self.held) = (None, None);
                return Err(error);
            }
            Err(error) => return self.failed(error, flow),
        }
        Ok(())
    }

    /// The stream does not suffer from what fails beside it.
    fn failed(&mut self, error: Error, flow: &mut Flow<'_>) -> Result<()> {
        self.sync = None;
        self.release(flow);
        // the sessions of our own last try may take a moment to end
        let ours = error.kind() == Kind::AlreadyRunning;
        // the next try has another slot
        let of_slot = error.side() == Some(Side::Source) && error.sqlstate() == Some(SLOT_GIVEN_UP);
        if reaction(error.kind()) != Reaction::Retry && !ours && !of_slot {
            return Err(error);
        }
        self.board.error(&error);
        if let Some(side) = error.side() {
            self.board.reconnect(side);
        }
        for joining in &self.tables {
            self.board
                .table_state(&joining.table.name, TableState::Pending);
        }
        if self.began.elapsed() > BACKOFF_MAX {
            self.pauses = Box::new(pauses());
        }
        let pause = self.pauses.next().unwrap_or(BACKOFF_MAX);
        report_retry(&error, pause);
        self.again_at = Some(Instant::now() + pause);
        Ok(())
    }

    /// Tells them where the stream is.
    pub(super) fn go_on(&mut self, flow: &Flow<'_>) {
        let Some(sync) = &self.sync else {
            return;
        };
        match self.held {
            None => sync.main_is_at(flow.received_for_good(), false, self.turn, false),
            Some((lsn, _)) => {
                sync.main_is_at(lsn, flow.has_reached_gate(), self.turn, self.stays);
            }
        }
    }

    fn release(&mut self, flow: &mut Flow<'_>) {
        self.stays = false;
        if self.held.take().is_some() {
            tracing::debug!("the stream goes on");
            self.turn += 1;
            flow.let_in(Lsn::MAX);
        }
    }
}

/// How long the others wait: longer each time, since a source that feeds both streams equally fast
/// may need that.
fn hold_max(turn: u32) -> Duration {
    TABLESYNC_HOLD_MIN
        .saturating_mul(1 << turn.min(16))
        .min(TABLESYNC_HOLD_MAX)
}

/// For ever when there is no such time.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
