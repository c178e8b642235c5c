//! The tables that are loaded beside the stream, as the stream sees them.
//!
//! ```text
//! load ─▶ near: the stream holds ─▶ complete, both at the same position: adopt
//!   ▲  ▲                       └── not in time: the stream goes on, and holds again later
//!   └──┴── a fault that may heal: again after a pause, while the stream goes on
//! ```

use std::sync::Arc;

use tokio::time::{Duration, Instant};

use super::flow::Flow;
use super::tablesync::{Joining, News, Tablesync};
use super::{Reaction, pauses, reaction, report_retry};
use crate::catalog::types::Types;
use crate::checkpoint::Loader;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::limits::{BACKOFF_MAX, TABLESYNC_HOLD_MAX};
use crate::lsn::Lsn;
use crate::observe::{Board, TableState};
use crate::snapshot::Adopted;

/// None, or some that are loaded together.
pub(super) struct Joiners<'j> {
    config: &'j Arc<Config>,
    board: &'j Board,
    loader: Loader,
    types: Arc<Types>,
    tables: Vec<Joining>,
    sync: Option<Tablesync>,
    began: Instant,
    /// When to begin again after a fault.
    again_at: Option<Instant>,
    pauses: Box<dyn Iterator<Item = Duration> + Send>,
    /// The stream holds here for them, since then.
    held: Option<(Lsn, Instant)>,
    /// How often the stream has waited in vain.
    turn: u32,
    complete: Option<Vec<Adopted>>,
    /// The applier puts them into their places: the round ends with that.
    adopting: bool,
}

impl<'j> Joiners<'j> {
    pub(super) fn new(
        config: &'j Arc<Config>,
        flow: &Flow<'_>,
        tables: Vec<Joining>,
        types: Arc<Types>,
        loader: Loader,
        board: &'j Board,
    ) -> Self {
        let mut joiners = Joiners {
            config,
            board,
            loader,
            types,
            tables,
            sync: None,
            began: Instant::now(),
            again_at: None,
            pauses: Box::new(pauses()),
            held: None,
            turn: 0,
            complete: None,
            adopting: false,
        };
        if !joiners.is_idle() {
            joiners.begin(flow);
        }
        joiners
    }

    /// There are none, nor any that come into their places just now.
    pub(super) fn is_idle(&self) -> bool {
        self.tables.is_empty() && !self.adopting
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
        let at = flow.received();
        self.sync = Some(Tablesync::start(
            self.config,
            tables,
            types,
            loader,
            self.board,
            at,
        ));
    }

    /// Waits for news of them; for ever when there are none.
    pub(super) async fn news(&mut self) -> Result<News> {
        match (&mut self.sync, self.again_at) {
            (Some(sync), _) if self.complete.is_none() => sync.news().await,
            (None, Some(at)) => {
                tokio::time::sleep_until(at).await;
                Ok(News::Again)
            }
            _ => std::future::pending().await,
        }
    }

    /// Does what the news are about; an error only when it will not heal by itself.
    pub(super) fn note(&mut self, news: Result<News>, flow: &mut Flow<'_>) -> Result<()> {
        match news {
            Ok(News::Near) if self.held.is_none() => {
                self.held = Some((flow.hold(), Instant::now()));
            }
            Ok(News::Near) => {}
            Ok(News::Done(tables)) if self.held.is_some() => self.complete = Some(tables),
            // done for a position that the stream has just left
            Ok(News::Done(_) | News::Again) => self.begin(flow),
            Err(error) => return self.failed(error, flow),
        }
        Ok(())
    }

    /// The stream does not suffer from what fails beside it.
    fn failed(&mut self, error: Error, flow: &mut Flow<'_>) -> Result<()> {
        // the sessions of our own last try may take a moment to end
        let ours = error.kind() == Kind::AlreadyRunning;
        if reaction(error.kind()) != Reaction::Retry && !ours {
            return Err(error);
        }
        self.sync = None;
        self.release(flow);
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

    /// Tells them where the stream is, and takes them over once they are there too.
    pub(super) fn go_on(&mut self, flow: &mut Flow<'_>) -> Result<()> {
        let Some(sync) = &self.sync else {
            return Ok(());
        };
        let Some((lsn, _)) = self.held else {
            sync.main_is_at(flow.received(), false, self.turn);
            return Ok(());
        };
        let reached = flow.has_reached_gate();
        sync.main_is_at(lsn, reached, self.turn);
        let Some(tables) = self.complete.take_if(|_| reached) else {
            return Ok(());
        };
        let adoption = sync.adoption(tables, lsn);
        // It may take long, and the stream stands still until it is done: the round ends then.
        (self.sync, self.held) = (None, None);
        self.tables.clear();
        self.adopting = true;
        flow.adopt(adoption)
    }

    /// The others wait for them only so long.
    pub(super) fn patience(&mut self, flow: &mut Flow<'_>) {
        let late = |(_, since): (Lsn, Instant)| since.elapsed() > TABLESYNC_HOLD_MAX;
        if self.complete.is_none() && self.held.is_some_and(late) {
            tracing::info!("tables beside the stream did not catch up in time: it goes on");
            self.release(flow);
        }
    }

    fn release(&mut self, flow: &mut Flow<'_>) {
        if self.held.take().is_some() {
            self.turn += 1;
            flow.let_in(Lsn::MAX);
        }
    }
}
